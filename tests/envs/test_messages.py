"""Every refusal says what, which value and what to do."""

import pytest

from assembly_rl.envs import PegInHoleEnv

SOFT = {"mass": [4.0] * 3 + [0.06] * 3, "damping": [150.0, 150.0, 800.0, 1.0, 1.0, 1.0]}
"""Stable in contact, but not by much."""


@pytest.mark.parametrize(
    ("part", "task", "message"),
    [
        ({}, {"polcy_rate": 20.0}, "TaskConfig has no field 'polcy_rate'; did you mean 'policy_rate'?"),
        ({}, {"limits": {"forse": 1.0}}, "LimitConfig has no field 'forse'; did you mean 'force'?"),
        ({"clearence": 1e-4}, {}, "PegHole has no field 'clearence'; did you mean 'clearance'?"),
        ({"section": "sqare"}, {}, "unknown section 'sqare': did you mean 'square'?"),
        (
            {},
            {"action": {"kind": "force"}},
            "ActionConfig.kind must be one of wrench, twist, .*, got 'force'",
        ),
        ({}, {"policy_rate": 30.0}, "policy_rate 30 Hz must divide control_rate 200 Hz: .*6.66"),
        ({}, {"control_rate": 300.0}, "control_rate 300 Hz must divide physics.rate 1000 Hz"),
        ({}, {"physics": {"rate": 500.0}}, "control_rate 200 Hz must divide physics.rate 500 Hz: .*2.5"),
        ({}, {"policy_rate": 400.0}, "policy_rate 400 Hz must divide control_rate 200 Hz"),
        ({}, {"policy_rate": 0.0}, "TaskConfig.policy_rate must be > 0, got 0"),
        ({}, {"sensor": {"delay": 0.012}}, "delay 0.012 s must be a multiple of the control period 0.005 s"),
        (
            {},
            {"randomization": {"friction": [0.3, 0.2]}},
            r"friction must be \[low, high\] .* got \[0.3, 0.2\]",
        ),
        ({}, {"randomization": {"gains": [0.0, 1.0]}}, r"gains must be \[low, high\] with 0 < low"),
        ({}, {"randomization": {"clearance": [1e-4]}}, r"clearance must be \[low, high\] .*, got \[0.0001\]"),
        ({}, {"randomization": {"clearance": [1e-4, 0.02]}}, "clearance 0.02 m must be less than"),
        ({}, {"randomization": {"clearance": [1e-6, 2e-6]}}, "clearance"),
        (
            {},
            {"randomization": {"hole_estimate": {"tilt": -0.1}}},
            "PoseErrorConfig.tilt must be >= 0, got -0.1",
        ),
        (
            {},
            {"observation": {"groups": ["wrensh"]}},
            "unknown observation group 'wrensh'; did you mean 'wrench'?",
        ),
        ({}, {"observation": {"groups": []}}, "one or more different names, got"),
        ({}, {"observation": {"groups": ["pose", "pose"]}}, r"different names, got \['pose', 'pose'\]"),
        ({}, {"observation": {"history": 0}}, "ObservationConfig.history must be > 0, got 0"),
        (
            {},
            {"observation": {"pose_scale": [0.0] * 6}},
            r"pose_scale\[x\] must be > 0, got 0",
        ),
        ({}, {"compliance": {"mass": [1.0] * 5}}, "ComplianceConfig.mass must be six numbers x y z rx ry rz"),
        ({}, {"compliance": {"mass": [0.0] + [1.0] * 5}}, "mass must have eigenvalues > 0"),
        ({}, {"admittance": {"offset_limit": [0.0] * 6}}, r"offset_limit\[x\] must be > 0, got 0.0"),
        (
            {},
            {"action": {"wrench": [5.0, 5.0, 16.0, 0.1, 0.1, 0.1]}},
            r"action.wrench\[z\] = 16.0 exceeds admittance.reference_limit 15.0",
        ),
        (
            {},
            {"randomization": {"start_pose": {"lateral": 0.005}}},
            "start_pose reaches 0.005 along x, beyond admittance.offset_limit 0.004",
        ),
        (
            {},
            {"sensor": {"delay": 0.01}, "compliance": SOFT},
            r"stiffness\[x\] = 30000 .* delay 0.01 s, .* largest stable value is 13434",
        ),
        (
            {},
            {"randomization": {"gains": [0.5, 2.0]}, "compliance": SOFT},
            r"unstable against contact stiffness\[rx\] = 500 .* the largest stable value is",
        ),
        ({}, {"action": {"gain_ratio": 1.0}}, "ActionConfig.gain_ratio must be > 1, got 1.0"),
        ({}, {"reward": {"time": float("nan")}}, "RewardConfig.time must be finite, got nan"),
        (
            {},
            {"limits": {"goal_margin": 0.025}},
            "goal_margin 0.025 m must be less than .* hole_depth 0.025 m",
        ),
        ({}, {"limits": {"force": float("inf")}}, "LimitConfig.force must be > 0, got inf"),
        ({}, {"path": {"speed": 0.0}}, "PathConfig.speed must be > 0, got 0.0"),
        ({}, {"path": {"start_height": -0.1}}, "PathConfig.start_height must be >= 0, got -0.1"),
    ],
)
def test_messages(part: dict, task: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PegInHoleEnv(part, task)

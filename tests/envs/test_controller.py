"""The controller in the environment is the one that a robot stack imports."""

from typing import Any

import numpy as np
import pytest

from assembly_rl.controllers import AdmittanceController, ComplianceLaw, ContactWrench, Fault, ToolConfig
from assembly_rl.controllers.se3 import quat_conjugate, quat_multiply
from assembly_rl.envs import PegInHoleEnv


def recorded(env: PegInHoleEnv, seed: int, steps: int) -> list[tuple[str, tuple, Any]]:
    """Every call of sensor, wrench frame and controller with its arguments and its result."""
    calls: list[tuple[str, tuple, Any]] = []
    env.reset(seed=seed)
    inner = env._insertion.controller, env._insertion.contact_wrench

    class Recorder:
        def __init__(self, target: object) -> None:
            self.target = target

        def __getattr__(self, name: str) -> Any:
            def call(*arguments: Any) -> Any:
                result = getattr(self.target, name)(*arguments)
                calls.append((name, arguments, result if name != "step" else (list(result[0]), result[1])))
                return result

            return call

        def __call__(self, *arguments: Any) -> Any:
            result = self.target(*arguments)  # type: ignore[operator]
            calls.append(("wrench", arguments, result))
            return result

    env._insertion.controller, env._insertion.contact_wrench = Recorder(inner[0]), Recorder(inner[1])  # type: ignore[assignment]
    env._insertion._mapping._controller = env._insertion.controller
    rng = np.random.default_rng(seed)
    action = rng.uniform(-1.0, 1.0, 6)
    for step in range(steps):
        if step % 5 == 0:
            action = rng.uniform(-1.0, 1.0, 6)
            action[2] = -1.0
        *_, terminated, truncated, _ = env.step(action.astype(np.float32))
        if terminated or truncated:
            break
    env._insertion.controller, env._insertion.contact_wrench = inner
    env._insertion._mapping._controller = inner[0]
    return calls


@pytest.mark.parametrize("kind", ["wrench", "damping", "stiffness"])
def test_replayed_outside_the_simulation_every_command_is_the_same_to_the_bit(kind: str) -> None:
    env = PegInHoleEnv(task={"action": {"kind": kind}})
    calls = recorded(env, 3, 40)
    c = env.task.compliance
    law = ComplianceLaw.from_diagonals(c.mass, c.damping, c.stiffness)
    controller = AdmittanceController(law, env.task.control_rate, env.task.admittance)
    contact = ContactWrench(ToolConfig(centre=[0.0, 0.0, -env.part.peg_length]))
    contact.bias = env._insertion.contact_wrench.bias
    readings = steps = 0
    for name, arguments, result in calls:
        if name == "wrench":
            assert contact(*arguments) == result
            readings += 1
        else:
            assert plain(getattr(controller, name)(*arguments)) == plain(result)
            steps += name == "step"
    assert readings == steps >= 100
    assert max(abs(result[0][0]) for name, _, result in calls if name == "step") > 5e-5


def plain(result: Any) -> Any:
    return (list(result[0]), int(result[1])) if isinstance(result, tuple) else result


def test_the_wrench_frame_sees_the_tool_in_nominal_axes() -> None:
    env = PegInHoleEnv()
    calls = recorded(env, 0, 3)
    rotations = [arguments[1] for name, arguments, _ in calls if name == "wrench"]
    orientation = env._world.pose()[1]
    expected = quat_multiply(quat_conjugate(env._conditions.estimate_rotation), orientation)
    np.testing.assert_allclose(rotations[-1], expected, rtol=1e-15)


def test_faults_are_reported_with_the_step_in_which_they_happen() -> None:
    task = {
        "path": {"start_height": 0.02, "speed": 1e-6},
        "randomization": {"hole_estimate": {"lateral": 0.0, "tilt": 0.0, "yaw": 0.0}},
        "limits": {"lateral": 0.02},
    }
    env = PegInHoleEnv(task=task)
    env.reset(seed=0)
    seen = []
    for _ in range(12):
        *_, info = env.step(np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0], np.float32))
        seen.append(info["faults"])
    assert seen[0] == Fault.NONE
    task, law = env.task, env.task.compliance
    # A wrench over the damping is the speed, late by M / D.
    speed = task.action.wrench[0] / law.damping[0]
    reached = task.admittance.offset_limit[0] / speed + law.mass[0] / law.damping[0]
    before = int(reached * task.policy_rate)
    assert 3 <= before <= 9
    assert [Fault.OFFSET_LIMIT in faults for faults in seen] == [False] * before + [True] * (12 - before)

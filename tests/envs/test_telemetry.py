"""Telemetry: what follows the motion, what follows nothing, and faults of the latter."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from assembly_rl.controllers.insertion.telemetry_term import (
    CHANNELS,
    EXOGENOUS,
    INFLUENCED,
    SCALES,
    SUPPLIES,
    TEMPERATURES,
    count_of,
)
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.envs.telemetry import CONFIGURATION, Telemetry, TelemetryConfig, arm_frames, arm_jacobian

OWN = ["wrench", "pose", "last_action"]
FOLLOWS = slice(18, 18 + count_of(INFLUENCED))
LONER = slice(18 + count_of(INFLUENCED), None)


def environment(groups: tuple[str, ...] = ("telemetry",), **telemetry: Any) -> PegInHoleEnv:
    task = {"observation": {"groups": [*OWN, *groups]}}
    return PegInHoleEnv(task=task | ({"telemetry": telemetry} if telemetry else {}))


def episode(env: PegInHoleEnv, steps: int = 30, seed: int = 3, of_actions: int = 0) -> np.ndarray:
    rng = np.random.default_rng(of_actions)
    seen = [env.reset(seed=seed)[0]]
    seen += [env.step(rng.uniform(-1.0, 1.0, 6))[0] for _ in range(steps)]
    return np.array(seen)


def test_the_channels_have_names_that_people_know() -> None:
    assert len(set(CHANNELS)) == len(CHANNELS) == len(SCALES) == 177
    assert count_of(EXOGENOUS) == 144
    assert {"joint_temperature_3", "joint_velocity_1", "base_pose_rx", "tool_acceleration_z"} < set(CHANNELS)
    assert environment().observation_names[18:] == CHANNELS


def test_all_else_in_an_episode_is_the_same_without_telemetry() -> None:
    without, with_it = (episode(environment(groups)) for groups in ((), ("telemetry",)))
    np.testing.assert_array_equal(without, with_it[:, :18])


def test_actions_influence_some_channels_and_not_the_others() -> None:
    env = environment()
    first, again, other = (episode(env, of_actions=number) for number in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[:, LONER], other[:, LONER])
    assert (first[5:, FOLLOWS] != other[5:, FOLLOWS]).mean() > 0.95
    assert (episode(env, seed=4)[:, LONER] != first[:, LONER]).mean() > 0.5


@pytest.mark.parametrize("way", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_goes_on_with_the_same_telemetry(way: Any) -> None:
    env = environment()
    episode(env, 10)
    other, third = way(env), environment()
    third.set_state(env.get_state())
    for _ in range(3):
        expected = env.step(np.ones(6))[0]
        np.testing.assert_array_equal(other.step(np.ones(6))[0], expected)
        np.testing.assert_array_equal(third.step(np.ones(6))[0], expected)


def test_the_jacobian_is_the_derivative_of_the_frames() -> None:
    jacobian, step = arm_jacobian(), 1e-6
    flange = arm_frames(CONFIGURATION)[-1]
    for joint in range(6):
        moved = np.array(CONFIGURATION)
        moved[joint] += step
        change = (arm_frames(moved)[-1] - flange) / step
        np.testing.assert_allclose(jacobian[:3, joint], change[:3, 3], atol=1e-5)
        turn = change[:3, :3] @ flange[:3, :3].T
        np.testing.assert_allclose(jacobian[3:, joint], [turn[2, 1], turn[0, 2], turn[1, 0]], atol=1e-5)


def readings(count: int) -> np.ndarray:
    telemetry, rest = Telemetry(TelemetryConfig(), 0.05), np.zeros(6)
    telemetry.reset(np.random.default_rng(0))
    return np.array([telemetry.read(rest, rest, rest) for _ in range(count)]) / SCALES


def test_joints_follow_the_tool_by_the_kinematics() -> None:
    telemetry, rng = Telemetry(TelemetryConfig(), 0.05), np.random.default_rng(0)
    telemetry.reset(rng)
    wrench, pose, twist = 10.0 * rng.normal(size=6), 0.01 * rng.normal(size=6), 0.1 * rng.normal(size=6)
    found = np.mean([telemetry.read(wrench, pose, twist) for _ in range(400)], axis=0)
    jacobian, noise = arm_jacobian(), 4.0 * 0.05 / 400**0.5 * SCALES
    for first, expected in ((0, np.linalg.solve(jacobian, pose)), (6, np.linalg.solve(jacobian, twist))):
        assert (np.abs(found[first : first + 6] - expected) < noise[first : first + 6]).all()
    assert (np.abs(found[12:18] - jacobian.T @ wrench / 10.0) < noise[12:18]).all()


def test_the_channels_are_correlated_in_time_as_documented() -> None:
    own = readings(4000)[:, count_of(INFLUENCED) :]
    assert 0.8 < own.std() < 1.2 and np.abs(own).max() < 6.0

    def correlation(part: slice) -> float:
        return float(np.mean([np.corrcoef(column[:-1], column[1:])[0, 1] for column in own[:, part].T]))

    temperatures, supplies = count_of(TEMPERATURES), count_of(SUPPLIES)
    assert correlation(slice(0, temperatures)) == pytest.approx(0.99, abs=0.01)
    assert correlation(slice(temperatures, temperatures + supplies)) == pytest.approx(0.9, abs=0.02)
    assert correlation(slice(temperatures + supplies, temperatures + supplies + 36)) == pytest.approx(
        0.0, abs=0.02
    )


@pytest.mark.parametrize("fault", ["drift", "freeze", "cut"])
def test_a_fault_begins_at_its_time_and_spares_what_follows_the_motion(fault: str) -> None:
    whole, faulty = (episode(environment(fault=name, fault_time=0.5)) for name in ("none", fault))
    np.testing.assert_array_equal(whole[:, : LONER.start], faulty[:, : LONER.start])
    np.testing.assert_array_equal(whole[:10], faulty[:10])  # 20 policy steps a second
    late = faulty[10:, LONER]
    if fault == "drift":
        away = np.abs(faulty - whole)[:, LONER]
        assert away[10].max() == 0.0 and away[15].mean() == pytest.approx(0.5, rel=0.01)
        assert away[30].mean() > 1.5  # some are at their bounds
    else:
        expected = whole[9, LONER] if fault == "freeze" else np.zeros(144)
        np.testing.assert_array_equal(late, np.tile(expected, (len(late), 1)))


@pytest.mark.parametrize(
    ("telemetry", "message"),
    [
        ({"fault": "smoke"}, "TelemetryConfig.fault must be one of none, drift, freeze, cut, got 'smoke'"),
        ({"drift": -1.0}, "drift"),
        ({"fault_time": float("nan")}, "fault_time"),
    ],
)
def test_a_wrong_fault_is_refused(telemetry: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TelemetryConfig(**telemetry)

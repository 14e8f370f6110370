"""The response between command and motion: lag, delay, limits, and the ranges from which they are drawn."""

import json
import pickle
from math import exp, hypot, inf, sin
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembly_rl.controllers.se3 import Pose, displace, offset_between, quat_exp
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegInHoleEnv, SimulatedRobot, TaskConfig
from assembly_rl.envs.conditions import draw_conditions
from assembly_rl.envs.config import RandomizationConfig
from assembly_rl.envs.robots import Response, ResponseConfig, ResponseParameters, RobotConfig
from assembly_rl.envs.robots.iiwa import iiwa_kinematics
from assembly_rl.envs.robots.kinematics import homogeneous

DT = 0.005
START: Pose = ((0.3, -0.2, 0.06), quat_exp((0.1, -0.4, 0.7)))


def followed(parameters: ResponseParameters, commands: list[Pose], start: Pose = START) -> list[Pose]:
    response = Response(1.0 / DT)
    response.reset(start, parameters)
    return [response.follow(command) for command in commands]


def along_x(parameters: ResponseParameters, path: list[float]) -> list[float]:
    """The response to commands along x alone."""
    (x, y, z), rotation = START
    poses = followed(parameters, [((x + way, y, z), rotation) for way in path])
    for (_, py, pz), turn in poses:
        assert (py, pz) == pytest.approx((y, z), abs=1e-12) and turn == pytest.approx(rotation, abs=1e-12)
    return [pose[0][0] - x for pose in poses]


def wander() -> list[Pose]:
    """Commands like those of an insertion: down, sideways, tilting."""
    return [
        displace(
            START, (1e-3 * sin(0.1 * k), 1e-3 * sin(0.07 * k), -4e-5 * k, 0.03 * sin(0.09 * k), 0.0, 0.0)
        )
        for k in range(200)
    ]


# ---------------------------------------------------------------------- lag and delay


@pytest.mark.parametrize("lag", [1e-5, 0.003, 0.03, 1.0])
def test_a_lag_is_that_of_the_differential_equation(lag: float) -> None:
    """A ramp, and a command that jumps, which the path takes in one period."""
    times = [DT * (k + 1) for k in range(60)]
    ramp = along_x(ResponseParameters(lag), [0.01 * t for t in times])
    assert ramp == pytest.approx([0.01 * (t - lag * (1.0 - exp(-t / lag))) for t in times], abs=1e-15)
    step = along_x(ResponseParameters(lag), [1e-3] * 60)
    first = 1e-3 / DT * (DT - lag * (1.0 - exp(-DT / lag)))
    expected = [1e-3 - (1e-3 - first) * exp(-(t - DT) / lag) for t in times]
    assert step == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("periods", [0.25, 1.0, 2.6, 10.0])
def test_a_delay_shifts_a_path_by_fractions_of_a_period(periods: float) -> None:
    ramp = along_x(ResponseParameters(delay=periods * DT), [1e-4 * (k + 1) for k in range(40)])
    assert ramp == pytest.approx([1e-4 * max(0.0, k + 1 - periods) for k in range(40)], abs=1e-15)


def test_lag_and_delay_act_on_rotations_in_the_same_way() -> None:
    parameters = ResponseParameters(0.02, 0.007)
    turns = followed(parameters, [displace(START, (0, 0, 0, 0, 0, 1e-3 * (k + 1))) for k in range(40)])
    ways = along_x(parameters, [1e-3 * (k + 1) for k in range(40)])
    assert [offset_between(START, pose)[5] for pose in turns] == pytest.approx(ways, abs=1e-12)


def test_without_a_response_commands_pass_to_the_last_bit() -> None:
    assert followed(ResponseParameters(), wander()) == wander()
    for almost in (ResponseParameters(1e-9), ResponseParameters(delay=1e-12)):
        offsets = [offset_between(*pair) for pair in zip(wander(), followed(almost, wander()), strict=True)]
        assert np.abs(offsets).max() < 1e-7


def test_a_reset_forgets_the_episode_before() -> None:
    response, parameters = Response(200.0), ResponseParameters(0.02, 0.012, (0.1, 0.5), (1.0, 5.0))
    for _ in range(2):
        response.reset(START, parameters)
        assert [response.follow(command) for command in wander()] == followed(parameters, wander())


# ---------------------------------------------------------------------- limits

numbers = st.floats(-5e-3, 5e-3)


@given(
    st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=60),
    st.sampled_from([inf, 0.02, 0.5]),
    st.sampled_from([inf, 0.1, 5.0]),
    st.sampled_from([0.0, 0.02]),
)
def test_limits_are_never_exceeded(
    path: list[tuple[float, float, float]], speed: float, acceleration: float, lag: float
) -> None:
    """Neither of the motion nor of the turn, from rest, for commands that jump about."""
    parameters = ResponseParameters(lag, 0.003, (speed, 2.0 * speed), (acceleration, 3.0 * acceleration))
    poses = followed(parameters, [displace(START, (*way, *way)) for way in path + [path[-1]] * 20])
    offsets = [offset_between(((0.0, 0.0, 0.0), START[1]), pose) for pose in poses]
    still = offset_between(((0.0, 0.0, 0.0), START[1]), START)
    points = np.array([still, still, *offsets])
    for axes, most, gain in ((slice(3), speed, acceleration), (slice(3, 6), 2 * speed, 3 * acceleration)):
        speeds = np.diff(points[:, axes], axis=0) / DT
        assert np.linalg.norm(speeds, axis=1).max() <= most * (1 + 1e-6) + 1e-9
        assert np.linalg.norm(np.diff(speeds, axis=0) / DT, axis=1).max() <= gain * (1 + 1e-6) + 1e-6


@given(
    st.floats(1e-7, 0.05),
    st.sampled_from([inf, 0.02, 0.3]),
    st.floats(0.05, 20.0),
    st.tuples(numbers, numbers, numbers).filter(lambda way: hypot(*way) > 1e-4),
)
def test_a_target_at_rest_is_reached_and_not_overshot(
    distance: float, speed: float, acceleration: float, direction: tuple[float, float, float]
) -> None:
    unit = np.array(direction) / hypot(*direction)
    (x, y, z), rotation = START
    goal: Pose = ((x + distance * unit[0], y + distance * unit[1], z + distance * unit[2]), rotation)
    limits = ResponseParameters(speed=(speed, inf), acceleration=(acceleration, inf))
    count = int((distance / min(speed, 1e3) + 2.0 * (distance / acceleration) ** 0.5) / DT) + 12
    ways = (np.array([pose[0] for pose in followed(limits, [goal] * count)]) - START[0]) @ unit
    assert (np.diff(ways) >= -1e-12).all()
    assert ways.max() <= distance + 1e-12
    assert ways[-1] == pytest.approx(distance, abs=1e-9)


def test_limits_that_are_not_reached_change_nothing() -> None:
    commands = wander()
    wide = followed(ResponseParameters(0.02, 0.007, (1.7, 2.5), (130.0, 250.0)), commands)
    free = followed(ResponseParameters(0.02, 0.007), commands)
    assert np.abs([offset_between(*pair) for pair in zip(wide, free, strict=True)]).max() < 1e-12


def test_a_faster_target_is_caught_up_with_when_it_slows_down() -> None:
    fast = [1e-3 * (k + 1) for k in range(20)]  # 0.2 m/s
    slow = [fast[-1] + 1e-5 * (k + 1) for k in range(200)]
    ways = along_x(ResponseParameters(speed=(0.1, inf), acceleration=(2.0, inf)), fast + slow)
    assert ways[19] < 0.6 * fast[-1]
    assert ways[-100:] == pytest.approx(slow[-100:], abs=1e-9)
    assert (np.array(ways) <= np.array(fast + slow) + 1e-9).all()


# ---------------------------------------------------------------------- an arm


@pytest.mark.parametrize("seed", range(3))
def test_a_lag_of_the_pose_is_a_lag_of_each_joint(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the commands of an episode, within micrometres: a hundredth of the lag."""
    commands: list[Pose] = []
    move = SimulatedRobot.move
    monkeypatch.setattr(SimulatedRobot, "move", lambda own, pose: (commands.append(pose), move(own, pose)))
    env = PegInHoleEnv(task=robot() | {"limits": {"force": 1e3, "moment": 1e2}})
    env.reset(seed=seed)
    start = env._robot.pose
    rng = np.random.default_rng(seed)
    for _ in range(60):
        env.step(rng.uniform(-1.0, 1.0, 6))
    env.close()
    arm, lag = iiwa_kinematics(RobotConfig(model="iiwa")), 0.04
    keep = exp(-DT / lag)
    new = 1.0 - (1.0 - keep) * lag / DT
    by_pose = joints = lagging = before = arm.solve(*start)
    misses, lags = [], []
    for command, pose in zip(commands, followed(ResponseParameters(lag), commands, start), strict=True):
        for _ in range(2):
            by_pose = by_pose + arm.towards(by_pose, homogeneous(*pose))[0]
            joints = joints + arm.towards(joints, homogeneous(*command))[0]
        lagging = keep * lagging + (1.0 - keep - new) * before + new * joints
        before = joints
        one, other = arm.flange(by_pose)[0], arm.flange(lagging)[0]
        misses.append(np.linalg.norm((one - other)[:3, 3]))
        lags.append(np.linalg.norm(one[:3, 3] - command[0]))
    assert len(commands) == 600 and max(lags) > 5e-4
    assert max(misses) < 1e-5 and max(misses) < 0.01 * max(lags)


# ---------------------------------------------------------------------- ranges


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"lag": [0.02, 0.01]},
            r"lag must be \[low, high\] with 0 <= low <= high <= 1 s, got \[0.02, 0.01\]",
        ),
        ({"lag": 0.03}, "lag must be"),
        ({"delay": [-0.01, 0.0]}, "delay must be"),
        ({"delay": [0.0, 1.5]}, "delay must be"),
        ({"lag": []}, "lag must be"),
        ({"lag": ["0", "1"]}, "lag must be"),
        (
            {"speed": [0.0, 1.0]},
            r"speed must be \[low, high\] with 1e-09 <= low <= high, or empty for no limit",
        ),
        ({"angular_speed": [1.0]}, "angular_speed must be"),
        ({"acceleration": [1.0, inf]}, "acceleration must be"),
        ({"angular_acceleration": [2.0, 1.0]}, "angular_acceleration must be"),
    ],
)
def test_a_range_that_is_none_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ResponseConfig(**values)
    with pytest.raises(InputError, match="response must be a mapping of its fields, got"):
        RobotConfig(response=values)  # type: ignore[arg-type]


def test_values_are_drawn_within_their_ranges() -> None:
    config = ResponseConfig([0.01, 0.03], [0.0, 0.01], [0.1, 0.2], [], [1.0, 2.0], [3.0, 3.0])
    drawn = [config.draw(np.random.default_rng(seed)) for seed in range(300)]
    for values, (low, high) in (
        ([one.lag for one in drawn], config.lag),
        ([one.delay for one in drawn], config.delay),
        ([one.speed[0] for one in drawn], config.speed),
        ([one.acceleration[0] for one in drawn], config.acceleration),
    ):
        assert low <= min(values) < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < max(values) <= high
    assert {(one.speed[1], one.acceleration[1]) for one in drawn} == {(inf, 3.0)}


def test_the_rest_of_an_episode_is_the_same_for_every_single_value() -> None:
    episodes = []
    for value in (0.0, 0.01, 0.3):
        rng = np.random.default_rng(7)
        ranges = RandomizationConfig(friction=[0.1, 0.4], clearance=[8e-5, 1.2e-4])
        response = ResponseConfig([value] * 2, [0.5 * value] * 2)
        conditions = draw_conditions(ranges, response, [8e-5, 9e-5], rng)
        assert (conditions.response.lag, conditions.response.delay) == (value, 0.5 * value)
        assert conditions.response.immediate == (value == 0.0)
        episodes.append(
            (conditions.friction, conditions.estimate_position, conditions.clearance, rng.random())
        )
    assert episodes[0] == episodes[1] == episodes[2]


def robot(**response: list[float]) -> dict[str, Any]:
    return {"robot": {"response": {"lag": [0.0, 0.0], "delay": [0.0, 0.0], **response}}}


def test_hole_noise_and_the_first_readings_do_not_depend_on_the_lag() -> None:
    first = []
    for task in (robot(), robot(lag=[0.03, 0.03]), robot(delay=[0.01, 0.01])):
        simulated = SimulatedRobot(task=task)
        hole = simulated.draw(np.random.default_rng(3))
        first.append((hole, simulated.free_readings.tolist(), simulated.conditions.friction))
        simulated.close()
    assert first[0] == first[1] == first[2]


# ---------------------------------------------------------------------- the environment


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=lambda array: np.asarray(array).tolist()))


def trace(env: PegInHoleEnv, steps: int, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [plain(env.step(rng.uniform(-0.2, 0.2, 6))) for _ in range(steps)]


def test_states_and_copies_have_the_lag_of_their_episode() -> None:
    env = PegInHoleEnv()  # its lag and delay are drawn
    env.reset(seed=5)
    env.reset()
    trace(env, 4, 0)
    state, copy = plain(env.get_state()), pickle.loads(pickle.dumps(env))
    other = PegInHoleEnv()
    other.reset(seed=1)
    other.set_state(state)
    drawn = env._robot.conditions.response
    assert other._robot.conditions.response == copy._robot.conditions.response == drawn
    assert 0.0 < drawn.lag < 0.04 and 0.0 < drawn.delay < 0.01
    assert trace(env, 4, 1) == trace(other, 4, 1) == trace(copy, 4, 1)
    assert plain(env.reset()) == plain(other.reset()) == plain(copy.reset())
    assert env._robot.conditions.response != drawn


def test_the_tool_moves_as_late_as_its_lag_and_delay() -> None:
    late = {}
    for name, task in (("none", robot()), ("both", robot(lag=[0.03, 0.03], delay=[0.01, 0.01]))):
        simulated = SimulatedRobot(task=task)
        simulated.draw(np.random.default_rng(0))
        upright = (0.0, 0.0, 0.0, 1.0)
        simulated.place(((0.0, 0.0, 0.08), upright))
        for k in range(60):
            simulated.move(((0.0, 0.0, 0.08 - 4e-5 * (k + 1)), upright))  # 8 mm/s
        late[name] = simulated.pose[0][2] - (0.08 - 4e-5 * 60)
        simulated.close()
    assert late["both"] - late["none"] == pytest.approx(8e-3 * 0.04, rel=0.01)


def test_the_hash_of_the_physics_is_without_the_response() -> None:
    hashes = set()
    for task in (robot(), robot(lag=[0.01, 0.02]), robot(speed=[0.1, 0.1])):
        task["robot"]["model"] = "iiwa"
        simulated = SimulatedRobot(task=task)
        hashes.add(simulated.physics_hash)
        assert simulated._workcell.robot.content() == [
            {
                "model": "iiwa",
                "base_position": [-0.6, 0.0, -0.025],
                "base_rotation": [0.0, 0.0, 0.0],
                "posture": [0.0, 1.15, 0.0, -1.42, 0.0, 0.57, 0.0],
            }
        ]
        simulated.close()
    assert len(hashes) == 1


def test_the_default_robot_lags_between_0_and_40_ms() -> None:
    response = TaskConfig().robot.response
    assert (response.lag, response.delay) == ([0.0, 0.04], [0.0, 0.01])

"""Impossible poses are not used, a robot that does not follow is noticed, commands keep their bound."""

from typing import Any

import numpy as np
import pytest
from bundle_maker import HOLE, manifest, policy

from assembly_rl.controllers import BundleController, Fault
from assembly_rl.controllers.bundles import Manifest, State
from assembly_rl.controllers.bundles.controller import SUCCESS_POSES
from assembly_rl.controllers.bundles.plausibility import CommandBound, PoseCheck
from assembly_rl.controllers.insertion import InsertionConfig
from assembly_rl.controllers.se3 import Pose, displace, offset_between
from assembly_rl.controllers.wrench import ToolConfig

FREE = [0.0] * 6
DEEP = [0.0, 0.0, -0.05, 0.0, 0.0, 0.0]


def controller(action: str = "wrench", **changes: Any) -> BundleController:
    values = manifest() | changes
    values["insertion"]["action"]["kind"] = action
    return BundleController(Manifest.read(values), policy(scale=0.0, bias=0.0))


def follow(
    own: BundleController, steps: int, false: dict[int, Any] | None = None, share: float = 1.0
) -> list[Any]:
    """Run with a robot that lags; at some steps the measured pose is displaced by an offset."""
    commands = [own.reset(HOLE)]
    pose: Pose = commands[0][:2]
    for number in range(steps):
        seen = displace(pose, false[number]) if false and number in false else pose
        commands.append(own.step(FREE, seen, number / own.rate))
        pose = displace(pose, [share * value for value in offset_between(pose, commands[-1][:2])])
    return commands


@pytest.mark.parametrize("number", [40, 43, 100])
def test_one_false_pose_deep_in_the_hole_is_no_success(number: int) -> None:
    own = controller()
    commands = follow(own, 200, {number: DEEP})
    assert own.state is State.running
    assert Fault.INVALID_INPUT in commands[number + 1].faults and not commands[number + 2].faults


@pytest.mark.parametrize("offset", [DEEP, [0.0, 0.0, 0.0, 0.5, 0.0, 0.0], [0.3, 0.0, 0.0, 0.0, 0.0, 0.0]])
def test_false_poses_that_persist_end_with_a_fault(offset: list[float]) -> None:
    own = controller()
    commands = follow(own, 300, dict.fromkeys(range(50, 300), offset))
    assert own.state is State.fault and "from the command" in own.reason
    moved = np.subtract(commands[-1].position, commands[50].position)
    assert np.abs(moved).max() < 0.002


@pytest.mark.parametrize("poses", [1, SUCCESS_POSES - 1])
def test_fewer_poses_at_the_goal_than_needed_are_no_success(poses: int) -> None:
    """Even where they are plausible: some millimetres off, close to the goal."""
    own = controller()
    depth = 0.0235  # the goal is at 24 mm
    number = next(
        number
        for number, command in enumerate(follow(own, 900))
        if command.position[2] - own.manifest.part.peg_length < HOLE[0][2] - depth and number % 10 == 0
    )
    nearer = [0.0, 0.0, -0.002, 0.0, 0.0, 0.0]
    follow(own, number + poses, dict.fromkeys(range(number, number + poses), nearer))
    assert own.state is State.running
    follow(own, number + SUCCESS_POSES, dict.fromkeys(range(number, number + SUCCESS_POSES), nearer))
    assert own.state is State.success


def test_a_robot_that_reaches_the_goal_succeeds_with_and_without_a_lag() -> None:
    for share in (1.0, 0.3, 0.05):
        own = controller()
        follow(own, 1000, share=share)
        assert own.state is State.success


def test_a_robot_that_does_not_move_does_not_let_the_command_drift_away() -> None:
    own = controller()
    start = own.reset(HOLE)
    furthest, faults = 0.0, Fault.NONE
    for number in range(1000):
        command = own.step(FREE, start[:2], number / own.rate)
        furthest = max(furthest, float(np.linalg.norm(np.subtract(command.position, start.position))))
        faults |= command.faults
    assert own.state is State.fault and "does the robot follow?" in own.reason
    assert Fault.INVALID_INPUT in faults and furthest < 0.013


def test_a_robot_that_catches_up_goes_on() -> None:
    own = controller()
    commands = follow(own, 150)
    stuck = commands[-1][:2]
    number = 150
    while not (command := own.step(FREE, stuck, number / own.rate)).faults:
        number += 1
    for share in (0.3, 0.6, 0.9, 1.0):
        number += 1
        pose = displace(stuck, [share * value for value in offset_between(stuck, command[:2])])
        command = own.step(FREE, pose, number / own.rate)
    assert not command.faults and own.state is State.running


def test_a_tool_that_is_pushed_up_does_not_take_the_path_out_of_its_workspace() -> None:
    own = controller()
    pose: Any = own.reset(HOLE)[:2]
    highest = 0.0
    for number in range(990):
        command = own.step([0.0, 0.0, 29.0, 0.0, 0.0, 0.0], pose, number / own.rate)
        pose = command[:2]
        highest = max(highest, command.position[2] - HOLE[0][2] - own.start[0][2])
    assert own.state is State.running
    limit = own.manifest.insertion.admittance.offset_limit[2]
    assert 0.9 * limit < highest <= limit + 1e-9


def test_a_turn_of_the_whole_quaternion_is_no_jump() -> None:
    own = controller()
    pose: Any = own.reset(HOLE)[:2]
    for number in range(50):
        sign = 1.0 if number % 2 else -1.0
        command = own.step(FREE, (pose[0], [sign * value for value in pose[1]]), number / own.rate)
        pose = command[:2]
        assert not command.faults


def test_a_command_beyond_the_stated_speeds_is_replaced_by_the_last_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No input is known that leads there: the inside of the controller is disturbed."""
    for offset in ([0.01, 0.0, 0.0, 0.0, 0.0, 0.0], [float("nan")] * 6, [0.0, 0.0, 0.0, 0.1, 0.0, 0.0]):
        own = controller()
        commands = follow(own, 50)
        inside = own._insertion.controller
        monkeypatch.setattr(inside, "step", lambda *_, offset=offset: (list(offset), Fault.NONE))
        after = [own.step(FREE, commands[-1][:2], (50 + number) / own.rate) for number in range(5)]
        assert all(command[:2] == commands[-1][:2] for command in after)
        assert own.state is State.fault and "beyond the stated speed limits" in own.reason


def test_the_bound_of_a_command_is_reached_and_not_exceeded() -> None:
    config, tool = InsertionConfig(), ToolConfig([0.0, 0.03, -0.04])
    bound = CommandBound(config, tool)
    x, y, z, *turn = np.array(config.admittance.speed_limit) / config.control_rate
    assert bound.angle == pytest.approx(np.linalg.norm(turn))
    assert bound.distance == pytest.approx(np.linalg.norm([x, y, z + 0.008 / 200.0]) + 0.05 * bound.angle)
    origin: Pose = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    for factor, allowed in ((0.999, True), (1.001, False)):
        assert (
            bound.allows(origin, displace(origin, [factor * bound.distance, 0.0, 0.0, 0.0, 0.0, 0.0]))
            is allowed
        )
        assert (
            bound.allows(origin, displace(origin, [0.0, 0.0, 0.0, factor * bound.angle, 0.0, 0.0])) is allowed
        )


def test_the_way_of_a_lag_is_no_following_error() -> None:
    check = PoseCheck(CommandBound(InsertionConfig(), ToolConfig()), 0.005)
    origin: Pose = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    check.reset(origin)
    for number in range(100):  # 0.25 m/s, 90 ms behind
        command = ((0.00125 * number, 0.0, 0.0), origin[1])
        pose = ((max(0.0, 0.00125 * (number - 18)), 0.0, 0.0), origin[1])
        assert check.fault(pose, command) == ""
    for number in range(100):
        command = ((0.125 + 0.00125 * number, 0.0, 0.0), origin[1])
        if found := check.fault(pose, command):
            break
    assert "does the robot follow?" in found and number < 25


def test_poses_that_come_and_go_at_the_goal_end_with_a_timeout() -> None:
    """At the goal whenever the policy acts, and above it in between: neither a success nor without end."""
    own = controller()
    arrival = next(n for n, command in enumerate(follow(own, 2000)) if command.state is State.success)
    values = manifest()["insertion"]
    values["limits"]["time"] = (arrival + 20) / own.rate
    own = controller(insertion=values)
    above = {n: [0.0, 0.0, 0.008, 0.0, 0.0, 0.0] for n in range(arrival - 50, 2000) if n % 10}
    commands = follow(own, 2000, above)
    assert own.state is State.timeout
    assert [command.state for command in commands].index(State.timeout) < arrival + 40

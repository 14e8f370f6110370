"""The UR adapter, with the simulator's robot behind a fake of ur-rtde's interfaces."""

import inspect
from collections.abc import Iterator
from dataclasses import replace
from math import nan, pi
from typing import Any

import numpy as np
import pytest
from adapter_bundles import BLIND, EXACT, PART, at_start, controller
from fake_rtde import FakeController

from assembly_rl.controllers.adapters import ur
from assembly_rl.controllers.bundles import Command, State
from assembly_rl.controllers.faults import Fault
from assembly_rl.controllers.se3 import Pose, compose, quat_exp
from assembly_rl.envs.robots import ResponseParameters
from assembly_rl.envs.robots.config import ResponseConfig, RobotConfig
from assembly_rl.envs.simulation import SimulatedRobot, insert

BASE: Pose = ((0.4, -0.2, 0.1), quat_exp((0.05, -0.1, 2.0)))
TCP = [0.001, -0.002, 0.15, pi, 0.0, 0.0]
RATE = 200.0


LAG = ResponseConfig(lag=[0.03, 0.03], delay=[0.0, 0.0])
TASKS = {"blind": BLIND, "exact": EXACT, "lagging": replace(EXACT, robot=RobotConfig(response=LAG))}
ENDS = {"blind": State.timeout, "exact": State.success, "lagging": State.success}


@pytest.fixture(scope="module", params=TASKS)
def simulated(request: pytest.FixtureRequest) -> Iterator[SimulatedRobot]:
    robot = SimulatedRobot(PART, TASKS[request.param])
    yield robot
    robot.close()


@pytest.fixture(scope="module")
def robot() -> Iterator[SimulatedRobot]:
    robot = SimulatedRobot(PART, BLIND)
    yield robot
    robot.close()


def arranged(robot: SimulatedRobot, seed: int = 3) -> tuple[FakeController, ur.UR, Pose]:
    hole = at_start(robot, seed)
    fake = FakeController(robot, BASE, TCP)
    return fake, ur.UR(fake, fake, RATE, lambda: fake.time), compose(BASE, hole)


def inserted(robot: ur.UR, hole: Pose) -> Any:
    own = controller()
    ur.insert(robot, own, hole, samples=20)
    return own


def test_an_insertion_is_that_of_the_simulator(simulated: SimulatedRobot) -> None:
    expected: list[list[float]] = []

    def keep(number: int, pose: Pose, command: Command) -> None:
        if command.state is State.running:
            expected.append([*command.position, *command.orientation])

    direct = insert(simulated, controller(), 0, keep)
    depth = simulated.depth
    assert direct is ENDS[next(name for name, task in TASKS.items() if task == simulated.task)]
    if simulated.task == TASKS["lagging"]:
        assert simulated.conditions.response == ResponseParameters(lag=0.03)

    fake, robot, hole = arranged(simulated, 0)
    own = inserted(robot, hole)
    assert own.state is direct
    assert fake.stops == 1
    assert len(fake.targets) == len(expected)
    for target, command in zip(fake.targets[:40], expected, strict=False):
        position, orientation = compose(BASE, (tuple(command[:3]), tuple(command[3:])))  # type: ignore[arg-type]
        told = quat_exp((target[3], target[4], target[5]))
        assert np.allclose(target[:3], position, atol=1e-6, rtol=0)
        assert abs(np.dot(told, orientation)) == pytest.approx(1.0, abs=1e-12)
    assert simulated.depth == pytest.approx(depth, abs=1e-4)


def test_the_wrench_is_turned_and_moved_to_the_tcp(robot: SimulatedRobot) -> None:
    fake, own, _ = arranged(robot)
    fake.reading = [1.0, -2.0, 3.0, 0.1, 0.2, -0.3]
    assert np.allclose(own.reading(own.pose()), fake.reading, atol=1e-12)


def test_the_wrench_by_hand(monkeypatch: pytest.MonkeyPatch, robot: SimulatedRobot) -> None:
    """A tool that points down, pushed up at the tip: the TCP's axes are those of the base."""
    fake, _, _ = arranged(robot)
    fake.offset = [0.0, 0.0, 0.1, pi, 0.0, 0.0]
    own = ur.UR(fake, fake, RATE)
    pose: Pose = ((0.4, 0.0, 0.3), (0.0, 0.0, 0.0, 1.0))
    # At the tip, 0.04 m below the TCP and 0.14 m below the flange, 5 N along x of the base.
    monkeypatch.setattr(fake, "getActualTCPForce", lambda: [5.0, 0.0, 10.0, 0.0, -0.14 * 5.0, 0.0])
    assert own.reading(pose) == pytest.approx((5.0, 0.0, 10.0, 0.0, -0.04 * 5.0, 0.0), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("connected", False, "connection"),
        ("protective", True, "protective stop"),
        ("emergency", True, "emergency stop"),
        ("running", False, "control script"),
        ("takes", False, "refused"),
    ],
)
def test_a_robot_that_stops_ends_the_insertion(
    robot: SimulatedRobot, monkeypatch: pytest.MonkeyPatch, name: str, value: bool, message: str
) -> None:
    fake, own, hole = arranged(robot)
    wait = fake.waitPeriod

    def wait_and_fail(start: float, /) -> None:
        wait(start)
        if len(fake.targets) == 10:
            setattr(fake, name, value)

    monkeypatch.setattr(fake, "waitPeriod", wait_and_fail)
    bundle = controller()
    with pytest.raises(ur.RobotStopped, match=message):
        ur.insert(own, bundle, hole, samples=20)
    assert fake.stops == (name != "connected")
    assert len(bundle.recording()) in (10, 11)


def test_ctrl_c_stops_the_robot(robot: SimulatedRobot, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, own, hole = arranged(robot)
    wait = fake.waitPeriod

    def interrupted(start: float, /) -> None:
        wait(start)
        if len(fake.targets) == 5:
            fake.waitPeriod = wait  # type: ignore[method-assign]
            raise KeyboardInterrupt

    monkeypatch.setattr(fake, "waitPeriod", interrupted)
    with pytest.raises(KeyboardInterrupt):
        inserted(own, hole)
    assert fake.stops == 1


def test_a_robot_that_is_not_ready_is_told_before_it_moves(robot: SimulatedRobot) -> None:
    fake, own, hole = arranged(robot)
    fake.protective = True
    with pytest.raises(ur.RobotStopped):
        inserted(own, hole)
    assert (fake.targets, fake.stops) == ([], 0)


def test_another_rate_is_refused(robot: SimulatedRobot) -> None:
    fake, _, hole = arranged(robot)
    with pytest.raises(ValueError, match="500 Hz.*200 Hz"):
        inserted(ur.UR(fake, fake, 500.0), hole)
    assert not fake.targets


def test_a_loop_at_another_rate_ends(robot: SimulatedRobot) -> None:
    fake, _, hole = arranged(robot)
    own = inserted(ur.UR(fake, fake, RATE, lambda: 2.0 * fake.time), hole)
    assert own.state is State.wrong_rate
    assert fake.stops == 1


def test_a_tool_mass_is_refused(robot: SimulatedRobot) -> None:
    _, own, hole = arranged(robot)
    tool = {"centre": [0.0, 0.0, -0.04], "mass": 0.5, "centre_of_mass": [0.0, 0.0, 0.0]}
    with pytest.raises(ValueError, match="tool_mass=0"):
        ur.insert(own, controller(tool=tool), hole)


def test_measurements_that_cease_end_with_fault(
    robot: SimulatedRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, own, hole = arranged(robot)
    servo = fake.servoL

    def frozen(*arguments: Any) -> bool:
        fake.frozen = len(fake.targets) >= 10
        return servo(*arguments)

    monkeypatch.setattr(fake, "servoL", frozen)
    bundle = inserted(own, hole)
    assert bundle.state is State.fault
    assert bundle.recording().faults[-2] & Fault.STALE_WRENCH
    assert fake.stops == 0


def test_readings_that_are_none(robot: SimulatedRobot, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, own, hole = arranged(robot)
    with monkeypatch.context() as patch:
        patch.setattr(fake, "getActualTCPForce", lambda: [nan] * 6)
        with pytest.raises(ValueError, match="finite"):
            inserted(own, hole)
    assert not fake.targets
    fake, own, hole = arranged(robot)
    measured = fake.getActualTCPForce
    monkeypatch.setattr(
        fake, "getActualTCPForce", lambda: measured() if len(fake.targets) < 10 else [nan] * 6
    )
    bundle = inserted(own, hole)
    assert bundle.state is State.fault
    assert np.isfinite(fake.targets).all()


def test_a_robot_elsewhere_is_refused(robot: SimulatedRobot) -> None:
    fake, own, ((x, y, z), orientation) = arranged(robot)
    with pytest.raises(ValueError, match="offset_limit"):
        inserted(own, ((x + 0.05, y, z), orientation))
    assert not fake.targets


def test_a_connection_that_is_lost_in_a_command(
    robot: SimulatedRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, own, hole = arranged(robot)

    def lost(*arguments: Any) -> bool:
        fake.connected = False
        raise RuntimeError("Timeout connecting to UR dashboard server.")

    monkeypatch.setattr(fake, "servoL", lost)
    with pytest.raises(ur.RobotStopped, match=r"connection to the robot is lost.*Timeout"):
        inserted(own, hole)
    assert fake.stops == 0


def test_a_robot_whose_script_does_not_run_tells_no_tcp(robot: SimulatedRobot) -> None:
    fake, _, _ = arranged(robot)
    fake.running = False
    with pytest.raises(ur.RobotStopped, match="control script"):
        ur.UR(fake, fake, RATE)


@pytest.mark.parametrize("rate", [60.0, 240.0, 400.0])
def test_a_period_that_ur_rtde_cannot_wait_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="whole milliseconds"):
        ur.connect("192.0.2.1", rate)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "rtde_control", None)
    with pytest.raises(ImportError, match=r"pip install 'assembly_rl\[ur\]'"):
        ur.connect("192.0.2.1", RATE)


@pytest.mark.parametrize(
    ("module", "name", "protocol"),
    [
        ("rtde_control", "RTDEControlInterface", ur.Control),
        ("rtde_receive", "RTDEReceiveInterface", ur.Receive),
    ],
)
def test_the_library_has_what_is_used(module: str, name: str, protocol: type) -> None:
    real = getattr(pytest.importorskip(module), name)
    used = {key: value for key, value in vars(protocol).items() if inspect.isfunction(value)}
    used.pop("__init__", None)
    used.pop("__subclasshook__", None)
    assert len(used) >= 6
    for method, function in used.items():
        signature = getattr(real, method).__doc__.splitlines()[0]
        asked = len(inspect.signature(function).parameters)
        offered = signature.partition(" -> ")[0].count(": ")  # self: Type, arg0: float, ...
        optional = signature.count(" = ")
        assert offered - optional <= asked <= offered, (method, signature)
    made = real.__init__.__doc__.splitlines()[0]
    assert "hostname: str, frequency: float = " in made

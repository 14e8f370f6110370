"""A robot that lags, recorded through the UR and ROS adapters, is identified, and becomes a robot file."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from math import pi
from pathlib import Path

import pytest
from adapter_bundles import BLIND, PART
from fake_ros import FakeRos
from fake_rtde import FakeController

from assembly_rl.cli.robots import read_robot
from assembly_rl.controllers.adapters import ur
from assembly_rl.controllers.adapters.ros2_excitation import ExcitationNode
from assembly_rl.controllers.bundles import State
from assembly_rl.controllers.identification import (
    Excitation,
    ExcitationConfig,
    Identification,
    MotionRecording,
    identify,
)
from assembly_rl.controllers.se3 import Pose, quat_exp
from assembly_rl.deployment.identification import robot_yaml
from assembly_rl.envs.excitation import excite, place_above_plate
from assembly_rl.envs.robots.config import ResponseConfig, RobotConfig
from assembly_rl.envs.simulation import SimulatedRobot

LAG, DELAY = 0.08, 0.012
RATE = 200.0
UPRIGHT: Pose = ((0.4, -0.2, 0.1), quat_exp((0.0, 0.0, 2.0)))


@pytest.fixture(scope="module")
def robot() -> Iterator[SimulatedRobot]:
    response = ResponseConfig(lag=[LAG, LAG], delay=[DELAY, DELAY])
    robot = SimulatedRobot(PART, replace(BLIND, robot=RobotConfig(response=response)))
    yield robot
    robot.close()


def require_right(found: Identification, tmp_path: Path) -> None:
    """Lag, delay and servo are those of the simulator, and the file has them."""
    assert found.delay is not None and found.servo_stiffness is not None
    assert found.lag.value == pytest.approx(LAG, rel=0.05)
    assert found.delay.value == pytest.approx(DELAY, abs=1.2e-3)
    assert found.total.value == pytest.approx(LAG + DELAY, rel=0.03)
    assert found.servo_stiffness.value == pytest.approx(3e4, rel=0.1)
    path = tmp_path / "found.yaml"
    path.write_text(robot_yaml(found, "excitation.csv", date(2026, 1, 1)), encoding="utf-8")
    response = read_robot(path)["response"]
    for name, estimate in (("lag", found.lag), ("delay", found.delay)):
        assert response[name] == pytest.approx([estimate.low, estimate.high], abs=1e-5)


def test_the_simulator(robot: SimulatedRobot, tmp_path: Path) -> None:
    excitation = Excitation(RATE)
    assert excite(robot, excitation, 1) is State.success
    require_right(identify(excitation.recording()), tmp_path)


def test_ur(robot: SimulatedRobot, tmp_path: Path) -> None:
    place_above_plate(robot, 1)
    fake = FakeController(robot, UPRIGHT, [0.001, -0.002, 0.15, pi, 0.0, 0.0])
    own = ur.UR(fake, fake, RATE, lambda: fake.time)
    excitation = Excitation(RATE)
    assert ur.excite(own, excitation) is State.success
    assert fake.stops == 1
    require_right(identify(excitation.recording()), tmp_path)


def test_ur_stops_and_refuses(robot: SimulatedRobot, monkeypatch: pytest.MonkeyPatch) -> None:
    place_above_plate(robot, 1)
    fake = FakeController(robot, UPRIGHT, [0.0, 0.0, 0.1, pi, 0.0, 0.0])
    own = ur.UR(fake, fake, RATE, lambda: fake.time)
    with pytest.raises(ValueError, match="for 500 Hz, the robot runs at 200 Hz"):
        ur.excite(own, Excitation(500.0))
    wait = fake.waitPeriod

    def interrupted(start: float, /) -> None:
        wait(start)
        if len(fake.targets) == 50:
            fake.waitPeriod = wait  # type: ignore[method-assign]
            raise KeyboardInterrupt

    monkeypatch.setattr(fake, "waitPeriod", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ur.excite(own, Excitation(RATE))
    assert fake.stops == 1
    fake.frozen = False
    servo = fake.servoL

    def frozen(*arguments: object) -> bool:
        fake.frozen = len(fake.targets) >= 80
        return servo(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fake, "servoL", frozen)
    place_above_plate(robot, 1)
    excitation = Excitation(RATE)
    assert ur.excite(own, excitation) is State.fault


def scene(robot: SimulatedRobot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRos:
    place_above_plate(robot, 1)
    given = {
        "base_frame": "base",
        "flange_frame": "peg_flange",
        "recording": str(tmp_path),
        "tare_samples": 5,
    }
    ros = FakeRos(**given)
    for name, module in ros.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    ExcitationNode()
    return ros


def measure(ros: FakeRos, robot: SimulatedRobot) -> None:
    ros.send_wrench(robot.reading, "peg_flange")
    ros.send_pose(robot.pose, "base")


def test_ros2(robot: SimulatedRobot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ros = scene(robot, tmp_path, monkeypatch)
    for _ in range(5):
        measure(ros, robot)
    assert ros.call("~/start") == (True, "the excitation runs")
    assert ros.call("~/start")[1] == "an excitation is running: call ~/stop first"
    while ros.published["~/state"][-1].data == "running":
        measure(ros, robot)
        ros.tick()
        sent = ros.published["command"][-1].pose
        p, q = sent.position, sent.orientation
        robot.move(((p.x, p.y, p.z), (q.x, q.y, q.z, q.w)))
        ros.advance(1.0 / RATE)
    assert [message.data for message in ros.published["~/state"]] == ["idle", "running", "success"]
    recording = MotionRecording.load(tmp_path / "excitation-0001.csv")
    require_right(identify(recording), tmp_path)


def test_ros2_stops_and_holds(robot: SimulatedRobot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ros = scene(robot, tmp_path, monkeypatch)
    for _ in range(5):
        measure(ros, robot)
    assert ros.call("~/start")[0]
    for _ in range(200):
        measure(ros, robot)
        ros.tick()
        ros.advance(1.0 / RATE)
    for _ in range(60):  # nothing is measured any more
        ros.tick()
        ros.advance(1.0 / RATE)
    assert ros.published["~/state"][-1].data == "fault"
    assert ros.call("~/stop")[0]
    count = len(ros.published["command"])
    ros.tick()
    assert len(ros.published["command"]) == count
    assert (tmp_path / "excitation-0001.csv").exists()


def test_ros2_needs_a_folder(robot: SimulatedRobot, monkeypatch: pytest.MonkeyPatch) -> None:
    ros = FakeRos(base_frame="base", flange_frame="peg_flange")
    for name, module in ros.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(ValueError, match="'recording' is needed"):
        ExcitationNode()


def test_a_configuration_for_weak_pushes_reaches_the_same_robot(
    robot: SimulatedRobot, tmp_path: Path
) -> None:
    excitation = Excitation(RATE, ExcitationConfig(force=6.0, tilt=0.0))
    assert excite(robot, excitation, 2) is State.success
    assert max(abs(excitation.recording().wrenches[:, 2])) < 12.0
    require_right(identify(excitation.recording()), tmp_path)

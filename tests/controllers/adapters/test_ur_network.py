"""``run_ur`` with the real ur-rtde, over the loopback network, at a server of the robot's protocols."""

import os
import subprocess
import sys
from collections.abc import Iterator
from math import pi
from pathlib import Path

import pytest
from adapter_bundles import EXACT, PART, at_start, controller, write
from fake_rtde import FakeController
from rtde_server import RtdeServer

from assembly_rl.controllers.adapters import ur
from assembly_rl.controllers.bundles import Recording
from assembly_rl.controllers.se3 import Pose, compose, quat_exp
from assembly_rl.envs.simulation import SimulatedRobot

pytest.importorskip("rtde_control")
if sys.platform != "linux":
    pytest.skip("a loopback address of its own", allow_module_level=True)

BASE: Pose = ((0.4, -0.2, 0.1), quat_exp((0.05, -0.1, 2.0)))
TCP = [0.001, -0.002, 0.15, pi, 0.0, 0.0]
HERE = Path(__file__).parent
PID = os.getpid()
ADDRESS = f"127.{2 + PID % 250}.{PID // 250 % 250}.7"
"""Of this process: the ports are fixed. At 127.0.0.1 ur-rtde does not ask for remote control."""
ASKED = ["PolyscopeVersion", "get serial number", "PolyscopeVersion", "is in remote control"]


@pytest.fixture(scope="module")
def robot() -> Iterator[SimulatedRobot]:
    robot = SimulatedRobot(PART, EXACT)
    yield robot
    robot.close()


def run(
    arm: FakeController, hole: Pose, folder: Path, **server: object
) -> tuple["subprocess.CompletedProcess[str]", RtdeServer]:
    write(folder / "small.bundle")
    position, orientation = compose(BASE, hole)
    with RtdeServer(arm, ADDRESS, paced=True, **server) as own:  # type: ignore[arg-type]
        told = subprocess.run(
            [sys.executable, str(HERE / "paced_ur.py"), "small.bundle", ADDRESS, "--recording", "a.csv"]
            + ["--hole", *map(str, (*position, *orientation))],
            cwd=folder,
            input="\n",
            capture_output=True,
            text=True,
            timeout=240,  # less than the five minutes for which ur-rtde waits for an answer
            env=os.environ | {"PYTHONPATH": str(HERE.parents[2])},
        )
    return told, own


def test_an_insertion_is_that_of_the_fake(robot: SimulatedRobot, tmp_path: Path) -> None:
    hole = at_start(robot, 0)
    fake = FakeController(robot, BASE, TCP)
    ur.insert(ur.UR(fake, fake, 200.0, lambda: fake.time), controller(), compose(BASE, hole))

    hole = at_start(robot, 0)
    arm = FakeController(robot, BASE, TCP)
    told, server = run(arm, hole, tmp_path)
    assert told.stdout.strip().endswith("success"), told.stdout + told.stderr
    assert told.returncode == 0
    assert robot.depth > 0.007
    assert len(arm.targets) == len(fake.targets) > 100
    for command, expected in zip(arm.targets, fake.targets, strict=True):
        assert command == pytest.approx(expected, abs=1e-9)
    assert arm.stops == 1
    assert server.asked == ASKED
    assert server.script.startswith("def rtde_control():\n")
    assert "servoj(" in server.script
    assert len(Recording.load(tmp_path / "a.csv")) == len(arm.targets) + 1


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ("silence", "readings are too old"),
        ("drop", "the connection to the robot is lost"),
        ("protective stop", "the robot is in a protective stop"),
        ("end of script", "the control script does not run"),
    ],
)
def test_a_robot_that_stops_ends_the_program(
    robot: SimulatedRobot, tmp_path: Path, failure: str, message: str
) -> None:
    hole = at_start(robot, 0)
    arm = FakeController(robot, BASE, TCP)
    told, _ = run(arm, hole, tmp_path, failure=(20, failure))
    assert message in told.stdout + told.stderr
    assert "Traceback" not in told.stderr
    assert len(arm.targets) in (20, 21)
    assert arm.stops == 0
    assert len(Recording.load(tmp_path / "a.csv")) >= 20


def test_a_robot_in_local_control_is_refused(robot: SimulatedRobot, tmp_path: Path) -> None:
    told, server = run(FakeController(robot, BASE, TCP), at_start(robot, 0), tmp_path, remote=False)
    assert told.returncode == 1
    assert told.stderr == f"{ADDRESS}: ur_rtde: Please enable remote control on the robot!\n"
    assert not server.script

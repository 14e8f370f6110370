"""The example programs, as they are called; those that need a robot as far as they come without one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from adapter_bundles import write

from assembly_rl.controllers.identification import MotionRecording, identify

ROOT = Path(__file__).parents[3]


def run(*arguments: object, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1800,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_simulated_then_recorded(tmp_path: Path) -> None:
    write(tmp_path / "small.bundle")
    told = run(
        "-m",
        "assembly_rl.examples.run_simulated",
        "small.bundle",
        "--seed",
        3,
        "--recording",
        "a.csv",
        folder=tmp_path,
    )
    assert told.stderr == ""
    assert told.stdout.startswith("success after")
    assert "of 8 mm" in told.stdout
    told = run("-m", "assembly_rl.examples.run_recorded", "small.bundle", "a.csv", "b.csv", folder=tmp_path)
    assert told.stderr == ""
    assert "the bundle ends with success" in told.stdout
    assert "at most 0 mm" in told.stdout
    again = run("-m", "assembly_rl.examples.run_recorded", "small.bundle", "a.csv", "b.csv", folder=tmp_path)
    assert "FileExistsError" in again.stderr


@pytest.mark.skipif("ROS_DISTRO" in os.environ, reason="ROS 2 is here")
def test_ros2_without_ros(tmp_path: Path) -> None:
    told = run("-m", "assembly_rl.examples.run_ros2", folder=tmp_path)
    assert told.returncode == 1
    assert told.stderr.startswith("rclpy is not there: source a ROS 2 workspace")
    assert len(told.stderr.splitlines()) == 1


def test_ur_without_a_robot(tmp_path: Path) -> None:
    write(tmp_path / "small.bundle")
    hole = ["0.4", "0", "0.1", "0", "0", "0", "1"]
    told = run(
        "-m", "assembly_rl.examples.run_ur", "small.bundle", "127.0.0.1", "--hole", *hole, folder=tmp_path
    )
    assert "start, TCP in the base [m, rotation vector]: [0.4, 0.0, 0.142" in told.stdout
    assert "trained for a robot with lag 0 to 40 ms, delay 0 to 10 ms\n" in told.stdout
    assert told.returncode == 1
    assert "pip install 'assembly_rl[ur]'" in told.stderr or "Could not connect" in told.stderr


def test_excitation_of_the_simulated_robot(tmp_path: Path) -> None:
    told = run("-m", "assembly_rl.examples.excite_simulated", "a.csv", folder=tmp_path)
    assert told.stderr == ""
    assert told.stdout == "success in a.csv\n"
    found = identify(MotionRecording.load(tmp_path / "a.csv"))
    assert found.total.value == pytest.approx(0.035, abs=0.002)


def test_excitation_without_a_robot(tmp_path: Path) -> None:
    told = run("-m", "assembly_rl.examples.excite_ur", "127.0.0.1", "a.csv", folder=tmp_path)
    assert told.returncode == 1
    assert "pip install 'assembly_rl[ur]'" in told.stderr or "Could not connect" in told.stderr
    if "ROS_DISTRO" not in os.environ:
        told = run("-m", "assembly_rl.examples.excite_ros2", folder=tmp_path)
        assert told.stderr.startswith("rclpy is not there") and told.returncode == 1
    assert not (tmp_path / "a.csv").exists()


def test_adapters_load_no_robot_library_before_it_is_used(tmp_path: Path) -> None:
    program = (
        "import sys, assembly_rl.controllers.adapters.ur, assembly_rl.controllers.adapters.ros2, "
        "assembly_rl.controllers.adapters.playback\n"
        "print({'rclpy', 'rtde_control', 'safetensors', 'pybullet', 'torch', 'gymnasium'} & set(sys.modules))"
    )
    assert run("-c", program, folder=tmp_path).stdout == "set()\n"

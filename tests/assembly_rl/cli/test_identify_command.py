from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Run

from assembly_rl.cli.robots import read_robot
from assembly_rl.controllers.identification import Excitation, ExcitationConfig, MotionRecording
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.excitation import excite
from assembly_rl.envs.robots import RobotConfig
from assembly_rl.envs.robots.config import ResponseConfig
from assembly_rl.envs.simulation import SimulatedRobot


@pytest.fixture(scope="module")
def recording() -> MotionRecording:
    """Of a robot with a lag of 30 ms and a delay of 5 ms."""
    response = ResponseConfig(lag=[0.03, 0.03], delay=[0.005, 0.005])
    robot = SimulatedRobot(task=TaskConfig(robot=RobotConfig(response=response)))
    excitation = Excitation(robot.task.control_rate, ExcitationConfig(duration=4.0, push_time=4.0))
    excite(robot, excitation, 0)
    robot.close()
    return excitation.recording()


def test_table_picture_and_robot(tmp_path: Path, command: Run, recording: MotionRecording) -> None:
    recording.save(tmp_path / "a.csv")
    shown = command("identify", "a.csv", "output=robots/mine.yaml")
    assert "servo_stiffness" in shown and "N/mm" in shown
    assert "assembly-rl-train robot=robots/mine.yaml" in shown
    assert (tmp_path / "a-identification.png").read_bytes().startswith(b"\x89PNG")
    response = read_robot(tmp_path / "robots/mine.yaml")["response"]
    assert response["lag"][0] < 0.03 < response["lag"][1] + 0.0015
    assert response["delay"][0] < 0.006
    text = (tmp_path / "robots/mine.yaml").read_text()
    assert text.startswith("# Identified from a.csv on 20")
    shown = command("identify", "recording=a.csv", "picture=other.svg", "held=true")
    assert "model: floating" in shown and "a command is held" in shown
    assert (tmp_path / "other.svg").exists()


def test_the_file_is_a_robot(tmp_path: Path, command: Run, recording: MotionRecording) -> None:
    recording.save(tmp_path / "a.csv")
    command("identify", "a.csv", "output=mine.yaml")
    shown = command("train", "robot=mine.yaml", "--cfg", "job")
    assert "name: mine" in shown


def test_what_is_refused(
    tmp_path: Path, command: Run, refused: Callable[..., str], recording: MotionRecording
) -> None:
    recording.save(tmp_path / "a.csv")
    assert "give the file of a recording" in refused("identify")
    assert "output must end with .yaml" in refused("identify", "a.csv", "output=robot")
    assert "b.csv cannot be read" in refused("identify", "b.csv")
    assert "has no row" in refused("identify", "a.csv", "contact=[1000,1001]")
    assert "pairs of finite times" in refused("identify", "a.csv", "contact=[1000]")
    (tmp_path / "mine.yaml").write_text("kept")
    assert "nothing is overwritten" in refused("identify", "a.csv", "output=mine.yaml")
    assert (tmp_path / "mine.yaml").read_text() == "kept"
    text = "\n".join((tmp_path / "a.csv").read_text().splitlines()[:400]) + "\n"
    (tmp_path / "short.csv").write_text(text)
    assert "too short" in refused("identify", "short.csv")
    assert not (tmp_path / "short-identification.png").exists()


def test_a_bag_without_the_library(
    tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    (tmp_path / "bag").mkdir()
    monkeypatch.setitem(sys.modules, "rosbags.highlevel", None)
    assert "pip install 'assembly_rl[rosbag]'" in refused("identify", "bag")

"""Robots by name and from a file of one's own, wherever a command takes a robot."""

import json
from pathlib import Path

import pytest
from command_line import QUICK, Run

from assembly_rl.cli.robots import with_robot
from assembly_rl.configuration.composition import train_config
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.library import names

ROBOT = "# SI units\nresponse:\n  lag: [0.02, 0.03]\n  speed: [0.1, 0.2]\n"
SHORT = [
    *(text for text in QUICK if not text.startswith(("steps", "task"))),
    "steps=60",
    "task.limits.time=0.3",
]


def test_a_robot_from_a_file_is_trained_with_and_compared(command: Run, tmp_path: Path) -> None:
    (tmp_path / "my robot, slow.yaml").write_text(ROBOT)
    command(
        "train", *SHORT, "robot=my robot, slow.yaml", "task.robot.response.delay=[0.01,0.01]", "run_dir=run"
    )
    robot = json.loads((tmp_path / "run" / "run.json").read_text())["config"]["task"]["robot"]
    assert (robot["model"], robot["name"]) == ("floating", "my robot, slow")
    assert robot["response"]["lag"] == [0.02, 0.03] and robot["response"]["speed"] == [0.1, 0.2]
    assert robot["response"]["delay"] == [0.01, 0.01] and robot["response"]["acceleration"] == []
    command("eval", "run=run", "episodes=1", "output=own.csv")
    assert "lag 20-30 ms, delay 10 ms, my robot, slow" in (tmp_path / "own.csv").read_text()
    told = " ".join(command("eval", "run=run", "robot=ur5e", "episodes=1", "output=rows.csv").split())
    assert "lag 28-30 ms, delay 4-6 ms, ur5e, instead of my robot, slow: success" in told


def test_the_presets_are_robots() -> None:
    assert names("robot") == ["floating", "franka", "iiwa", "ur5e"]
    for name in names("robot"):
        robot = train_config(f"robot={name}").task.robot
        assert robot.model == ("iiwa" if name == "iiwa" else "floating")
        assert robot.response.lag[1] > 0.0 and robot.response.delay[1] > 0.0
        assert robot.name in (name, "")
    assert train_config("robot=floating").task == TaskConfig()  # what Python has without a command


def test_arguments_without_a_robot_file_stay_as_they_are() -> None:
    arguments = ["-m", "robot=iiwa,floating", "geometry=a.yaml", "task.robot.name=b.yaml"]
    assert with_robot(arguments) == arguments


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("modle: floating", "RobotConfig has no field 'modle'; did you mean 'model'?"),
        ("response: {lags: [0, 0]}", "ResponseConfig has no field 'lags'; did you mean 'lag'?"),
        (
            "response: {lag: [0.3, 0.2]}",
            "lag must be [low, high] with 0 <= low <= high <= 1 s, got [0.3, 0.2]",
        ),
        ("response: {lag: [0x1, yes]}", "lag must be [low, high]"),
        ("response: fast", "RobotConfig.response must be a mapping of its fields, got 'fast'"),
        ("model: iwa", "unknown robot 'iwa'; did you mean 'iiwa'?"),
        ("model: 5", "robot.model must be text, got 5.0"),
        ("- 3", "must have fields of a robot, such as response"),
        ("model: iiwa\nmodel: iiwa", "the key 'model' twice in line 2"),
        ("a: &b 3", "an alias or anchor in line 1"),
    ],
)
def test_a_file_that_is_no_robot_is_one_clear_error(
    refused: Run, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "mine.yaml").write_text(content)
    error = refused("train", "robot=mine.yaml")
    assert "mine.yaml" in error and message in error
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_file_that_is_missing_or_one_of_several_is_refused(refused: Run) -> None:
    assert "missing.yaml does not exist" in refused("eval", "controller=fixed", "robot=missing.yaml")
    assert "b.yaml cannot be one of several robots" in refused("train", "-m", "robot=iiwa,b.yaml")

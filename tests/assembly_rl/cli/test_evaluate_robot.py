import csv
import json
from pathlib import Path

from command_line import QUICK, Run

SHORT = [
    *(text for text in QUICK if not text.startswith(("steps", "task"))),
    "steps=60",
    "task.limits.time=0.3",
]


def test_a_floating_policy_is_compared_on_the_arm(command: Run, tmp_path: Path) -> None:
    """Also that of a run from before there were robots."""
    command("train", *SHORT, "run_dir=run")
    file = tmp_path / "run" / "run.json"
    content = json.loads(file.read_text())
    assert content["config"]["task"].pop("robot")["model"] == "floating"
    file.write_text(json.dumps(content))
    shown = command("eval", "run=run", "robot=iiwa", "controller=dither", "episodes=3", "output=rows.csv")
    with (tmp_path / "rows.csv").open(newline="") as rows:
        conditions = [
            (row["controller"], row["condition"].endswith(", iiwa")) for row in csv.DictReader(rows)
        ]
    assert conditions == [(name, arm) for arm in (False, True) for name in ["run"] * 3 + ["dither"] * 3]
    assert 'friction 0.2",' in (tmp_path / "rows.csv").read_text()  # it followed every command at once
    told = " ".join(shown.split())
    for name in ("run", "dither"):
        assert (
            f"{name}, square, 0.1 mm, chamfer 0.3 mm, friction 0.2, lag 0-40 ms, delay 1-10 ms, iiwa, "
            "instead of floating: success " in told
        )
    assert "of 3 episodes (McNemar p = 1)" in told


def test_a_run_on_the_arm_is_evaluated_on_the_arm(command: Run, tmp_path: Path) -> None:
    command("train", *SHORT, "robot=iiwa", "run_dir=run")
    shown = command("eval", "run=run", "episodes=2", "friction=0.3", "output=rows.csv")
    assert "McNemar" not in shown
    assert "friction 0.3, lag 0-40 ms, delay 1-10 ms, iiwa" in (tmp_path / "rows.csv").read_text()


def test_a_changed_robot_of_the_same_name_is_told_apart(command: Run, tmp_path: Path) -> None:
    command("train", *SHORT, "run_dir=run")
    changed = "task.robot.response.speed=[0.001,0.001]"
    shown = " ".join(command("eval", "run=run", changed, "episodes=1", "output=rows.csv").split())
    assert "other floating, instead of floating: success" in shown
    assert (tmp_path / "rows.csv").read_text().count("other floating") == 1


def test_baselines_meet_the_robot_that_is_given(command: Run, tmp_path: Path) -> None:
    arguments = ["controller=dither", "robot=iiwa", "task.limits.time=0.3", "episodes=2"]
    command("eval", *arguments, "output=rows.csv")
    assert (tmp_path / "rows.csv").read_text().count(", iiwa") == 2

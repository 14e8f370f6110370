"""assembly-rl-design as a user types it: a law, its page and files, and refusals with what would help."""

import json
from pathlib import Path

import pytest
import yaml
from command_line import Run
from PIL import Image

from assembly_rl.cli.config import DesignConfig
from assembly_rl.configuration.composition import train_config

ASKED = ["robot=ur5e", "stiffness=[4e3,2e4]", "lever=0.1", "task.control_rate=500"]
ROBOT = "response:\n  lag: [0.01, 0.02]\n  delay: [0.002, 0.004]\n"


def test_a_law_its_page_and_what_takes_it(command: Run, tmp_path: Path) -> None:
    shown = command("design", *ASKED)
    folder = tmp_path / "design-ur5e"
    assert "margins: sensitivity" in shown and "page: design-ur5e/README.md" in shown
    found = json.loads((folder / "design.json").read_text())
    assert found["robot"]["lag"] == [0.028, 0.03] and found["predicted"]["sensitivity"] <= 2.02
    with Image.open(folder / "design.png") as picture:
        assert picture.width >= 1600 and len(picture.convert("RGB").getcolors(2**24) or []) > 100
    page = (folder / "README.md").read_text()
    assert "![Nyquist curves" in page and "joint_damping: 0.0" in page
    ros = yaml.safe_load((folder / "ros2.yaml").read_text())["admittance_controller"]["ros__parameters"]
    assert ros["admittance"]["joint_damping"] == 0.0
    # Both ways to train with it give the task its law.
    typed = train_config(
        *next(line for line in page.splitlines() if "task.compliance.mass" in line).split("'")[1::2]
    )
    assert typed.task.compliance.damping == found["law"]["damping"]
    configured = command("train", "--config-dir", "design-ur5e", "task=designed", "--cfg", "job")
    assert yaml.safe_load(configured)["task"]["compliance"]["mass"] == found["law"]["mass"]
    command("design", *ASKED)
    assert (tmp_path / "design-ur5e-2" / "README.md").is_file()


def test_a_robot_of_ones_own_and_a_reason_for_no_ros_file(command: Run, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(ROBOT)
    light = ["task.physics.tool_mass=0.01", "task.physics.tool_inertia=0.0001"]
    command("design", "robot=own.yaml", "stiffness=[1e4,2e4]", "lever=0.1", "damping_ratio=0.8", *light)
    page = (tmp_path / "design-own" / "README.md").read_text()
    assert "lag 0.01 to 0.02 s (damping ratio 0.8)" in page and "No file: the admittance_controller" in page
    assert not (tmp_path / "design-own" / "ros2.yaml").exists()


def test_a_refusal_tells_what_would_help(refused: Run, tmp_path: Path) -> None:
    told = refused("design", *ASKED, "limits.settling=0.9")
    assert "no law settles within 0.9 s: at stiffness 4e+04 N/m, lag 0.03 s, delay 0.006 s" in told
    page = (tmp_path / "design-ur5e" / "README.md").read_text()
    assert "- a mount in series: " in page and "N/m (now none)" in page


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "no contact: give stiffness"),
        (["stiffness=[1e3,1e4]"], "give lever"),
        (["stiffness=[1e4,1e3]", "lever=0.1"], "stiffness must be [low, high]"),
        (["stiffness=[1e3,1e4]", "lever=0.1", "limits.sensitivity=1"], "sensitivity must be >= 1.1"),
        (["stiffness=[1e3,1e4]", "lever=0.1", "output=taken"], "taken exists; nothing is overwritten"),
    ],
)
def test_bad_input(refused: Run, tmp_path: Path, arguments: list[str], told: str) -> None:
    (tmp_path / "taken").mkdir()
    assert told in refused("design", *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_virtual_mass_is_not_below_the_tools() -> None:
    loop = DesignConfig(stiffness=[1e3, 1e4], lever=0.05).robot_loop()
    assert loop.least_mass == pytest.approx(0.02 / 0.05**2)

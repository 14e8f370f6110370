"""Mistakes of a first day, as typed: each gets one line with what is wrong, the value and the remedy.

Nothing is trained or written, and the exit code is 2 (see ``refused``).
"""

import json
import subprocess
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from command_line import QUICK, Run, start

from assembly_rl.controllers.validation import InputError

L = "polygon: [[0, 0], [20, 0], [20, 8], [8, 8], [8, 20], [0, 20]]\n"
FILES = {
    "metres.yaml": "polygon: [[0, 0], [0.02, 0], [0.02, 0.02]]\nclearance: 1e-4\n",
    "wide.yaml": f"{L}clearance: 20\n",
    "arms.yaml": f"{L}clearance: 2.5\n",
    "crossed.yaml": "polygon: [[0, 0], [20, 20], [20, 0], [0, 20]]\n",
    "open.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="20mm" viewBox="0 0 20 20">'
    '<path d="M 0 0 H 20 V 20"/></svg>',
    "taken/own": "",
}

MISTAKES = [
    ("train", "stpes=100", "unknown key 'stpes'; did you mean steps?"),
    ("train", "+stpes=100", "unknown key 'stpes'; did you mean steps?"),
    ("train", "--stpes=100", "unrecognized arguments: --stpes=100; keys have no dashes: write stpes=100"),
    ("train", "--steps|100", "keys have no dashes: write steps=<value>"),
    ("train", "steps|100", "'steps' is not key=value: write steps=<value>"),
    ("train", "task.limits.forse=10", "unknown key 'task.limits.forse'; did you mean task.limits.force?"),
    ("train", "seed=abc", "seed must be a whole number, got abc"),
    ("train", "steps=1e4", "steps must be a whole number, got 1e4: write 10000"),
    ("train", "steps=2.5", "steps must be a whole number, got 2.5"),
    ("train", "steps=0", "steps must be > 0, got 0"),
    ("eval", "geometries=square, L", "has several values: write geometries=[square,L]"),
    ("train", "geometries=square, L", "unknown key 'geometries'; did you mean geometry?"),
    ("train", "gamma=1.5", "unknown key 'gamma'; did you mean algo.gamma?"),
    ("train", "algo.gamma=1.5", "gamma must be in (0, 1], got 1.5"),
    ("train", "geometry=polygon", "geometry.parameters.vertices has no value: write geometry.parameters"),
    ("train", "geometry=sqare", "unknown geometry 'sqare'; did you mean 'square'?"),
    ("train", "algo=sacc", "unknown algo 'sacc'; did you mean 'sac'?"),
    ("benchmark", "study=baseline", "unknown study 'baseline'; did you mean 'baselines'?"),
    ("train", "robot=ur5", "unknown robot 'ur5'; did you mean 'ur5e'?"),
    ("train", "robot=ur5", "or a file of your own: robot=my_robot.yaml"),
    ("train", "robot=my_robot.yaml", "my_robot.yaml does not exist"),
    ("train", "geometry.clearance=0.1", "clearance 0.1 m must be less than the section's radius, 0.0141 m"),
    ("train", "geometry=metres.yaml", "metres.yaml: the section is 0.02 mm across, at least 1 mm is needed"),
    ("train", "geometry=wide.yaml", "clearance 20 mm must be less than the section's radius, 14.5 mm"),
    ("train", "geometry=arms.yaml", "clearance 2.5 mm must be at most a quarter of the section's width"),
    ("train", "geometry=crossed.yaml", "must not cross or touch itself: Self-intersection near x = 10 mm"),
    ("train", "geometry=open.svg", "open.svg: the outline is open near"),
    ("train", "run_dir=taken", "taken exists and is not an empty folder; a run never overwrites another"),
    ("train", "run_dir=/proc/foo/bar", "/proc/foo/bar cannot be written: No such file or directory; choose"),
    ("eval", "controller=dither|output=/proc/foo/a.csv", "/proc/foo cannot be written: No such file"),
    ("eval", "run=taken", "taken is not a run: a run is a folder with a run.json"),
    ("export", "run=nowhere", "nowhere is not a run"),
    ("train", "resume=nowhere", "nowhere is not a run"),
    ("train", "device=npu", "device=npu needs torch_npu: pip install 'assembly_rl[npu]'"),
]


@pytest.fixture
def files(tmp_path: Path) -> set[Path]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return set(tmp_path.rglob("*"))


@pytest.mark.parametrize(("name", "typed", "told"), MISTAKES)
def test_a_mistake_gets_one_line(
    refused: Run, files: set[Path], tmp_path: Path, name: str, typed: str, told: str
) -> None:
    assert told in refused(name, *typed.split("|"))
    assert set(tmp_path.rglob("*")) == files


def test_a_device_that_is_not_here(refused: Run, tmp_path: Path) -> None:
    assert "device=cuda:99" in refused("train", "device=cuda:99")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that has ended, and inserts nothing."""
    folder = tmp_path_factory.mktemp("ended")
    own = [text for text in QUICK if not text.startswith(("steps", "task.limits", "evaluation.every"))]
    process = start(
        folder, "train", *own, "steps=60", "evaluation.every=60", "task.limits.time=0.3", "run_dir=a"
    )
    output, _ = process.communicate(timeout=1800)
    assert process.returncode == 0, output
    assert json.loads((folder / "a" / "result.json").read_text())["success"] == 0.0
    return folder / "a"


def test_a_training_that_has_ended_says_so_and_what_goes_on(command: Run, refused: Run, ended: Path) -> None:
    before = {path: path.read_bytes() for path in ended.rglob("*") if path.is_file()}
    assert f"it goes on with more: resume={ended} steps=120" in " ".join(
        command("train", f"resume={ended}").split()
    ).replace("\n", "")
    assert "a training of 60 steps: give more than that" in refused("train", f"resume={ended}", "steps=60")
    assert "remove seed=3" in refused("train", f"resume={ended}", "seed=3")
    after = {path: path.read_bytes() for path in ended.rglob("*") if path.is_file()}
    assert after == before


def test_a_source_that_inserts_nothing_is_told(command: Run, ended: Path) -> None:
    own = ["steps=20", "evaluation.every=20", "evaluation.episodes=2", "evaluation.held_out=2"]
    shown = command(
        "transfer", f"source={ended}", "geometry=square", *own, "transfer.etcl=false", "run_dir=t"
    )
    assert "inserts in none of its 2 held-out episodes" in " ".join(shown.split())


def test_names_of_part_and_task_go_with_gymnasium() -> None:
    environment = gymnasium.make("assembly_rl/PegInHole-v0", part="L", task="hard")
    observation, _ = environment.reset(seed=0)
    assert np.isfinite(observation).all()
    environment.close()
    with pytest.raises(InputError, match="unknown task 'hrd'; did you mean 'hard'"):
        gymnasium.make("assembly_rl/PegInHole-v0", part="L", task="hrd")


def test_a_virtual_environment_of_another_python_is_told(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    (tmp_path / "old" / "bin").mkdir(parents=True)
    own = tmp_path / "old" / "bin" / "python"  # whatever it is asked, it fails, as an old Python would
    own.write_text("#!/bin/sh\nexit 1\n")
    own.chmod(0o755)
    for variables, told in (
        ([f"VENV={tmp_path}/old"], f"rm -rf {tmp_path}/old"),
        ([f"VENV={tmp_path}/new", f"PYTHON={own}"], "is needed"),
    ):
        done = subprocess.run(
            ["make", "-C", root, *variables, f"{variables[0].removeprefix('VENV=')}/.installed"],
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert done.returncode == 2 and told in done.stderr, done.stderr
    assert not (tmp_path / "new").exists()

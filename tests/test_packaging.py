"""The wheel, in an environment of its own, from an empty directory."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("assembly_rl", "envs", "controllers", "conf", "examples"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-q",
        "-w",
        folder,
        source,
    ]
    subprocess.run(build, check=True)
    return next(folder.glob("*.whl"))


def own_environment() -> dict[str, str]:
    """The variables without PYTHONPATH, which may name a checkout: pip takes it for the installed package."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the wheel; third-party packages are borrowed from this one.

    A path in a ``.pth`` file does not run the ``.pth`` files found there, so this checkout's editable
    installation stays outside.
    """
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, env=own_environment())
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def run(python: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [python, *arguments],
        cwd=folder,
        env=own_environment(),
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_has_one_top_level_name_and_the_configuration(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"assembly_rl"}
    present = {str(path.relative_to(ROOT)) for path in (ROOT / "conf").rglob("*.yaml")}
    present |= {str(path.relative_to(ROOT)) for path in (ROOT / "examples" / "parts").iterdir()}
    files = {name.removeprefix("assembly_rl/") for name in names if name.endswith((".yaml", ".stl"))}
    assert files == present


VERSIONS = ("3.11", "3.12", "3.13")


def test_each_version_of_python_gets_one_pybullet_and_the_pinned_versions(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        (name,) = (name for name in content.namelist() if name.endswith("/METADATA"))
        metadata = Metadata.from_email(content.read(name), validate=False)
    assert metadata.requires_python is not None and metadata.requires_dist is not None
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    for version in ("3.10", *VERSIONS, "3.14"):
        assert (version in metadata.requires_python) == (version in VERSIONS)
    for version in VERSIONS:
        here = {"python_version": version, "extra": ""}
        needed = [own for own in metadata.requires_dist if own.marker is None or own.marker.evaluate(here)]
        (bullet,) = (own.name for own in needed if own.name.startswith("pybullet"))
        assert bullet == ("pybullet" if version == "3.11" else "pybullet-arm64")
        pinned = {
            canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
            for pin in pins
            if pin.marker is None or pin.marker.evaluate(here)
        }
        for own in needed:
            assert pinned[canonicalize_name(own.name)] in own.specifier, own


def test_the_same_versions_are_tried_on_every_push() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert tuple(workflow["jobs"]["check"]["strategy"]["matrix"]["python"]) == VERSIONS


def test_installed_wheel_trains_from_an_empty_directory(python: Path, tmp_path: Path) -> None:
    where = run(python, tmp_path, "-c", "import assembly_rl.envs as e; print(e.__file__)")
    assert str(ROOT) not in where
    arguments = "steps=60 algo=td3 algo.learning_starts=20 algo.batch_size=16 evaluation.every=60"
    arguments += " evaluation.episodes=2 evaluation.held_out=2 pictures=false run_dir=first"
    run(python, tmp_path, "-m", "assembly_rl.cli.train", *arguments.split())
    assert (tmp_path / "first" / "result.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


@pytest.mark.parametrize("command", ["train", "eval"])
def test_installed_commands_show_their_configuration(python: Path, tmp_path: Path, command: str) -> None:
    shown = run(python.parent / f"assembly-rl-{command}", tmp_path, "--cfg", "job")
    assert "control_rate: 200.0" in shown
    assert not list(tmp_path.iterdir())


def test_examples_run_from_an_empty_directory(python: Path, tmp_path: Path) -> None:
    examples = "assembly_rl.examples."
    told = run(python, tmp_path, "-m", examples + "run_simulated", "generalist", "--recording", "a.csv")
    assert told.startswith("success after")
    told = run(python, tmp_path, "-m", examples + "run_recorded", "generalist", "a.csv", "b.csv")
    assert "at most 0 mm" in told
    for name, word in (("run_ur", "--hole"), ("copy_parts", "folder")):
        shown = run(python, tmp_path, "-m", examples + name, "--help")
        assert f"usage: python -m {examples}{name} " in shown and word in shown


def test_part_files_of_the_examples_are_copied_once(python: Path, tmp_path: Path) -> None:
    copy = [python, "-m", "assembly_rl.examples.copy_parts", "parts"]
    run(python, tmp_path, *map(str, copy[1:]))
    here = {path.name: path.read_bytes() for path in (tmp_path / "parts").iterdir()}
    assert here == {path.name: path.read_bytes() for path in (ROOT / "examples" / "parts").iterdir()}
    again = subprocess.run(
        copy, cwd=tmp_path, env=own_environment(), capture_output=True, text=True, check=False
    )
    assert again.returncode == 1
    assert again.stderr == "parts/dual_peg.stl exists; nothing is overwritten: choose another folder\n"


def test_controllers_import_is_light(python: Path, tmp_path: Path) -> None:
    code = (
        "import sys, assembly_rl.controllers, assembly_rl.controllers.admittance, "
        "assembly_rl.controllers.guidance; "
        "print(*({'torch', 'pybullet', 'gymnasium', 'hydra', 'stable_baselines3'} & set(sys.modules)))"
    )
    assert run(python, tmp_path, "-c", code).strip() == ""


ROBOT_PROGRAM = """
import sys
import numpy as np
from assembly_rl.controllers import load_bundle
from assembly_rl.controllers.recognition import load_recognizer

controller = load_bundle("generalist", hole_depth=0.02, peg_length=0.05)
command = controller.reset(((0.4, 0.0, 0.1), (0.0, 0.0, 0.0, 1.0)), rate=200.0)
for step in range(100):
    command = controller.step(np.zeros(6), (command.position, command.orientation), step / 200.0)
controller.recording().save("recording.csv")
recognizer = load_recognizer()
recognizer.update(np.zeros(6), np.zeros(6), np.zeros(6))
assert len(recognizer.read().states) == 7
print(controller.state, sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:])))
"""
HEAVY = ("torch", "pybullet", "gymnasium", "hydra", "stable_baselines3", "scipy", "matplotlib", "shapely")


def test_a_robot_needs_numpy_and_safetensors_alone(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "robot"], check=True)
    python, site = tmp_path / "robot" / "bin" / "python", Path(sysconfig.get_path("purelib"))
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel], check=True)
    (own,) = (tmp_path / "robot").glob("lib/python3*/site-packages")
    for name in ("numpy", "numpy.libs"):
        (own / name).symlink_to(site / name)
    load = "from assembly_rl.controllers import load_bundle; load_bundle('generalist')"
    done = subprocess.run([python, "-c", load], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "pip install safetensors" in done.stderr
    (own / "safetensors").symlink_to(site / "safetensors")
    assert run(python, tmp_path, "-c", ROBOT_PROGRAM, *HEAVY).strip() == "running []"
    example = str(ROOT / "examples" / "run_recorded.py")
    shown = run(python, tmp_path, example, "generalist", "recording.csv", "commands.csv")
    assert "its commands are at most" in shown


def test_imports_run_one_way() -> None:
    for folder, forbidden in {
        "controllers": ("assembly_rl.envs", "torch", "pybullet", "gymnasium", "hydra"),
        "envs": ("torch", "stable_baselines3", "hydra", "omegaconf"),
    }.items():
        for path in (ROOT / folder).rglob("*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                if path == ROOT / "envs" / "library.py" and line.startswith(" "):
                    continue  # Hydra, where a name of a part or a task is given
                words = line.split()
                if words[:1] in (["import"], ["from"]):
                    assert not words[1].startswith(forbidden), f"{path}: {line}"
                    inside = words[1].startswith("assembly_rl")
                    allowed = ("assembly_rl.controllers", "assembly_rl.envs")
                    assert not inside or words[1].startswith(allowed), f"{path}: {line}"

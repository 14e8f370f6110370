"""Directory of one training: its configuration, software versions and results."""

import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import assembly_rl
from assembly_rl.runs.files import RunError, read_json, write_json

FORMAT = 1
PACKAGES = ("gymnasium", "numpy", "pybullet", "safetensors", "stable-baselines3", "torch")
_STEP = re.compile(r"step_(\d+)")


def unused(name: str) -> Path:
    """Return a folder under runs/ that does not exist yet."""
    candidates = [Path("runs", name), *(Path("runs", f"{name}-{number}") for number in range(2, 1000))]
    return next(path for path in candidates if not path.exists())


@dataclass(frozen=True)
class RunDirectory:
    """Directory of a run; ``run.json`` is written once, at its start.

    Attributes:
        path: Folder.
        info: Content of ``run.json``.
    """

    path: Path
    info: dict[str, Any]

    @classmethod
    def create(
        cls, path: str | Path, config: dict[str, Any], command: list[str], seed: int | None = None
    ) -> "RunDirectory":
        """Start a run in a new or empty folder.

        Args:
            path: Folder; it is created if absent.
            config: Resolved configuration, in types of JSON.
            command: Command line that started the run.
            seed: Seed of the training.

        Raises:
            RunError: The path exists and is not an empty folder.
        """
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunError(
                f"{path} exists and is not an empty folder; a run never overwrites another: "
                f"choose another run_dir, or continue that run with resume={path}"
            )
        path.mkdir(parents=True, exist_ok=True)
        info = {
            "format": FORMAT,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": list(command),
            "seed": seed,
            "config": config,
            "versions": {
                "assembly_rl": assembly_rl.__version__,
                "python": platform.python_version(),
                **{name: version(name) for name in PACKAGES},
            },
            "git": _git(Path(assembly_rl.__file__).parent),
            "platform": platform.platform(),
            # The rounding of sums depends on the number of threads.
            "torch_threads": torch.get_num_threads(),
        }
        write_json(path / "run.json", info)
        return cls.open(path)

    @classmethod
    def open(cls, path: str | Path) -> "RunDirectory":
        """Open an existing run.

        Raises:
            RunError: The path is not a run, or a newer assembly_rl wrote it.
        """
        path = Path(path)
        if not (path / "run.json").is_file():
            raise RunError(f"{path} is not a run: a run is a folder with a run.json; {_found(path)}")
        return cls(path, read_json(path / "run.json", FORMAT))

    @property
    def config(self) -> dict[str, Any]:
        """Resolved configuration at the start of the run."""
        config: dict[str, Any] = self.info["config"]
        return config

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        """Folder of the best policy so far; `prune` keeps it."""
        return self.checkpoints / "best"

    @property
    def evaluations(self) -> Path:
        """CSV file of the evaluations during training."""
        return self.path / "evaluations.csv"

    @property
    def episodes(self) -> Path:
        """CSV file of the training episodes."""
        return self.path / "episodes.csv"

    @property
    def stages(self) -> Path:
        """CSV file of the stages of a growing action dimension."""
        return self.path / "stages.csv"

    @property
    def videos(self) -> Path:
        """Folder of the videos."""
        return self.path / "videos"

    @property
    def figures(self) -> Path:
        """Folder of the figures."""
        return self.path / "figures"

    def checkpoint(self, step: int) -> Path:
        """Return the folder of the checkpoint at ``step``, which need not exist."""
        return self.checkpoints / f"step_{step:010d}"

    def latest_checkpoint(self) -> Path:
        """Return the folder of the newest checkpoint.

        Raises:
            RunError: There is no checkpoint.
        """
        found = self._saved()
        if not found:
            raise RunError(f"{self.path} has no checkpoint to continue from; {_found(self.checkpoints)}")
        return found[-1]

    def prune(self, keep: int) -> None:
        """Delete all but the newest ``keep`` checkpoints, and the remains of interrupted saves."""
        for folder in [*self._saved()[:-keep], *self.checkpoints.glob(".step_*.partial")]:
            shutil.rmtree(folder)

    def _saved(self) -> list[Path]:
        steps = {
            int(match[1]): folder
            for folder in (self.checkpoints.iterdir() if self.checkpoints.is_dir() else ())
            if (match := _STEP.fullmatch(folder.name))
        }
        return [steps[step] for step in sorted(steps)]


def _found(path: Path) -> str:
    if not path.is_dir():
        return f"{path} is a file" if path.exists() else f"{path} does not exist"
    names = sorted(entry.name for entry in path.iterdir())
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"found in {path}: {shown or 'nothing'}"


def _git(folder: Path) -> dict[str, Any] | None:
    """Return the revision of the package's checkout; None if it is installed or git is absent."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    try:
        # An installed package may lie inside another project's checkout, so this file must be tracked.
        git("ls-files", "--error-unmatch", "__init__.py")
        return {"revision": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None

"""Directory of one training: its configuration, software versions and results."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import assembly_rl
from assembly_rl.accelerators import distributed
from assembly_rl.runs.files import RunError, read_bytes, read_json, write_json, writing
from assembly_rl.runs.folders import new_folder, require_own_files
from assembly_rl.runs.lock import FolderLock

FORMAT = 1
FILE = "run.json"
RESULTS = ("ablation_", "held_out")
"""First letters of CSV files that are not part of a training."""
PACKAGES = ("gymnasium", "numpy", "pybullet", "safetensors", "stable-baselines3", "torch")
_STEP = re.compile(r"step_(\d{10,18})", re.ASCII)


@dataclass(frozen=True)
class RunDirectory:
    """Directory of a run; ``run.json`` is written once, at its start.

    Attributes:
        path: Folder.
        info: Content of ``run.json``.
        lock: Lock of the folder, which is held while it is written.
    """

    path: Path
    info: dict[str, Any]
    lock: FolderLock = field(default_factory=FolderLock, compare=False, repr=False)

    @classmethod
    def create(
        cls,
        path: str | Path,
        config: dict[str, Any],
        command: list[str],
        seed: int | None = None,
        inputs: Mapping[str, bytes] | None = None,
        fill: Callable[["RunDirectory"], object] = lambda run: None,
    ) -> "RunDirectory":
        """Start a run in a new or empty folder, which appears with all its first files, and lock it.

        Args:
            path: Folder; it is created if absent.
            config: Resolved configuration, in types of JSON.
            command: Command line that started the run.
            seed: Seed of the training.
            inputs: Content of the files that the command line names, by their path; the run keeps copies.
            fill: Function that writes further first files, into a run that is not under its path yet.

        Raises:
            FolderTaken: The path exists and is not an empty folder.
            RunError: The folder cannot be written.
        """
        path, lock = Path(path), FolderLock()
        info = {
            "format": FORMAT,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": list(command),
            "seed": seed,
            "inputs": [
                {"path": name, "file": own, "sha256": hashlib.sha256(content).hexdigest()}
                for own, (name, content) in _named(inputs or {}).items()
            ],
            "processes": distributed.size(),
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
        goes_on = (
            f"continue that run with resume={path}" if os.path.isfile(path / FILE) else "remove it first"
        )
        remedy = f"a run never overwrites another: choose another run_dir, or {goes_on}"
        with new_folder(path, remedy, lock) as new:
            write_json(new / FILE, info)
            for own, (_, content) in _named(inputs or {}).items():
                (new / own).parent.mkdir(exist_ok=True)
                (new / own).write_bytes(content)
            fill(cls.open(new))
        return cls(path, cls.open(path).info, lock)

    @classmethod
    def open(cls, path: str | Path) -> "RunDirectory":
        """Open an existing run.

        Raises:
            RunError: The path is not a run, or a newer assembly_rl wrote it.
        """
        path = Path(path)
        if not os.path.isfile(path / FILE):
            start = "" if os.path.lexists(path) else f"; run_dir={path} starts one"
            raise RunError(f"{path} is not a run: a run is a folder with a run.json; {_found(path)}{start}")
        return cls(path, read_json(path / FILE, FORMAT, {"config": dict, "versions": dict}))

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Lock the run for writing within the outermost of such contexts, or until the process ends.

        Raises:
            FolderLocked: Another process is writing the run.
            RunError: The folder cannot be written, or has a link, through which something else would be.
        """
        with self.lock.holding(self.path):
            require_own_files(self.path)
            yield

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

    def logs(self) -> list[Path]:
        """Return the CSV files of the training in the folder: all with a first column ``step``."""
        return [
            path
            for path in sorted(self.path.glob("*.csv"))
            if not path.name.startswith(RESULTS) and read_bytes(path).startswith(b"step,")
        ]

    def latest_checkpoint(self) -> Path:
        """Return the folder of the newest checkpoint.

        Raises:
            RunError: There is no checkpoint.
        """
        found = self.saved()
        if not found:
            raise RunError(f"{self.path} has no checkpoint to continue from; {_found(self.checkpoints)}")
        return found[max(found)]

    def prune(self, keep: int) -> None:
        """Delete all but the newest ``keep`` checkpoints, and the remains of interrupted saves."""
        saved = self.saved()
        old = [saved[step] for step in sorted(saved)[:-keep]]
        for folder in [*old, *self.checkpoints.glob(".step_*.partial")]:
            with writing(folder):
                shutil.rmtree(folder)

    def set_aside(self, folder: Path) -> Path:
        """Rename a damaged checkpoint, so that it is none any more; return its new path."""
        names = (f"damaged_{folder.name}{suffix}" for suffix in ("", *(f"_{k}" for k in range(2, 1000))))
        path = next(path for path in map(folder.with_name, names) if not os.path.lexists(path))
        with writing(path):
            folder.rename(path)
        return path

    def saved(self) -> dict[int, Path]:
        """Return step -> folder of all checkpoints, damaged ones included."""
        with writing(self.checkpoints):
            found = list(self.checkpoints.iterdir()) if self.checkpoints.is_dir() else []
        return {int(match[1]): folder for folder in found if (match := _STEP.fullmatch(folder.name))}


def _named(inputs: Mapping[str, bytes]) -> dict[str, tuple[str, bytes]]:
    """Return path and content of the inputs by the names of their copies in the run."""
    return {f"inputs/{k}-{Path(name).name}": (name, inputs[name]) for k, name in enumerate(inputs)}


def _found(path: Path) -> str:
    if not os.path.isdir(path):
        return f"{path} is a file" if os.path.exists(path) else f"{path} does not exist"
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

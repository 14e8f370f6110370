"""Sources of a transfer: runs from whose best policy another training starts."""

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.envs import TaskConfig
from assembly_rl.evaluation.candidates import as_trained
from assembly_rl.learners.actor import ActorWeights
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.checkpoint import POLICY_FILE, read_policy
from assembly_rl.runs.files import read_bytes, write_bytes, write_json, write_tensors, writing
from assembly_rl.runs.parts import Tensors
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.loading import load_actor, read_config
from assembly_rl.training.method import MethodConfig

SHIPPED = Path(__file__).with_name("shipped")
"""Folder of the sources that come with this package."""


def shipped_sources() -> list[str]:
    """Return the names of the sources that come with this package."""
    return sorted(path.name for path in SHIPPED.iterdir()) if SHIPPED.is_dir() else []


@dataclass(frozen=True)
class Source:
    """Run from which another one starts.

    Attributes:
        run: Directory of the run.
        config: Configuration of the run.
    """

    run: RunDirectory
    config: TrainConfig

    @classmethod
    def open(cls, path: str | Path) -> "Source":
        """Open a run that has a policy.

        Args:
            path: Folder of the run, or name of a source that comes with this package, such as ``generalist``.

        Raises:
            RunError: The path is not a run, or the run has no best policy yet.
            ValueError: The configuration is refused.
        """
        if not os.path.lexists(path) and str(path) in shipped_sources():
            path = SHIPPED / path
        run = RunDirectory.open(path)
        if not run.best.is_dir():
            raise RunError(f"{path} has no best policy yet: let its training come to a validation")
        return cls(run, read_config(run))

    def actor(self) -> ActorWeights:
        """Read the actor of the best policy."""
        return load_actor(self.run)

    @property
    def several_parts(self) -> bool:
        """True if the run learned several parts, so that it has no contact of its own."""
        return self.config.parts.several

    def task(self, conditions: TaskConfig) -> TaskConfig:
        """Return a task with the law, action, observation and rates of this source."""
        return as_trained(self.config.task, conditions)

    def weights(self) -> Tensors:
        """Read the networks of the best policy, critics included; target critics are critics if left out."""
        found = read_policy(self.run.best)
        targets = {
            name.replace("critic.", "critic_target.", 1) for name in found if name.startswith("critic.")
        }
        return found | {
            name: found[name.replace("critic_target.", "critic.", 1)] for name in targets - set(found)
        }

    def student_method(self) -> MethodConfig:
        """Return the method for a student: the same connections, in all action dimensions."""
        return self.config.method.for_student(self.run)

    def copy_to(self, folder: Path) -> None:
        """Copy the files of the run that its policy needs."""
        best = Path("checkpoints", self.run.best.name)
        with writing(folder):
            (folder / best).mkdir(parents=True)
        self.weights()  # undamaged
        for name in (Path("run.json"), best / POLICY_FILE):
            write_bytes(folder / name, read_bytes(self.run.path / name))


def ship_source(run: RunDirectory, folder: Path, task: TaskConfig) -> None:
    """Write the files of a run from which a transfer starts, small enough for a package.

    Target critics and the description of the machine are left out.

    Args:
        run: Run with a best policy.
        folder: New folder.
        task: Task in which the controller acts.
    """
    best = folder / "checkpoints" / run.best.name
    weights = {
        name: tensor
        for name, tensor in read_policy(run.best).items()
        if not name.startswith("critic_target.")
    }
    with writing(folder):
        best.mkdir(parents=True)
    write_tensors(best / POLICY_FILE, weights)
    write_bytes(folder / run.evaluations.name, read_bytes(run.evaluations))
    kept = ("format", "started", "seed", "config", "versions", "git")
    config = {**run.info["config"], "task": to_mapping(task), "run_dir": None, "resume": None}
    write_json(folder / "run.json", {name: run.info.get(name) for name in kept} | {"config": config})


@lru_cache
def source_digest(path: str) -> str:
    """Return the SHA-256 (hex) of the policy of a run as a source.

    Raises:
        RunError: The run has no policy.
    """
    best = Source.open(path).run.best
    return hashlib.sha256(b"".join(map(read_bytes, sorted(best.iterdir())))).hexdigest()

"""Sources of a transfer: runs from whose best policy another training starts."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from assembly_rl.learners.actor import ActorWeights
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.checkpoint import POLICY_FILE, read_policy
from assembly_rl.runs.files import read_bytes, write_bytes, writing
from assembly_rl.runs.parts import Tensors
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.loading import load_actor, read_config
from assembly_rl.training.method import MethodConfig


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

        Raises:
            RunError: The path is not a run, or the run has no best policy yet.
            ValueError: The configuration is refused.
        """
        run = RunDirectory.open(path)
        if not run.best.is_dir():
            raise RunError(f"{path} has no best policy yet: let its training come to a validation")
        return cls(run, read_config(run))

    def actor(self) -> ActorWeights:
        """Read the actor of the best policy."""
        return load_actor(self.run)

    def weights(self) -> Tensors:
        """Read the networks of the best policy, critics included."""
        return read_policy(self.run.best)

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


@lru_cache
def source_digest(path: str) -> str:
    """Return the SHA-256 (hex) of the policy of a run as a source.

    Raises:
        RunError: The run has no policy.
    """
    best = Source.open(path).run.best
    return hashlib.sha256(b"".join(map(read_bytes, sorted(best.iterdir())))).hexdigest()

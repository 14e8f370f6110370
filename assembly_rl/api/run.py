"""Runs of trainings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assembly_rl.api.configuration import Progress, console_of, make_config
from assembly_rl.api.policy import Policy, load
from assembly_rl.controllers.validation import InputError
from assembly_rl.runs import RunDirectory, first_unused, folder_name, read_rows
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.continuation import continue_run, continued
from assembly_rl.training.create import create_run, planned, prepare
from assembly_rl.training.loading import read_config
from assembly_rl.training.results import RESULT, read_result
from assembly_rl.training.trainer import train_run


class Run:
    """Run of a training, finished or not.

    Args:
        path: Folder of the run.

    Raises:
        RunError: The path is no run.
    """

    def __init__(self, path: str | Path) -> None:
        self._directory = RunDirectory.open(path)

    @property
    def path(self) -> Path:
        """Folder of the run."""
        return self._directory.path

    @property
    def config(self) -> TrainConfig:
        """Configuration, with the steps of the latest continuation."""
        return continued(self._directory, read_config(self._directory))

    @property
    def finished(self) -> bool:
        """True if the training has come to its last step and was evaluated."""
        return self.result is not None

    @property
    def result(self) -> Mapping[str, Any] | None:
        """Summary of the held-out episodes; None as long as there is none.

        Raises:
            RunError: The file is damaged.
        """
        return read_result(self.path) if (self.path / RESULT).exists() else None

    @property
    def validations(self) -> list[dict[str, Any]]:
        """Rows of the validations so far."""
        return read_rows(self._directory.evaluations)

    def policy(self) -> Policy:
        """Load the best policy; see ``load``."""
        return load(self._directory)

    def continue_(
        self, *, steps: int | None = None, progress: Progress = False, processes: int | None = None
    ) -> "Run":
        """Train on, from the latest checkpoint.

        Args:
            steps: Policy steps of the whole training from now on, more than before; by default as before, to
                finish a training that was stopped.
            progress: Show progress and results: True, or a console of rich.
            processes: Worker processes of the evaluations; by default one for each core.

        Returns:
            This run.

        Raises:
            RunError: The training has those steps already, another process is writing the run, or files are
                damaged or cannot be written.
            TrainingInterrupted: A signal ended the training.
        """
        run = RunDirectory.open(self.path)
        with run.claimed():
            config = continue_run(run, read_config(run), steps)
            train_run(run, config, resume=True, console=console_of(progress), processes=processes)
        return self

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"


def train(
    config: TrainConfig | None = None,
    *,
    run_dir: str | Path | None = None,
    progress: Progress = False,
    processes: int | None = None,
    **fields: Any,
) -> Run:
    """Train a controller.

    Args:
        config: Configuration; by default that of ``make_config`` with the further arguments.
        run_dir: New folder of the run; by default a new one under runs/.
        progress: Show progress and results: True, or a console of rich.
        processes: Worker processes of the evaluations; by default one for each core.
        **fields: Arguments of ``make_config``, where no configuration is given.

    Returns:
        Finished run.

    Raises:
        ValueError: The configuration cannot be used, or both it and fields are given.
        RunError: The folder exists and is not empty.
        TrainingInterrupted: A signal ended the training; ``Run.continue_`` goes on.
    """
    if config is not None and fields:
        raise InputError(f"give a configuration or its fields, not both: {', '.join(fields)}")
    own, methods = prepare(config if config is not None else make_config(**fields))
    if own.plan is not None:
        own, _ = planned(own)
    name = f"{folder_name(own.geometry.label)}-{own.algo.name}-seed{own.seed}"

    def make(path: Path) -> RunDirectory:
        return create_run(own, methods, path, ["assembly_rl.train"])

    given = run_dir or own.run_dir
    run = make(Path(given)) if given else first_unused(name, make)
    train_run(run, own, console=console_of(progress), processes=processes)
    return Run(run.path)


def open_run(path: str | Path) -> Run:
    """Open the run in a folder.

    Raises:
        RunError: The path is no run.
    """
    return Run(path)

"""Continuation of a run from its newest checkpoint that is not damaged, with the rows of its step."""

from collections.abc import Callable
from pathlib import Path

from stable_baselines3.common.base_class import BaseAlgorithm

from assembly_rl.accelerators import distributed
from assembly_rl.runs.checkpoint import load_checkpoint, verify_checkpoint
from assembly_rl.runs.directory import RunDirectory
from assembly_rl.runs.files import NewerFormat, RunError, read_bytes, sync, write_bytes, writing
from assembly_rl.runs.manifest import Rows
from assembly_rl.runs.rows import read_rows, rows_until


def resume_run(run: RunDirectory, model: BaseAlgorithm, show: Callable[[str], object]) -> int | None:
    """Load the newest usable checkpoint of a run into a new model, and restore its rows.

    Damaged newer checkpoints are moved aside. A run that was stopped before its first checkpoint loses its
    rows, and has to begin again. The processes of a distributed training resume from a checkpoint that all
    have.

    Args:
        run: Run, whose lock is held.
        model: New model of the same configuration.
        show: Function that is told in a line of text what was damaged and what is done.

    Returns:
        Step of the checkpoint; None if there is none, so that the training begins at step 0.

    Raises:
        RunError: No checkpoint is usable, or the rows are damaged; the message says what to do.
    """
    damaged: dict[Path, str] = {}
    usable: dict[int, dict[str, Rows] | None] = {}
    for number, folder in sorted(run.saved().items()):
        try:
            usable[number] = verify_checkpoint(folder)
        except NewerFormat:
            raise
        except RunError as error:
            damaged[folder] = str(error)
    problem = "" if usable or not damaged else _unusable(run, damaged)
    if distributed.any_process(bool(problem)):
        raise RunError(problem or f"{run.path}: another process has no usable checkpoint")
    step = _common(list(usable))
    if step is None:
        for path in run.logs():
            with writing(path):
                path.unlink()
        show(f"  {run.path} has no checkpoint yet: the training begins at step 0")
        return None
    for folder, why in damaged.items():
        aside = run.set_aside(folder)
        show(f"  {why}: moved to {aside}, the training goes on from step {step}")
    load_checkpoint(model, run.checkpoint(step))
    rows = usable[step]
    if rows is None:  # of format 1: rows are told by their steps
        for path in run.logs():
            _truncate(path, step, show)
    else:
        for name, known in rows.items():
            _restore(run, run.path / name, known, step, show)
    return step


def rows_of(run: RunDirectory) -> dict[str, Rows]:
    """Return the content of all logs of a run, which is on the disk then."""
    found = {}
    for path in run.logs():
        with writing(path):
            sync(path)
        found[path.name] = Rows.of(read_bytes(path))
    return found


def _common(steps: list[int]) -> int | None:
    """Return the newest step of which all processes have a checkpoint; None if they have none."""
    left = steps
    while True:
        common = distributed.minimum(max(left, default=-1))
        if not distributed.any_process(common not in left):
            return common
        if common < 0:
            if distributed.any_process(max(steps, default=0) > 0):
                raise RunError("the processes have no checkpoint in common to go on from")
            return None
        left = [step for step in left if step < common]


def _unusable(run: RunDirectory, damaged: dict[Path, str]) -> str:
    return f"{run.path} has no usable checkpoint: {'; '.join(damaged.values())}: {_beginning(run)}"


def _beginning(run: RunDirectory) -> str:
    return f"put it back from a copy, or remove {run.checkpoints}/step_* to begin again at step 0"


def _restore(run: RunDirectory, path: Path, known: Rows, step: int, show: Callable[[str], object]) -> None:
    """Remove what was written into a log after the step of a checkpoint."""
    if not path.exists():
        raise RunError(
            f"{path} is missing, whose rows up to step {step} are part of the run: {_beginning(run)}"
        )
    content = read_bytes(path)
    if Rows.of(content[: known.length]) != known:
        read_rows(path)  # names the line, if it can
        raise RunError(
            f"{path} is damaged: its rows to step {step} are not those of the checkpoint: {_beginning(run)}"
        )
    if len(content) > known.length:
        _show_torn(path, content, show)
        write_bytes(path, content[: known.length])


def _truncate(path: Path, step: int, show: Callable[[str], object]) -> None:
    """Remove the rows after a step from a log, and a torn last one."""
    content = read_bytes(path)
    _show_torn(path, content, show)
    kept = rows_until(path, step)
    if kept != content:
        write_bytes(path, kept)


def _show_torn(path: Path, content: bytes, show: Callable[[str], object]) -> None:
    if not content.endswith(b"\n"):
        show(f"  {path}: the last row was torn by a stop and is written again")

"""Continuation of a run with more steps than it was started with."""

from dataclasses import replace
from datetime import UTC, datetime

from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.files import read_json, write_json
from assembly_rl.training.config import TrainConfig

FILE = "continuations.json"
"""File in a run directory: policy steps of each continuation; ``run.json`` keeps those of the start."""
FORMAT = 1
RESULTS = ("result.json", "held_out.csv")


def continued(run: RunDirectory, config: TrainConfig, steps: int | None = None) -> TrainConfig:
    """Return the configuration of a run with the steps of its continuations.

    Args:
        run: Run.
        config: Configuration that it was started with.
        steps: Policy steps of a new continuation, which is noted; results of the training so far get the
            number of its steps in their names. By default nothing is noted.

    Raises:
        RunError: The run was started with as many steps, or there is no checkpoint.
    """
    path = run.path / FILE
    noted = read_json(path, FORMAT)["continuations"] if path.is_file() else []
    present = noted[-1]["steps"] if noted else config.steps
    if steps is None:
        return replace(config, steps=present)
    if steps <= present:
        raise RunError(f"{run.path} is a training of {present} steps: give more than that, got {steps}")
    run.latest_checkpoint()
    for name in RESULTS:
        result = run.path / name
        if result.is_file():
            result.rename(result.with_stem(f"{result.stem}_{present}"))
    when = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(path, {"format": FORMAT, "continuations": [*noted, {"steps": steps, "at": when}]})
    return replace(config, steps=steps)

"""Continuation of a run with more steps than it was started with."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.checks import refuse, require_list, require_names
from assembly_rl.runs.files import read_json, write_json, writing
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.results import HELD_OUT, RESULT

FILE = "continuations.json"
"""File in a run directory: policy steps of each continuation; ``run.json`` keeps those of the start."""
FORMAT = 1


def continued(run: RunDirectory, config: TrainConfig) -> TrainConfig:
    """Return the configuration of a run with the steps of its latest continuation.

    Args:
        run: Run.
        config: Configuration that it was started with.

    Raises:
        RunError: The file of the continuations is damaged.
    """
    noted = _noted(run, config)
    return replace(config, steps=noted[-1]["steps"]) if noted else config


def continue_run(run: RunDirectory, config: TrainConfig, steps: int | None = None) -> TrainConfig:
    """Prepare a run for its continuation, and return its configuration with the new steps.

    Results of the training so far get the number of its steps in their names.

    Args:
        run: Run, whose lock is held.
        config: Configuration that it was started with.
        steps: Policy steps of the whole training; by default as many as so far.

    Raises:
        RunError: The run has as many steps, or files are damaged or cannot be written.
    """
    noted = _noted(run, config)
    present = noted[-1]["steps"] if noted else config.steps
    if steps is not None:
        if steps <= present:
            raise RunError(
                f"{run.path} is a training of {present} steps: give more than that, got {steps}; without "
                "steps it is finished"
            )
        when = datetime.now(UTC).isoformat(timespec="seconds")
        moved = [name for name in (RESULT, HELD_OUT) if (run.path / name).is_file()]
        noted.append({"steps": steps, "at": when, "before": present, "results": moved})
        write_json(run.path / FILE, {"format": FORMAT, "continuations": noted})
    if noted:
        _rename(run, noted[-1])
    return continued(run, config)


def _rename(run: RunDirectory, latest: dict[str, Any]) -> None:
    """Rename the results of before a continuation, unless that was done; it may have been killed there."""
    for name in latest.get("results", []):
        path = run.path / name
        earlier = path.with_stem(f"{path.stem}_{latest['before']}")
        if path.is_file() and not earlier.exists():
            with writing(earlier):
                path.rename(earlier)


def _noted(run: RunDirectory, config: TrainConfig) -> list[dict[str, Any]]:
    """Return the continuations of a run, each with more steps than before."""
    path = run.path / FILE
    if not path.exists():
        return []
    noted: list[dict[str, Any]] = read_json(path, FORMAT, {"continuations": list})["continuations"]
    before = config.steps
    for number, entry in enumerate(noted):
        place = f"{path}: continuations[{number}]"
        require_names(place, entry, ("steps", "at"), ("before", "results"))
        if type(entry["steps"]) is not int or entry["steps"] <= before:
            raise refuse(f"{place}.steps", f"an integer above {before}", entry["steps"])
        if set(require_list(f"{place}.results", entry.get("results", []))) - {RESULT, HELD_OUT}:
            raise refuse(f"{place}.results", f"of {RESULT} and {HELD_OUT}", entry["results"])
        if entry.get("before", before) != before:
            raise refuse(f"{place}.before", str(before), entry["before"])
        before = entry["steps"]
    return noted

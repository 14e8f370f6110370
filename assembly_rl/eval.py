"""assembly-rl-eval: measure runs and baseline controllers, side by side, on the same episodes."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assembly_rl.cli import command
from assembly_rl.config import EvalConfig, train_config
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.evaluation import Evaluator, Scenario, summarize
from assembly_rl.reports.table import comparison_table
from assembly_rl.results import write_rows
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.subjects import guided, learned, load_conditions, load_controller


def as_list(value: Any) -> list[Any]:
    """One value or several from the command line."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | ListConfig) else [value]


def conditions(config: EvalConfig, runs: list[RunDirectory]) -> Iterator[tuple[str, PegHole, TaskConfig]]:
    """Every combination of geometry, clearance and friction with a label."""
    own = train_config(runs[0].config) if runs else load_conditions("default", "square")
    task, parts = own.task, [own.geometry.part()]
    if config.task or config.geometry:
        geometries = as_list(config.geometry) or [own.geometry.section]
        loaded = [load_conditions(config.task or "default", name) for name in geometries]
        parts = [entry.geometry.part() for entry in loaded]
        task = loaded[0].task if config.task else own.task
        if not config.task:  # another shape, but the fit of the run's
            parts = [replace(part, chamfer=own.geometry.chamfer) for part in parts]
    clearances, frictions = as_list(config.clearance) or [None], as_list(config.friction) or [None]
    for part, clearance, friction in itertools.product(parts, clearances, frictions):
        fit = part if clearance is None else replace(part, clearance=float(clearance))
        values = task.randomization.friction if friction is None else [float(friction)] * 2
        varied = replace(task, randomization=replace(task.randomization, friction=list(values)))
        mu = "-".join(f"{value:g}" for value in sorted(set(values)))
        label = f"{fit.section}, {fit.clearance * 1e3:g} mm, chamfer {fit.chamfer * 1e3:g} mm, friction {mu}"
        yield label, fit, varied


def evaluate(config: EvalConfig, console: Console) -> Path:
    """Evaluate, print the table, write the rows; returns their file."""
    runs = [RunDirectory.open(path) for path in as_list(config.run)]
    controllers = {name: load_controller(name) for name in as_list(config.controller)}
    if not runs and not controllers:
        raise ValueError("nothing to evaluate: give run=<dir>, controller=<name> or both")
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    output = Path(config.output or f"runs/eval-{stamp}.csv")
    if output.exists():
        raise RunError(f"{output} exists; results are never overwritten: choose another output")
    cells = []
    for label, part, task in conditions(config, runs):
        subjects = [learned(run, task) for run in runs]
        subjects += [guided(name, controller, task) for name, controller in controllers.items()]
        cells += [(subject, label, Scenario(part, subject.task)) for subject in subjects]
    entries, rows = [], []
    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
    with Evaluator(config.processes) as evaluator, Progress(*columns, console=console, transient=True) as bar:
        progress = bar.add_task("episodes", total=len(cells) * config.episodes)
        for subject, label, scenario in cells:
            own = []
            for chunk in evaluator.iterate(scenario, subject.agent, config.episodes, config.seed):
                own += chunk
                bar.advance(progress, len(chunk))
            entries.append((subject.name, label, summarize(own)))
            rows += [{"controller": subject.name, "condition": label} | row for row in own]
    console.print(comparison_table(entries))
    write_rows(output, rows)
    console.print(f"rows: {output}")
    return output


def _job(values: DictConfig) -> None:
    config: EvalConfig = OmegaConf.to_object(values)  # type: ignore[assignment]
    evaluate(config, Console())


def main() -> None:
    """Entry point."""
    command("eval", _job)


if __name__ == "__main__":
    main()

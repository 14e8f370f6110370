"""assembly-rl-eval: measure runs and baseline controllers, side by side, on the same episodes."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from assembly_rl.cli.command import as_list, command, console
from assembly_rl.configuration.schema import EvalConfig, train_config
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.robots.config import RobotConfig
from assembly_rl.evaluation import Evaluator, Scenario, mcnemar, summarize
from assembly_rl.evaluation.episodes import Row
from assembly_rl.evaluation.subjects import Subject, guided, learned, load_agent, load_geometry
from assembly_rl.reports.progress import progress_bar
from assembly_rl.reports.table import comparison_table
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.training.results import write_rows


def conditions(
    config: EvalConfig, part: PegHole, task: TaskConfig, robots: list[RobotConfig]
) -> Iterator[tuple[str, PegHole, TaskConfig]]:
    """Every combination of geometry, clearance, friction and robot, with a label."""
    parts = [
        (Path(name).stem, replace(load_geometry(name), chamfer=part.chamfer))
        for name in as_list(config.geometries)
    ]
    clearances, frictions = as_list(config.clearance) or [None], as_list(config.friction) or [None]
    parts = parts or [(part.section, part)]
    for (name, base), clearance, friction, robot in itertools.product(parts, clearances, frictions, robots):
        fit = base if clearance is None else replace(base, clearance=float(clearance))
        values = task.randomization.friction if friction is None else [float(friction)] * 2
        ranges = replace(task.randomization, friction=list(values))
        varied = replace(task, randomization=ranges, robot=robot)
        mu = "-".join(f"{value:g}" for value in sorted(set(values)))
        label = f"{name}, {fit.clearance * 1e3:g} mm, chamfer {fit.chamfer * 1e3:g} mm, friction {mu}"
        label += "" if robot.model == "floating" else f", {robot.model}"
        yield label, fit, varied


def evaluate(config: EvalConfig, own_conditions: bool, console: Console, other_robot: bool = False) -> Path:
    """Evaluate, print the table, write the rows.

    Args:
        config: Of the command.
        own_conditions: Whether geometry and task are the first run's instead of the configuration's.
        console: Where the table goes.
        other_robot: Whether everything is evaluated on the configuration's robot as well as on the first
            run's, and the change told.

    Returns:
        The file with the rows.
    """
    runs = [RunDirectory.open(path) for path in as_list(config.run)]
    if not runs and not config.controller:
        raise ValueError("nothing to evaluate: give run=<dir>, controller=<name> or both")
    source = train_config(runs[0].config) if runs and own_conditions else config
    part, task = source.geometry.part(), source.task
    robots = [train_config(runs[0].config).task.robot if runs else config.task.robot]
    if other_robot and config.task.robot not in robots:
        robots.append(config.task.robot)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    output = Path(config.output or f"runs/eval-{stamp}.csv")
    if output.exists():
        raise RunError(f"{output} exists; results are never overwritten: choose another output")
    agents = [(run, load_policy(run)) for run in runs]
    cells = []
    for label, fit, varied in conditions(config, part, task, robots):
        subjects = [learned(run, agent, varied) for run, agent in agents]
        subjects += [guided(name, controller, varied) for name, controller in config.controller.items()]
        cells += [(subject, label, Scenario(fit, subject.task)) for subject in subjects]
    done: list[tuple[Subject, str, list[Row]]] = []
    with Evaluator(config.processes) as evaluator, progress_bar(console) as bar:
        progress = bar.add_task("episodes", total=len(cells) * config.episodes)
        try:
            for subject, label, scenario in cells:
                own = []
                for chunk in evaluator.iterate(scenario, subject.agent, config.episodes, config.seed):
                    own += chunk
                    bar.advance(progress, len(chunk))
                done.append((subject, label, own))
        except KeyboardInterrupt:
            console.print(f"[yellow]stopped[/]: {len(done)} of {len(cells)} rows of the table are done")
            if not done:
                raise
    console.print(comparison_table([(subject.name, label, summarize(rows)) for subject, label, rows in done]))
    if len(robots) == 2:
        _tell_changes(done, console)
    write_rows(
        output,
        [{"controller": own.name, "condition": label} | row for own, label, rows in done for row in rows],
    )
    console.print(f"rows: {output}")
    return output


def _tell_changes(done: list[tuple[Subject, str, list[Row]]], console: Console) -> None:
    """What the other robot does to each subject's success, on the same episodes."""
    before: dict[str, list[Row]] = {}
    for subject, label, rows in done:
        if subject.name not in before:
            before[subject.name] = rows
            continue
        first = before.pop(subject.name)
        effect = mcnemar(first, rows)
        console.print(
            f"{subject.name}, {label}: success {100 * summarize(first).success:.1f} % -> "
            f"{100 * summarize(rows).success:.1f} %, {effect.lost} lost and {effect.gained} gained of "
            f"{len(rows)} episodes (McNemar p = {effect.p:.2g})",
            highlight=False,
        )


def _job(values: DictConfig) -> None:
    config: EvalConfig = OmegaConf.to_object(values)  # type: ignore[assignment]
    keys = [text.split("=")[0].lstrip("+") for text in HydraConfig.get().overrides.task]
    robot = [key for key in keys if key == "robot" or key.startswith("task.robot")]
    given = {key.split(".")[0] for key in keys if key not in robot}
    evaluate(config, not given & {"geometry", "task"}, console(), bool(robot))


def main() -> None:
    """Entry point."""
    command("eval", _job)


if __name__ == "__main__":
    main()

"""assembly-rl-eval: evaluate runs and baseline controllers on the same episodes."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import EvalConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.library import make_part
from assembly_rl.envs.robots.config import RobotConfig
from assembly_rl.evaluation import Evaluator, Scenario, mcnemar, summarize
from assembly_rl.evaluation.candidates import Candidate, baseline, require_as_trained, trained
from assembly_rl.evaluation.episodes import Row
from assembly_rl.reports.progress import progress_bar
from assembly_rl.reports.table import comparison_table
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.training.loading import load_policy, read_config
from assembly_rl.training.results import write_rows

Result = tuple[Candidate, str, list[Row]]


def conditions(
    config: EvalConfig, part: PegHole, task: TaskConfig, robots: list[RobotConfig]
) -> Iterator[tuple[str, PegHole, TaskConfig]]:
    """Yield every combination of geometry, clearance, friction and robot, with a label."""
    parts = [(Path(name).stem, replace(make_part(name), chamfer=part.chamfer)) for name in config.geometries]
    clearances: list[float | None] = [*config.clearance] or [None]
    frictions: list[float | None] = [*config.friction] or [None]
    parts = parts or [(part.section, part)]
    for (name, base), clearance, friction, robot in itertools.product(parts, clearances, frictions, robots):
        fit = base if clearance is None else replace(base, clearance=clearance)
        values = task.randomization.friction if friction is None else [friction] * 2
        ranges = replace(task.randomization, friction=list(values))
        varied = replace(task, randomization=ranges, robot=robot)
        mu = "-".join(f"{value:g}" for value in sorted(set(values)))
        label = f"{name}, {fit.clearance * 1e3:g} mm, chamfer {fit.chamfer * 1e3:g} mm, friction {mu}"
        label += "" if robot.model == "floating" else f", {robot.model}"
        yield label, fit, varied


def evaluate(config: EvalConfig, own_conditions: bool, console: Console, other_robot: bool = False) -> Path:
    """Evaluate, print the table, and write the rows.

    Args:
        config: Configuration of the command.
        own_conditions: True to use geometry and task of the first run instead of the configuration's.
        console: Console for the table.
        other_robot: True to evaluate on the configuration's robot as well as on the first run's, and to
            report the change.

    Returns:
        File of the rows.
    """
    runs = [(run, read_config(run)) for run in map(RunDirectory.open, config.run)]
    if not runs and not config.controller:
        raise RunError("nothing to evaluate: give run=<dir>, controller=<name> or both")
    source = runs[0][1] if runs and own_conditions else config
    part, task = source.geometry.part(), source.task
    for _, own in runs:
        require_as_trained(own.task, config.task)
    robots = [runs[0][1].task.robot if runs else config.task.robot]
    if other_robot and config.task.robot not in robots:
        robots.append(config.task.robot)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    output = Path(config.output or f"runs/eval-{stamp}.csv")
    if output.exists():
        raise RunError(f"{output} exists; results are never overwritten: choose another output")
    policies = [(run.path.name, load_policy(run), own.task) for run, own in runs]
    cells = []
    for label, fit, varied in conditions(config, part, task, robots):
        candidates = [trained(name, policy, own, varied) for name, policy, own in policies]
        candidates += [baseline(name, of, varied) for name, of in config.controller.items()]
        cells += [(candidate, label, Scenario(fit, candidate.task)) for candidate in candidates]
    done: list[Result] = []
    output.parent.mkdir(parents=True, exist_ok=True)  # an error before the episodes, not after them
    with Evaluator(config.processes) as evaluator, progress_bar(console) as bar:
        progress = bar.add_task("episodes", total=len(cells) * config.episodes)
        try:
            for candidate, label, scenario in cells:
                rows: list[Row] = []
                for chunk in evaluator.iterate(scenario, candidate.policy, config.episodes, config.seed):
                    rows += chunk
                    bar.advance(progress, len(chunk))
                done.append((candidate, label, rows))
        except KeyboardInterrupt:
            console.print(f"[yellow]stopped[/]: {len(done)} of {len(cells)} rows of the table are done")
            if not done:
                raise
    console.print(
        comparison_table([(candidate.name, label, summarize(rows)) for candidate, label, rows in done])
    )
    if len(robots) == 2:
        _print_changes(done, console)
    write_rows(
        output,
        [{"controller": own.name, "condition": label} | row for own, label, rows in done for row in rows],
    )
    console.print(f"rows: {output}")
    return output


def _print_changes(done: list[Result], console: Console) -> None:
    """Print the change of each candidate's success on the other robot, for the same episodes."""
    before: dict[str, list[Row]] = {}
    for candidate, label, rows in done:
        if candidate.name not in before:
            before[candidate.name] = rows
            continue
        first = before.pop(candidate.name)
        effect = mcnemar(first, rows)
        console.print(
            f"{candidate.name}, {label}: success {100 * summarize(first).success:.1f} % -> "
            f"{100 * summarize(rows).success:.1f} %, {effect.lost} lost and {effect.gained} gained of "
            f"{len(rows)} episodes (McNemar p = {effect.p:.2g})",
            highlight=False,
        )


def _job(values: DictConfig) -> None:
    config = checked(values, EvalConfig)
    keys = [text.split("=")[0].lstrip("+") for text in HydraConfig.get().overrides.task]
    robot = [key for key in keys if key == "robot" or key.startswith("task.robot")]
    given = {key.split(".")[0] for key in keys if key not in robot}
    evaluate(config, not given & {"geometry", "task"}, console(), bool(robot))


def main() -> None:
    """Run the command."""
    command("eval", _job)


if __name__ == "__main__":
    main()

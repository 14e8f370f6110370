"""assembly-rl-eval: evaluate runs and baseline controllers on the same episodes."""

from datetime import datetime
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from assembly_rl.cli.command import command, console
from assembly_rl.cli.conditions import Condition, conditions, pairs
from assembly_rl.cli.config import EvalConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.envs import make_environment
from assembly_rl.evaluation import LEANS_ON_ENGINE, Evaluator, Scenario, mcnemar, summarize
from assembly_rl.evaluation.candidates import Candidate, baseline, require_as_trained, trained
from assembly_rl.evaluation.episodes import Row
from assembly_rl.evaluation.gain import gain
from assembly_rl.reports.progress import progress_bar
from assembly_rl.reports.table import comparison_table
from assembly_rl.reports.watching import SUFFIX, Watcher, require_watchable
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.files import writing
from assembly_rl.training.loading import load_policy, read_config
from assembly_rl.training.results import write_rows

Result = tuple[Candidate, Condition, list[Row]]


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
    if config.watch:
        require_watchable(config.watch)
    policies = [(run.path.name, load_policy(run), own.task) for run, own in runs]
    cells: list[tuple[Candidate, Condition]] = []
    varied = conditions(config, part, task, robots)
    for condition in varied:
        candidates = [trained(name, policy, own, condition.task) for name, policy, own in policies]
        candidates += [baseline(name, of, condition.task) for name, of in config.controller.items()]
        if condition.number == 0:  # an engine without arms is told before the episodes, not between them
            make_environment(condition.part, candidates[0].task).close()
        cells += [(candidate, condition) for candidate in candidates]
    done: list[Result] = []
    with writing(output.parent):  # an error before the episodes, not after them
        output.parent.mkdir(parents=True, exist_ok=True)
    runner = Watcher(config.watch) if config.watch else Evaluator(config.processes)
    with runner, progress_bar(console) as bar:
        progress = bar.add_task("episodes", total=len(cells) * config.episodes)
        try:
            for candidate, condition in cells:
                scenario = Scenario(condition.part, candidate.task)
                rows: list[Row] = []
                what = scenario, candidate.policy, config.episodes, config.seed
                if isinstance(runner, Watcher):
                    chunks = runner.iterate(*what, f"{candidate.name}, {condition.label}")
                else:
                    chunks = runner.iterate(*what)
                for chunk in chunks:
                    rows += chunk
                    bar.advance(progress, len(chunk))
                done.append((candidate, condition, rows))
        except KeyboardInterrupt:
            console.print(f"[yellow]stopped[/]: {len(done)} of {len(cells)} rows of the table are done")
            if not done:
                raise
    console.print(comparison_table([(own.name, at.label, summarize(rows)) for own, at, rows in done]))
    count = len(cells) // len(varied)
    for number in range(count):
        _print_changes(done[number::count], console)
    write_rows(
        output,
        [{"controller": own.name, "condition": at.label} | row for own, at, rows in done for row in rows],
    )
    console.print(f"rows: {output}", markup=False)
    for name, of in ((run.path.name, own) for run, own in runs):
        if of.quick:
            console.print(f"{name} is a trial (quick=true): what it can do says little", highlight=False)
    if config.quick:
        console.print(f"quick=true: a trial with {config.episodes} episodes each", highlight=False)
    if config.watch and config.watch.endswith(SUFFIX):
        console.print(f"episodes: rerun {config.watch}", markup=False)
    if len(cells) == len(done) == len(config.lag) == 1:
        _print_success(config.lag[0], done[0][2], console)
    if len(varied) == 1 and len(cells) == len(done):
        _print_gains(done, len(runs), console)
    return output


def _print_gains(done: list[Result], learned: int, console: Console) -> None:
    """Print in a sentence what each learned controller gains over the hand-written reflex."""
    for own, _, rows in done[:learned]:
        for other, _, other_rows in done[learned:]:
            if other.name.startswith("reflex"):
                other_name = f"the hand-written {other.name}"
                console.print(gain(own.name, rows, other_name, other_rows), highlight=False, markup=False)


def _print_changes(done: list[Result], console: Console) -> None:
    """Print the changes of a candidate's success with another robot or engine, for the same episodes."""
    results = {at.key: (own.name, at.label, rows) for own, at, rows in done}
    for pair in pairs([at for _, at, _ in done]) if done else ():
        (name, label, after), (_, _, before) = results[pair.after], results[pair.before]
        effect = mcnemar(before, after)
        old, new = summarize(before).success, summarize(after).success
        leans = pair.axis == "engine" and abs(new - old) > LEANS_ON_ENGINE
        console.print(
            f"{name}, {label}, instead of {pair.instead_of}: success {100 * old:.1f} % -> {100 * new:.1f} %, "
            f"{effect.lost} lost and {effect.gained} gained of {len(after)} episodes "
            f"(McNemar p = {effect.p:.2g}){': this result leans on the engine' if leans else ''}",
            highlight=False,
            markup=False,
        )


def _print_success(lag: float, rows: list[Row], console: Console) -> None:
    """Print the only result in one sentence."""
    summary = summarize(rows)
    low, high = (f"{100 * end:.0f}" for end in summary.interval)
    console.print(
        f"success with a robot that lags by {1e3 * lag:g} ms: {100 * summary.success:.1f} % "
        f"(95 % interval {low} to {high})",
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

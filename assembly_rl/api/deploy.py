"""Deployment of a trained controller to a part: trials, fine-tuning if asked for, bundle and page."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from assembly_rl.api.configuration import Progress, console_of, geometry_config
from assembly_rl.api.run import Run
from assembly_rl.deployment.budget import Budget, spend
from assembly_rl.deployment.deploy import Deployment, require_new, write_deployment
from assembly_rl.deployment.insertions import is_changed
from assembly_rl.deployment.reconfiguration import AS_IT_IS
from assembly_rl.deployment.trials import TrainedController, Trials, try_out, try_setting
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.envs.library import Part, Task, make_task
from assembly_rl.evaluation import Evaluator
from assembly_rl.methods.transfer.fine_tuning import fine_tune, fine_tuning_config
from assembly_rl.methods.transfer.source import Source
from assembly_rl.reports.progress import progress_bar
from assembly_rl.reports.table import comparison_table
from assembly_rl.runs import folder_name
from assembly_rl.runs.files import writing


@dataclass
class DeploymentOptions:
    """Options of a deployment.

    Attributes:
        source: Bundle of the controller (a file, or the name of one that comes with this package), or the
            folder of a run.
        episodes: Episodes in each engine.
        level: Success that is asked for: below it ``fine_tune`` trains, and ``insertions`` test for it.
        fine_tune: Policy steps of a fine-tuning on the part; 0 for none. With ``insertions`` in the
            model of the forecast, in the setting with the best one.
        insertions: Largest number of insertions on the target with which a setting for its conditions is
            chosen, after a forecast; 0 for the controller as it is.
        confidence: Confidence with which these insertions are to show the level.
        seed: Seed of the fine-tuning.
        processes: Number of worker processes; by default one per core.
        tool_mass: Mass of everything attached to the robot's sensor [kg]; 0 if the sensor compensates it.
        centre_of_mass: Centre of that mass in the flange frame [m].
        gravity: Gravity in the robot's base frame [m/s2].
        soc: Ascend chip in the command line of ``atc``.
    """

    source: str = "generalist"
    episodes: int = 200
    level: float = 0.95
    fine_tune: int = 0
    insertions: int = 0
    confidence: float = 0.9
    seed: int = 0
    processes: int | None = None
    tool_mass: float = 0.0
    centre_of_mass: list[float] = field(default_factory=lambda: [0.0] * 3)
    gravity: list[float] = field(default_factory=lambda: [0.0, 0.0, -9.81])
    soc: str = "Ascend310P3"


def deploy(
    part: Part,
    task: Task = "broad",
    output: str | Path | None = None,
    *,
    source: Run | str | Path = "generalist",
    episodes: int = 200,
    level: float = 0.95,
    fine_tune: int = 0,
    insertions: int = 0,
    confidence: float = 0.9,
    progress: Progress = False,
    processes: int | None = None,
) -> Deployment:
    """Try a trained controller on a part that it may never have seen, and write its bundle and page.

    Args:
        part: Part.
        task: Conditions of the trials: errors, friction, robot.
        output: New folder; by default one under runs/.
        source: Bundle of the controller (a file, or the name of one that comes with this package), or a run.
        episodes: Held-out episodes in each engine that is installed.
        level: Success that is asked for: below it ``fine_tune`` trains, and ``insertions`` test for it.
        fine_tune: Policy steps of a fine-tuning on the part; 0 for none. With ``insertions`` in the
            model of the forecast, in the setting with the best one.
        insertions: Largest number of insertions with which a setting for these conditions is chosen, after
            a forecast in the other engine; 0 for the controller as it is.
        confidence: Confidence with which these insertions are to show the level.
        progress: Show progress and results: True, or a console of rich.
        processes: Worker processes of the trials; by default one for each core.

    Raises:
        ValueError: Part, task or source cannot be used, or the output exists.
        TrainingInterrupted: A signal ended the fine-tuning; the same call with an ``output`` goes on.
    """
    conditions, preset = make_task(task)
    options = DeploymentOptions(
        source=str(source.path if isinstance(source, Run) else source),
        episodes=episodes,
        level=level,
        fine_tune=fine_tune,
        insertions=insertions,
        confidence=confidence,
        processes=processes,
    )
    geometry = geometry_config(part, preset)
    folder = Path(output) if output else default_folder(geometry)
    return deploy_part(geometry, conditions, folder, options, console_of(progress))


def default_folder(geometry: GeometryConfig) -> Path:
    """Return the folder of a deployment for which none is given."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path(f"runs/deploy-{folder_name(geometry.part().label)}-{stamp}")


def deploy_part(
    geometry: GeometryConfig, task: TaskConfig, folder: Path, options: DeploymentOptions, console: Console
) -> Deployment:
    """Try a controller on a part, choose a setting or fine-tune it if that is asked for, and write it.

    A fine-tuning is in ``<folder>-fine-tuning``, the insertions of a choice in ``<folder>-insertions.json``;
    what was stopped goes on there.

    Args:
        geometry: Part.
        task: Conditions.
        folder: New folder.
        options: Options.
        console: Console for progress and results.

    Raises:
        ValueError: Something is refused, or the folder exists.
        TrainingInterrupted: A signal ended the fine-tuning.
    """
    require_new(folder)
    training = None
    if options.fine_tune:  # its errors come before the trials
        source = Source.open(options.source)
        own = source.task(task)
        training = fine_tuning_config(source, geometry, own, options.fine_tune, options.seed)
    with writing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
    if options.insertions:
        before, kept, trials = _with_insertions(geometry, task, folder, options, console)
        found = {AS_IT_IS: trials} if before is None else {AS_IT_IS: before, kept: trials}
        return _written(trials, before, found, folder, options, console)
    trials = _tried(geometry, task, options.source, options, console)
    before, found = None, {Path(options.source).name: trials}
    if training is not None and trials.success < options.level:
        text = f"below the level of {100 * options.level:g} %: fine-tuning for this part"
        console.print(text, highlight=False)
        before = trials
        run = fine_tune(training, tuning_folder(folder), console, options.processes)
        trials = _tried(geometry, task, str(run.path), options, console)
        found["fine-tuned"] = trials
    return _written(trials, before, found, folder, options, console)


def _written(
    trials: Trials,
    before: Trials | None,
    found: dict[str, Trials],
    folder: Path,
    options: DeploymentOptions,
    console: Console,
) -> Deployment:
    """Show trials, and write the controller of the last ones."""
    console.print(
        comparison_table(
            [
                (name, f"{trials.part.label}, {engine}", of)
                for name, tried in found.items()
                for engine, of in tried.summaries.items()
            ]
        )
    )
    for note in trials.notes:
        console.print(note, highlight=False, markup=False)
    if trials.success < options.level:
        more = "" if options.fine_tune else "fine-tune it (fine_tune=32000), "
        more += "" if options.insertions else "let it choose settings for these conditions (insertions=20), "
        console.print(
            f"[yellow]below the level of {100 * options.level:g} %[/]: look at the pictures, {more}lower the "
            "errors (task.randomization.hole_estimate), or train for this part alone (assembly-rl-train)",
            highlight=False,
        )
    return write_deployment(
        trials,
        folder,
        before=before,
        tool_mass=options.tool_mass,
        centre_of_mass=options.centre_of_mass,
        gravity=options.gravity,
        soc=options.soc,
    )


def tuning_folder(folder: Path) -> Path:
    """Return the folder of the fine-tuning of a deployment."""
    return folder.with_name(f"{folder.name}-fine-tuning")


def insertions_file(folder: Path) -> Path:
    """Return the file of the forecast and the insertions of a deployment."""
    return folder.with_name(f"{folder.name}-insertions.json")


def _with_insertions(
    geometry: GeometryConfig, task: TaskConfig, folder: Path, options: DeploymentOptions, console: Console
) -> tuple[Trials | None, str, Trials]:
    """Choose a setting; return the trials before, if another one is kept, its name, and its trials."""
    controller, part = TrainedController.open(options.source), geometry.part()
    source = Source.open(options.source)
    budget = Budget(options.insertions, options.level, options.confidence, options.fine_tune)

    def told(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    def trained_on(of: TaskConfig) -> TrainedController:
        console.print("fine-tuning in the model", highlight=False)
        training = fine_tuning_config(source, geometry, of, options.fine_tune, options.seed, beyond=True)
        return TrainedController.open(
            fine_tune(training, tuning_folder(folder), console, options.processes).path
        )

    with Evaluator(options.processes) as evaluator:
        file = insertions_file(folder)
        choice = spend(
            part,
            source.config.task,
            task,
            controller,
            budget,
            file,
            evaluator,
            told,
            tune=trained_on if options.fine_tune else None,
        )
    trials = [
        _with_bar(
            console,
            partial(try_setting, of.controller, part, of.setting.task, options.episodes, options.processes),
        )
        for of in ([choice.arms[0], choice.kept] if is_changed(choice) else [choice.kept])
    ]
    notes = [*choice.kept.setting.reasons, choice.verdict]
    final = replace(trials[-1], notes=[*trials[-1].notes, *notes])
    return (trials[0] if len(trials) > 1 else None), choice.kept.setting.name, final


def _tried(
    geometry: GeometryConfig, task: TaskConfig, source: str, options: DeploymentOptions, console: Console
) -> Trials:
    """Run the trials of a controller as it is."""
    tries = partial(try_out, geometry.part(), task, source, options.episodes, options.processes)
    return _with_bar(console, tries)


def _with_bar(console: Console, tries: Callable[..., Trials]) -> Trials:
    """Run trials with a progress bar."""
    with progress_bar(console) as bar:
        row = bar.add_task("episodes", total=None)
        return tries(progress=lambda count: bar.advance(row, count))

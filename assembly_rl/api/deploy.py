"""Deployment of a trained controller to a part: trials, fine-tuning if asked for, bundle and page."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.console import Console

from assembly_rl.api.configuration import Progress, console_of, geometry_config
from assembly_rl.api.run import Run
from assembly_rl.deployment.deploy import Deployment, require_new, write_deployment
from assembly_rl.deployment.trials import Trials, try_out
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.envs.library import Part, Task, make_task
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
        level: Success below which the controller is fine-tuned, if ``fine_tune`` asks for that.
        fine_tune: Policy steps of a fine-tuning on the part; 0 for none.
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
        level: Success below which the controller is fine-tuned, if ``fine_tune`` asks for that.
        fine_tune: Policy steps of a fine-tuning on the part; 0 for none.
        progress: Show progress and results: True, or a console of rich.
        processes: Worker processes of the trials; by default one for each core.

    Raises:
        ValueError: Part, task or source cannot be used, or the output exists.
        TrainingInterrupted: A signal ended the fine-tuning; the same call with an ``output`` goes on.
    """
    conditions, preset = make_task(task)
    options = DeploymentOptions(
        str(source.path if isinstance(source, Run) else source), episodes, level, fine_tune, 0, processes
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
    """Try a controller on a part, fine-tune it if that is asked for and needed, and write it.

    A fine-tuning is in ``<folder>-fine-tuning``; one that was stopped goes on there.

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
    trials = _tried(geometry, task, options.source, options, console)
    before, found = None, {Path(options.source).name: trials}
    if training is not None and trials.success < options.level:
        text = f"below the level of {100 * options.level:g} %: fine-tuning for this part"
        console.print(text, highlight=False)
        before = trials
        run = fine_tune(training, tuning_folder(folder), console, options.processes)
        trials = _tried(geometry, task, str(run.path), options, console)
        found["fine-tuned"] = trials
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
        tune = "" if options.fine_tune else "fine-tune it (fine_tune=32000), "
        console.print(
            f"[yellow]below the level of {100 * options.level:g} %[/]: look at the pictures, {tune}lower the "
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


def _tried(
    geometry: GeometryConfig, task: TaskConfig, source: str, options: DeploymentOptions, console: Console
) -> Trials:
    """Run the trials with a progress bar."""
    with progress_bar(console) as bar:
        row = bar.add_task("episodes", total=None)
        return try_out(
            geometry.part(),
            task,
            source,
            options.episodes,
            options.processes,
            progress=lambda count: bar.advance(row, count),
        )

"""assembly-rl-deploy: try a trained controller on a part that it has never seen, and export it."""

from datetime import datetime
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape

from assembly_rl.accelerators.processes import INTERRUPTED
from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import DeployConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.controllers.validation import InputError
from assembly_rl.deployment.deploy import deploy, require_new
from assembly_rl.deployment.trials import Trials, try_out
from assembly_rl.methods.transfer.fine_tuning import fine_tune, fine_tuning_config
from assembly_rl.methods.transfer.source import Source
from assembly_rl.reports.progress import progress_bar
from assembly_rl.reports.table import comparison_table
from assembly_rl.runs import folder_name
from assembly_rl.runs.files import writing
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.trainer import TrainingInterrupted


def _job(values: DictConfig) -> None:
    hydra = HydraConfig.get()
    if not any(text.lstrip("+").startswith("geometry") for text in hydra.overrides.task):
        raise InputError("no part: give one by name or file, such as geometry=L or geometry=bracket.dxf")
    config = checked(values, DeployConfig)
    label = config.geometry.part().label
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = Path(config.output or f"runs/deploy-{folder_name(label)}-{stamp}")
    require_new(folder)
    training = _training(config)
    with writing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
    output = console()
    trials = _tried(config, config.source, output)
    found = {Path(config.source).name: trials}
    if training is not None and trials.success < config.level:
        output.print(
            f"below the level of {100 * config.level:g} %: fine-tuning for this part", highlight=False
        )
        own = folder.with_name(f"{folder.name}-fine-tuning")
        try:
            run = fine_tune(training, own, output, config.processes)
        except TrainingInterrupted:
            output.print(f"[yellow]stopped[/]; the same command with output={escape(str(folder))} goes on")
            raise SystemExit(INTERRUPTED) from None
        trials = _tried(config, str(run.path), output)
        found["fine-tuned"] = trials
    output.print(
        comparison_table(
            [
                (name, f"{label}, {engine}", of)
                for name, tried in found.items()
                for engine, of in tried.summaries.items()
            ]
        )
    )
    for note in trials.notes:
        output.print(note, highlight=False, markup=False)
    if trials.success < config.level:
        tune = "" if config.fine_tune else "fine-tune it (fine_tune=30000), "
        output.print(
            f"[yellow]below the level of {100 * config.level:g} %[/]: look at the pictures, {tune}lower the "
            "errors (task.randomization.hole_estimate), or train for this part alone (assembly-rl-train)",
            highlight=False,
        )
    written = deploy(
        trials,
        folder,
        tool_mass=config.tool_mass,
        centre_of_mass=config.centre_of_mass,
        gravity=config.gravity,
        soc=config.soc,
    )
    for path in sorted(written.folder.iterdir()):
        output.print(f"  {path}", markup=False)


def _training(config: DeployConfig) -> TrainConfig | None:
    """Return the configuration of the fine-tuning, if one is asked for: its errors come before the trials."""
    if not config.fine_tune:
        return None
    source = Source.open(config.source)
    task = source.task(config.task)
    return fine_tuning_config(source, config.geometry, task, config.fine_tune, config.seed)


def _tried(config: DeployConfig, source: str, output: Console) -> Trials:
    """Run the trials with a progress bar."""
    with progress_bar(output) as bar:
        row = bar.add_task("episodes", total=None)
        return try_out(
            config.geometry.part(),
            config.task,
            source,
            config.episodes,
            config.processes,
            progress=lambda count: bar.advance(row, count),
        )


def main() -> None:
    """Run the command."""
    command("deploy", _job)


if __name__ == "__main__":
    main()

"""assembly-rl-deploy: try a trained controller on a part that it has never seen, and export it."""

from datetime import datetime
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import DeployConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.controllers.validation import InputError
from assembly_rl.deployment.deploy import Deployment, deploy
from assembly_rl.reports.progress import progress_bar
from assembly_rl.reports.table import comparison_table
from assembly_rl.runs import folder_name
from assembly_rl.runs.files import writing


def _job(values: DictConfig) -> None:
    hydra = HydraConfig.get()
    if not any(text.lstrip("+").startswith("geometry") for text in hydra.overrides.task):
        raise InputError("no part: give one by name or file, such as geometry=L or geometry=bracket.dxf")
    config = checked(values, DeployConfig)
    part = config.geometry.part()
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = config.output or f"runs/deploy-{folder_name(part.label)}-{stamp}"
    with writing(Path(folder).parent):
        Path(folder).parent.mkdir(parents=True, exist_ok=True)
    output = console()
    with progress_bar(output) as bar:
        row = bar.add_task("episodes", total=None)
        found = deploy(
            part,
            config.task,
            folder,
            source=config.source,
            episodes=config.episodes,
            tool_mass=config.tool_mass,
            centre_of_mass=config.centre_of_mass,
            gravity=config.gravity,
            soc=config.soc,
            processes=config.processes,
            progress=lambda count: bar.advance(row, count),
        )
    _show(found, part.label, config, output)


def _show(found: Deployment, label: str, config: DeployConfig, output: Console) -> None:
    source = Path(config.source).name
    output.print(
        comparison_table([(source, f"{label}, {engine}", of) for engine, of in found.summaries.items()])
    )
    for note in found.notes:
        output.print(note, highlight=False, markup=False)
    least = min(summary.success for summary in found.summaries.values())
    if least < config.level:
        output.print(
            f"[yellow]below the level of {100 * config.level:g} %[/]: look at the pictures, lower the "
            "errors (task.randomization.hole_estimate), or train for this part alone (assembly-rl-train)",
            highlight=False,
        )
    for path in sorted(found.folder.iterdir()):
        output.print(f"  {path}", markup=False)


def main() -> None:
    """Run the command."""
    command("deploy", _job)


if __name__ == "__main__":
    main()

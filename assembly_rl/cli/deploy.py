"""assembly-rl-deploy: try a trained controller on a part that it has never seen, and export it."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.markup import escape

from assembly_rl.accelerators.processes import INTERRUPTED
from assembly_rl.api.deploy import DeploymentOptions, default_folder, deploy_part
from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import DeployConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.controllers.validation import InputError
from assembly_rl.training.trainer import TrainingInterrupted


def _job(values: DictConfig) -> None:
    hydra = HydraConfig.get()
    if not any(text.lstrip("+").startswith("geometry") for text in hydra.overrides.task):
        raise InputError("no part: give one by name or file, such as geometry=L or geometry=bracket.dxf")
    config = checked(values, DeployConfig)
    folder = Path(config.output) if config.output else default_folder(config.geometry)
    options = DeploymentOptions(
        **{name: getattr(config, name) for name in DeploymentOptions.__dataclass_fields__}
    )
    output = console()
    try:
        written = deploy_part(config.geometry, config.task, folder, options, output)
    except TrainingInterrupted:
        output.print(f"[yellow]stopped[/]; the same command with output={escape(str(folder))} goes on")
        raise SystemExit(INTERRUPTED) from None
    for path in sorted(written.folder.iterdir()):
        output.print(f"  {path}", markup=False)


def main() -> None:
    """Run the command."""
    command("deploy", _job)


if __name__ == "__main__":
    main()

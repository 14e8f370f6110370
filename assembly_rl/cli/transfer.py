"""assembly-rl-transfer: transfer a learned controller to a new part."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.markup import escape

from assembly_rl.accelerators.processes import INTERRUPTED
from assembly_rl.cli.command import command, console
from assembly_rl.configuration.composition import checked
from assembly_rl.configuration.overrides import Argument
from assembly_rl.envs import make_environment
from assembly_rl.methods.transfer.workflow import (
    begin_transfer,
    choose_source,
    finish_transfer,
    honouring,
    student_task,
)
from assembly_rl.methods.transfer.workflow_config import TransferWorkflowConfig
from assembly_rl.runs import RunError, folder_name
from assembly_rl.training.trainer import TrainingInterrupted


def _job(values: DictConfig) -> None:
    output = console()
    if values.resume is not None:
        others = [text for text in HydraConfig.get().overrides.task if not text.startswith("resume=")]
        if others:
            raise RunError(f"a resumed transfer keeps its configuration: remove {' '.join(others)}")
        folder = Path(values.resume)
    else:
        config = checked(values, TransferWorkflowConfig)
        part = config.geometry.part()
        source = choose_source(config.source, part, config.task, output)
        keys = [Argument.read(text).key.split(".") for text in HydraConfig.get().overrides.task]
        given = {".".join(key[1:3]) for key in keys if key[0] == "task" and len(key) > 1}
        config = honouring(config, source, output, given)
        make_environment(part, student_task(config, source)).close()
        choices = HydraConfig.get().runtime.choices
        name = folder_name(config.geometry.name or choices["geometry"])
        label = "-".join((source.run.path.name, "to", choices["task"], name))
        chosen = Path(config.run_dir) if config.run_dir else None
        folder = begin_transfer(config, chosen, label, source, output)
    try:
        finish_transfer(folder, output)
    except TrainingInterrupted as stop:
        output.print(f"[yellow]stopped[/] at step {stop.step}; go on with resume={escape(str(folder))}")
        raise SystemExit(INTERRUPTED) from None


def main() -> None:
    """Run the command."""
    command("transfer", _job)


if __name__ == "__main__":
    main()

"""assembly-rl-train: train a controller to insert a part."""

from dataclasses import replace
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from assembly_rl.accelerators import distributed
from assembly_rl.accelerators.processes import INTERRUPTED
from assembly_rl.cli.command import command, console
from assembly_rl.configuration.composition import checked
from assembly_rl.runs import RunDirectory, RunError, unused
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.continuation import continued
from assembly_rl.training.create import create_run, planned, prepare
from assembly_rl.training.loading import read_config
from assembly_rl.training.trainer import TrainingInterrupted, train_run


def _job(values: DictConfig) -> float:
    output = console() if distributed.rank() == 0 else Console(quiet=True)
    resume = values.resume is not None
    try:
        run, config = _resumed(values) if resume else _created(values, output)
        output.print(f"{'resuming' if resume else 'training'} [bold]{run.path}[/]")
        summary = train_run(run, config, resume=resume, console=output)
        return float("nan") if summary is None else summary.success
    except TrainingInterrupted as stop:
        output.print(f"[yellow]stopped[/] at step {stop.step}; go on with resume={stop.run.path}")
        raise SystemExit(INTERRUPTED) from None
    finally:
        distributed.stop()


def _resumed(values: DictConfig) -> tuple[RunDirectory, TrainConfig]:
    given = HydraConfig.get().overrides.task
    others = [text for text in given if not text.startswith(("resume=", "device=", "steps="))]
    if others:
        raise RunError(
            f"a resumed run keeps its configuration, but for device and steps: remove {' '.join(others)}"
        )
    path = Path(values.resume)
    processes = 1 + len(list(path.glob("rank_*")))
    if path.is_dir() and processes != distributed.size():
        raise RunError(f"{path} is a run of {processes} process(es), not of {distributed.size()}")
    run = RunDirectory.open(_own(path))
    run.latest_checkpoint()  # an error before anything is started
    longer = any(text.startswith("steps=") for text in given)
    config = continued(run, read_config(run), values.steps if longer else None)
    if any(text.startswith("device=") for text in given):
        config = replace(config, device=values.device)
    distributed.start(config.device)
    return run, config


def _created(values: DictConfig, output: Console) -> tuple[RunDirectory, TrainConfig]:
    config = checked(values, TrainConfig)
    if distributed.size() > 1 and (config.plan is not None or not config.algo.off_policy):
        raise RunError("several processes learn without a plan, and with sac, td3 or ddpg")
    config, methods = prepare(config)
    if config.plan is not None:
        config, why = planned(config)
        output.print(f"plan: {why}", highlight=False)
    distributed.start(config.device)
    choices = HydraConfig.get().runtime.choices
    label = "-".join(choices[group] for group in ("task", "geometry", "algo"))
    path = Path(config.run_dir or unused(f"{label}-seed{config.seed}"))
    if distributed.rank() > 0:
        path = Path(distributed.broadcast(""))  # not before the first process has made its folder
    run = create_run(config, methods, _own(path))
    if distributed.rank() == 0:
        distributed.broadcast(str(path))
    return run, config


def _own(path: Path) -> Path:
    """Return the run directory of this process; the others lie in that of the first one."""
    return path / f"rank_{distributed.rank()}" if distributed.rank() else path


def main() -> None:
    """Run the command."""
    command("train", _job)


if __name__ == "__main__":
    main()

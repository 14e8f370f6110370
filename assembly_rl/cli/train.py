"""assembly-rl-train: train a controller to insert a part."""

from dataclasses import replace
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape

from assembly_rl.accelerators import distributed
from assembly_rl.accelerators.processes import INTERRUPTED
from assembly_rl.cli.command import command, console, typed_command, typed_files
from assembly_rl.configuration.composition import checked
from assembly_rl.runs import RunDirectory, RunError, first_unused, folder_name
from assembly_rl.runs.directory import FILE
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.continuation import continue_run
from assembly_rl.training.create import create_run, planned, prepare
from assembly_rl.training.loading import read_config
from assembly_rl.training.trainer import TrainingInterrupted, train_run

KEPT_OPEN = ("resume=", "device=", "steps=", "verbose=")


def _job(values: DictConfig) -> float:
    output = console() if distributed.rank() == 0 else Console(quiet=True)
    resume = values.resume is not None
    try:
        if not resume:
            run, config = _created(values, output)
        else:
            run = _opened(values)
        with run.claimed():
            if resume:
                config = _continued(run, values)
            output.print(
                f"{'resuming' if resume else 'training'}{' (quick=true: a trial)' if config.quick else ''} "
                f"[bold]{escape(str(run.path))}[/]"
            )
            summary = train_run(run, config, resume=resume, console=output)
        return float("nan") if summary is None else summary.success
    except TrainingInterrupted as stop:
        output.print(
            f"[yellow]stopped[/] at step {stop.step}; go on with resume={escape(str(stop.run.path))}"
        )
        raise SystemExit(INTERRUPTED) from None
    finally:
        distributed.stop()


def _opened(values: DictConfig) -> RunDirectory:
    others = [text for text in _given() if not text.startswith(KEPT_OPEN)]
    if others:
        raise RunError(
            "a resumed run keeps its configuration, but for device, steps and verbose: remove "
            f"{' '.join(others)}"
        )
    path = Path(values.resume)
    whole = RunDirectory.open(path)
    processes = whole.info.get("processes", 1 + len(list(path.glob("rank_*"))))
    if processes != distributed.size():
        raise RunError(f"{path} is a run of {processes} process(es), not of {distributed.size()}")
    if not (_own(path) / FILE).exists():
        raise RunError(
            f"{_own(path)} is missing, the run was stopped as it began: remove {path} and start again"
        )
    return RunDirectory.open(_own(path))


def _continued(run: RunDirectory, values: DictConfig) -> TrainConfig:
    longer = any(text.startswith("steps=") for text in _given())
    config = continue_run(run, read_config(run), values.steps if longer else None)
    if any(text.startswith("device=") for text in _given()):
        config = replace(config, device=values.device)
    config = replace(config, verbose=config.verbose or values.verbose)
    distributed.start(config.device)
    return config


def _given() -> list[str]:
    return list(HydraConfig.get().overrides.task)


def _created(values: DictConfig, output: Console) -> tuple[RunDirectory, TrainConfig]:
    config = checked(values, TrainConfig)
    if distributed.size() > 1 and (config.plan is not None or not config.algo.off_policy):
        raise RunError("several processes learn without a plan, and with sac, td3 or ddpg")
    config, methods = prepare(config)
    if config.plan is not None:
        config, why = planned(config)
        output.print(f"plan: {why}", highlight=False, markup=False)
    distributed.start(config.device)
    choices = HydraConfig.get().runtime.choices
    part = folder_name(config.geometry.name or choices["geometry"])
    label = "-".join((*(["quick"] if config.quick else []), choices["task"], part, choices["algo"]))

    def make(path: Path) -> RunDirectory:
        return create_run(config, methods, path, typed_command(), typed_files())

    if distributed.rank() > 0:
        path = Path(distributed.broadcast(""))  # not before the first process has made its folder
        return make(_own(path)), config
    given = config.run_dir
    run = make(Path(given)) if given else first_unused(f"{label}-seed{config.seed}", make)
    distributed.broadcast(str(run.path))
    return run, config


def _own(path: Path) -> Path:
    """Return the run directory of this process; the others lie in that of the first one."""
    return path / f"rank_{distributed.rank()}" if distributed.rank() else path


def main() -> None:
    """Run the command."""
    command("train", _job)


if __name__ == "__main__":
    main()

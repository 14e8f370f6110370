"""assembly-rl-train: teach a controller to insert a part."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import configure

from assembly_rl.accelerators import distributed
from assembly_rl.accelerators.device import resolve
from assembly_rl.cli.command import command, console
from assembly_rl.configuration.schema import TrainConfig, plain, train_config
from assembly_rl.controllers.insertion.action import ActionConfig, ActionKind
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, LearnedPolicy, Scenario, summarize
from assembly_rl.learners.actor import extract_actor
from assembly_rl.training.model import make_model
from assembly_rl.learners.config import OffPolicyConfig
from assembly_rl.methods.lcrl.builder import GraphBuilder, check
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.methods.pead.extension import Extension, stages_of
from assembly_rl.methods.transfer.carry import Kept, begin, carry_over, keep, kept, steady
from assembly_rl.methods.transfer.distillation import Coaching
from assembly_rl.methods.transfer.teacher import Teacher
from assembly_rl.planner.plan import choose_device, plan, profile_of
from assembly_rl.planner.prediction import Prediction, count, predict
from assembly_rl.reports.table import comparison_table
from assembly_rl.runs import (
    Checkpointer,
    RunDirectory,
    RunError,
    learn_until,
    load_checkpoint,
    load_policy,
    unused,
)
from assembly_rl.training.callbacks import EpisodeLog, ProgressBar, SpeedLog, Validation
from assembly_rl.training.environments import make_environments
from assembly_rl.training.results import draw_pictures, write_result

SEEDS_APART = 1000
"""Between the seeds of processes that learn together."""

STOPPED = 130
"""Exit code where a signal ended the training, as a shell's after Ctrl-C."""


def action_scales(action: ActionConfig) -> list[float] | None:
    """[N] and [Nm] or [m/s] and [rad/s] of the action components; None of factors on gains."""
    return {ActionKind.wrench: action.wrench, ActionKind.twist: action.twist}.get(action.kind)


def train(
    config: TrainConfig, run: RunDirectory, resume: bool, console: Console, processes: int | None = None
) -> float:
    """Learn, evaluate, draw.

    Args:
        config: Of the run.
        run: The run's directory, new, or with checkpoints to go on from.
        resume: Go on from the latest checkpoint.
        console: Where progress and results are shown.
        processes: Worker processes of the evaluations; by default one for each core.

    Returns:
        Success on the held-out episodes.

    Raises:
        SystemExit: A signal ended the training; what follows it in a script must not run.
    """
    torch.set_num_threads(1)  # small networks: threads cost more than they gain, and change the sums
    part = config.geometry.part()
    environments = make_environments(part, config.task, config.environments)
    try:
        spaces = environments.observation_space, environments.action_space
        device, why = choose_device(config.device, config.algo, *spaces, config.method)
        console.print(f"learning on {device} ({why})", highlight=False)
        # Before the model: counting and reading a source make one, too, which seeds what is random.
        expected = predict(
            profile_of(device.type),
            config.algo,
            count(config.algo, *spaces, config.method),
            config.environments,
        )
        source = kept(run) if config.transfer.run is not None else None
        model = make_model(
            config.algo,
            environments,
            config.seed + SEEDS_APART * distributed.rank(),
            str(device),
            config.method,
        )
        if source is not None:
            steady(model, config.transfer)
        step = load_checkpoint(model, _common_checkpoint(run)) if resume else 0
        model.set_logger(configure(str(run.path / "tensorboard"), ["tensorboard"]))
        scenario = Scenario(part, config.task)
        with Evaluator(processes) as evaluator, Checkpointer(run, config.checkpoint_every) as checkpointer:
            finished = _learn(
                config, run, model, source, expected, scenario, evaluator, checkpointer, step, console
            )
            if not finished:
                console.print(
                    f"[yellow]stopped[/] at step {model.num_timesteps}; go on with resume={run.path}"
                )
                raise SystemExit(STOPPED)
            if distributed.rank() > 0:
                return float("nan")
            load_policy(model.policy, run.best)
            agent = LearnedPolicy(extract_actor(model.policy))
            rows = evaluator.evaluate(scenario, agent, config.evaluation.held_out, HELD_OUT_SEED)
    finally:
        environments.close()
    summary = summarize(rows)
    write_result(run, rows, summary)
    console.print(comparison_table([(config.algo.name, "held-out episodes", summary)]))
    if config.pictures:
        for path in draw_pictures(run, scenario, agent, rows):
            console.print(f"  {path}")
    console.print(f"run: [bold]{run.path}[/]  (tensorboard --logdir {run.path})")
    return summary.success


def _common_checkpoint(run: RunDirectory) -> Path:
    """The latest that all processes have: one may have been killed before it had saved."""
    latest = run.latest_checkpoint()
    common = run.checkpoint(distributed.least(int(latest.name.removeprefix("step_"))))
    if distributed.any_of(not common.is_dir()):
        raise RunError(f"{run.path}: the processes have no checkpoint in common to go on from")
    return common


def _learn(
    config: TrainConfig,
    run: RunDirectory,
    model: BaseAlgorithm,
    source: Kept | None,
    expected: Prediction,
    scenario: Scenario,
    evaluator: Evaluator,
    checkpointer: Checkpointer,
    step: int,
    console: Console,
) -> bool:
    """Train to the last step; False where a signal ended it before."""
    bar = ProgressBar(config.steps, console)
    validation = Validation(
        run,
        scenario,
        evaluator,
        config.evaluation,
        config.steps,
        bar,
        since=config.graph_at,
        first=config.transfer.run is not None,
    )
    log = EpisodeLog(run, bar)
    for rows in (validation.rows, log.rows):
        rows.truncate_after(step)
    speed = SpeedLog(validation, expected)
    callbacks = [speed, checkpointer, log, bar]
    if isinstance(config.method, LCRLConfig):
        callbacks.insert(0, GraphBuilder(run, config.method, config.seed, bar))
    if isinstance(config.method, PEADConfig):
        stages = stages_of(config.method, action_scales(config.task.action), config.seed)
        extension = Extension(run, config.method, stages, config.seed, config.steps, bar)
        extension.rows.truncate_after(step)
        callbacks.insert(0, extension)
    if source is not None:
        if step == 0:
            begin(model, source, config)
        if config.transfer.weights != "none":
            weights, kept_at = np.array(source.content["weights"]), run.path / "weights.json"
            teacher = Teacher(source.policy)
            callbacks.insert(0, Coaching(teacher, weights, config.transfer, kept_at, config.seed))
    if distributed.rank() == 0:
        callbacks.insert(-1, validation)
    with bar:
        learn_until(model, config.steps, callbacks)
    if model.num_timesteps > step:
        console.print(f"  {speed.report()}", highlight=False)
    return not checkpointer.interrupted


def _job(values: DictConfig) -> float:
    output = console() if distributed.rank() == 0 else Console(quiet=True)
    resume = values.resume is not None
    try:
        run, config = _resumed(values) if resume else _created(values, output)
        output.print(f"{'resuming' if resume else 'training'} [bold]{run.path}[/]")
        return train(config, run, resume, output)
    finally:
        distributed.stop()


def _resumed(values: DictConfig) -> tuple[RunDirectory, TrainConfig]:
    given = HydraConfig.get().overrides.task
    others = [text for text in given if not text.startswith(("resume=", "device="))]
    if others:
        raise RunError(
            f"a resumed run keeps its configuration, but for the device: remove {' '.join(others)}"
        )
    path = Path(values.resume)
    processes = 1 + len(list(path.glob("rank_*")))
    if path.is_dir() and processes != distributed.size():
        raise RunError(f"{path} is a run of {processes} process(es), not of {distributed.size()}")
    run = RunDirectory.open(_own(path))
    run.latest_checkpoint()  # an error before anything is started
    config = train_config(run.config)
    if any(text.startswith("device=") for text in given):
        config = replace(config, device=values.device)
    distributed.start(config.device)
    return run, config


def _created(values: DictConfig, output: Console) -> tuple[RunDirectory, TrainConfig]:
    config = train_config(values)
    carried: dict[str, Any] = {}
    if config.transfer.run is not None:
        config, carried = carry_over(config)
    part = config.geometry.part()
    if distributed.size() > 1 and (config.plan is not None or not isinstance(config.algo, OffPolicyConfig)):
        raise ValueError("several processes learn without a plan, and with sac, td3 or ddpg")
    if config.device != "auto":
        resolve(config.device)
    environment = PegInHoleEnv(part, config.task)  # bad values are told before the run exists
    environment.close()
    if isinstance(config.method, LCRLConfig):
        check(config.method, config.algo, environment.observation_names)
    if isinstance(config.method, PEADConfig):
        stages_of(config.method, action_scales(config.task.action), config.seed)
    if config.plan is not None:
        config, why = plan(config)
        output.print(f"plan: {why}", highlight=False)
    distributed.start(config.device)
    choices = HydraConfig.get().runtime.choices
    label = "-".join(choices[group] for group in ("task", "geometry", "algo"))
    path = Path(config.run_dir or unused(f"{label}-seed{config.seed}"))
    if distributed.rank() > 0:
        path = Path(distributed.told(""))  # not before the first process has made its folder
    run = RunDirectory.create(_own(path), plain(config), sys.argv, config.seed)
    if carried:
        keep(run, carried)
    if distributed.rank() == 0:
        distributed.told(str(path))
    return run, config


def _own(path: Path) -> Path:
    """The run directory of this process; that of the first one holds all others."""
    return path / f"rank_{distributed.rank()}" if distributed.rank() else path


def main() -> None:
    """Entry point."""
    command("train", _job)


if __name__ == "__main__":
    main()

"""assembly-rl-train: teach a controller to insert a part."""

import sys
from dataclasses import replace
from pathlib import Path

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import configure

from assembly_rl.algorithms import extract_actor, make_model
from assembly_rl.cli import command, console
from assembly_rl.config import TrainConfig, plain, train_config
from assembly_rl.devices.learner import Learner
from assembly_rl.devices.planner import count, predict
from assembly_rl.devices.resolve import resolve
from assembly_rl.profiles import profile_of
from assembly_rl.environments import make_environments
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, LearnedAgent, Scenario, summarize
from assembly_rl.reports.table import comparison_table
from assembly_rl.results import draw_pictures, write_result
from assembly_rl.runs import (
    Checkpointer,
    RunDirectory,
    RunError,
    learn_until,
    load_checkpoint,
    load_policy,
)
from assembly_rl.training import EpisodeLog, ProgressBar, SpeedLog, Validation

STOPPED = 130
"""Exit code where a signal ended the training, as a shell's after Ctrl-C."""


def default_run_dir(config: TrainConfig, label: str) -> Path:
    """A folder under runs/ that is not there yet."""
    name = f"{label}-seed{config.seed}"
    candidates = [Path("runs", name), *(Path("runs", f"{name}-{number}") for number in range(2, 1000))]
    return next(path for path in candidates if not path.exists())


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
    device = resolve(config.device)
    part = config.geometry.part()
    environments = make_environments(part, config.task, config.environments)
    try:
        model = make_model(config.algo, environments, config.seed, str(device))
        step = load_checkpoint(model, run.latest_checkpoint()) if resume else 0
        model.set_logger(configure(str(run.path / "tensorboard"), ["tensorboard"]))
        scenario = Scenario(part, config.task)
        with Evaluator(processes) as evaluator, Checkpointer(run, config.checkpoint_every) as checkpointer:
            finished = _learn(config, run, model, scenario, evaluator, checkpointer, step, console)
            if not finished:
                console.print(
                    f"[yellow]stopped[/] at step {model.num_timesteps}; go on with resume={run.path}"
                )
                raise SystemExit(STOPPED)
            load_policy(model.policy, run.best)
            agent = LearnedAgent(extract_actor(model.policy))
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


def _learn(
    config: TrainConfig,
    run: RunDirectory,
    model: BaseAlgorithm,
    scenario: Scenario,
    evaluator: Evaluator,
    checkpointer: Checkpointer,
    step: int,
    console: Console,
) -> bool:
    """Train to the last step; False where a signal ended it before."""
    bar = ProgressBar(config.steps, console)
    validation = Validation(run, scenario, evaluator, config.evaluation, config.steps, bar)
    log = EpisodeLog(run, bar)
    for rows in (validation.rows, log.rows):
        rows.truncate_after(step)
    callbacks = [checkpointer, log, validation, bar]
    speed = None
    if isinstance(model, Learner):
        work = count(config.algo, model.observation_space, model.action_space)
        expected = predict(profile_of(model.device), config.algo, work, config.environments)
        speed = SpeedLog(validation, expected, work.flops)
        callbacks.append(speed)
    with bar:
        learn_until(model, config.steps, callbacks)
    if speed is not None and model.num_timesteps > step:
        console.print(f"  {speed.report()}")
    return not checkpointer.interrupted


def _job(values: DictConfig) -> float:
    output = console()
    if values.resume is not None:
        given = HydraConfig.get().overrides.task
        others = [text for text in given if not text.startswith(("resume=", "device="))]
        if others:
            raise RunError(f"a resumed run keeps its configuration, but for the device: remove {' '.join(others)}")
        run = RunDirectory.open(values.resume)
        run.latest_checkpoint()  # an error before anything is started
        config = train_config(run.config)
        if any(text.startswith("device=") for text in given):
            config = replace(config, device=values.device)
        resume = True
    else:
        config = train_config(values)
        config.geometry.part()
        resolve(config.device)
        choices = HydraConfig.get().runtime.choices
        label = "-".join(choices[group] for group in ("task", "geometry", "algo"))
        PegInHoleEnv(config.geometry.part(), config.task).close()  # bad values are told before the run exists
        path = config.run_dir or default_run_dir(config, label)
        run = RunDirectory.create(path, plain(config), sys.argv, config.seed)
        resume = False
    output.print(f"{'resuming' if resume else 'training'} [bold]{run.path}[/]")
    return train(config, run, resume, output)


def main() -> None:
    """Entry point."""
    command("train", _job)


if __name__ == "__main__":
    main()

"""Fine-tuning of a controller of many parts for one of them."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.learners.config import OffPolicyConfig
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.methods.transfer.source import Source
from assembly_rl.runs import RunDirectory
from assembly_rl.training.config import EvaluationConfig, TrainConfig
from assembly_rl.training.create import create_run, prepare
from assembly_rl.training.loading import read_config
from assembly_rl.training.trainer import train_run

VALIDATIONS = 4
"""Validations of a fine-tuning besides the one of the initial policy."""
RATE, FURTHER_RATE = 0.2, 0.6
"""Factors on the learning rate of the source, in the conditions of its training and beyond them."""
ANNEALED = 3
"""Time in which the weight of the distillation falls to 0, in steps of the fine-tuning; 1 beyond them."""


def fine_tuning_config(
    source: Source,
    geometry: GeometryConfig,
    task: TaskConfig,
    steps: int,
    seed: int = 0,
    *,
    beyond: bool = False,
) -> TrainConfig:
    """Return the configuration of a fine-tuning: the training of the source goes on, on one part.

    For a tenth of the steps the actor only imitates the source while the critics learn the new part; then a
    decreasing weight keeps it near the source, and the learning rate is a fifth of the source's: with all of
    it, and without that weight, insertions got fewer. In conditions beyond the source's there is more to
    learn, and less to lose: the rate is three times as high, and the weight falls to 0. Of the initial
    policy and those of the validations the best one is kept.

    Args:
        source: Source that learned several parts.
        geometry: Part.
        task: Conditions, with law, admittance, action and path in which the source acts there.
        steps: Policy steps.
        seed: Seed of all random generators.
        beyond: The conditions are beyond those in which the source learned.

    Raises:
        ValueError: The source learned one part; for that there is ``assembly-rl-transfer``.
    """
    own = source.config
    if not source.several_parts:
        raise InputError(f"{source.run.path} learned one part: assembly-rl-transfer goes on from there")
    algo = own.algo
    if isinstance(algo, OffPolicyConfig):
        rate = FURTHER_RATE if beyond else RATE
        buffer_size = min(algo.buffer_size, max(steps, algo.batch_size))
        algo = replace(algo, buffer_size=buffer_size, learning_rate=rate * algo.learning_rate)
    return TrainConfig(
        geometry=geometry,
        task=task,
        algo=algo,
        method=source.student_method(),
        transfer=TransferConfig(
            run=str(source.run.path),
            etcl=False,
            reconfigured=True,
            weights="uniform",
            replay=False,
            gradient_steps=1,
            actor_rate=1.0,
            averaged_over=max(1, steps // 10),
            warm_up=steps // 10,
            anneal=steps if beyond else ANNEALED * steps,
        ),
        seed=seed,
        steps=steps,
        environments=own.environments,
        evaluation=EvaluationConfig(every=max(1, steps // VALIDATIONS), episodes=200, held_out=100),
        checkpoint_every=max(1, steps // 2),
        pictures=False,
    )


def fine_tune(
    config: TrainConfig, folder: Path, console: Console, processes: int | None = None
) -> RunDirectory:
    """Run a fine-tuning in a new folder, or go on with the one that is there.

    Args:
        config: Configuration from ``fine_tuning_config``.
        folder: Folder of the run.
        console: Console for progress and results.
        processes: Number of worker processes of the evaluations; by default one per core.

    Raises:
        TrainingInterrupted: A signal ended the training; the same call goes on.
    """
    resume = (folder / "run.json").is_file()
    run = RunDirectory.open(folder) if resume else create_run(*prepare(config), folder)
    train_run(run, read_config(run), resume=resume, console=console, processes=processes)
    return run

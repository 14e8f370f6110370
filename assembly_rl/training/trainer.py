"""Training of a run, from its start or from its latest checkpoint."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from rich.console import Console
from rich.markup import escape
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import configure

from assembly_rl.accelerators import distributed
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, Scenario, Summary, summarize
from assembly_rl.learners.actor import require_readable
from assembly_rl.learners.environments import make_environments
from assembly_rl.planner.plan import choose_device
from assembly_rl.reports.table import comparison_table
from assembly_rl.runs import (
    Checkpointer,
    RunDirectory,
    learn_until,
    load_policy,
    resume_run,
)
from assembly_rl.runs.files import FULL, writing
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.episode_log import EpisodeLog
from assembly_rl.training.loop import TrainingLoop
from assembly_rl.training.method import Method, TrainingContext
from assembly_rl.training.model import make_model
from assembly_rl.training.progress import TrainingProgress
from assembly_rl.training.results import draw_pictures, finished, write_result
from assembly_rl.training.speed import SpeedLog
from assembly_rl.training.validation import Validation, evaluate, policy_of

QUICK_RESULT = (
    "quick=true: a trial with few steps and episodes, to see that everything works; for a controller that "
    "inserts, train without it"
)
"""Remark on the result of a short run."""
SEED_STEP = 1000
"""Difference between the seeds of processes that learn together."""


class TrainingInterrupted(KeyboardInterrupt):
    """Interruption of a training by a signal, after a checkpoint from which it can be resumed.

    Attributes:
        run: Run that was interrupted.
        step: Policy steps done.
    """

    def __init__(self, run: RunDirectory, step: int) -> None:
        super().__init__(f"stopped at step {step}; go on with resume={run.path}")
        self.run, self.step = run, step


def train_run(
    run: RunDirectory,
    config: TrainConfig,
    *,
    resume: bool = False,
    console: Console | None = None,
    processes: int | None = None,
) -> Summary | None:
    """Train a run to its last step, evaluate its best policy on held-out episodes, and draw pictures.

    The run is locked until the end of the call. A run that is resumed after its end is not changed: its
    result is shown again.

    Args:
        run: Directory of the run.
        config: Configuration of the run.
        resume: True to resume from the latest checkpoint, or from step 0 if there is none yet.
        console: Console for progress and results; by default nothing is shown.
        processes: Number of worker processes of the evaluations; by default one per core.

    Returns:
        Held-out result; None in all but the first process of a distributed training.

    Raises:
        TrainingInterrupted: A signal ended the training.
        RunError: The checkpoint does not fit, files are damaged or cannot be written, or another process is
            writing the run.
        DeviceError: The device cannot be used.
    """
    with run.claimed(), writing(run.path, FULL):  # the latter for what others write, such as TensorBoard
        output = console or Console(quiet=True)
        if resume and distributed.size() == 1 and (known := finished(run, config.pictures)) is not None:
            output.print(
                f"this training has ended after its {config.steps:,} steps; it goes on with more: "
                f"resume={run.path} steps={2 * config.steps}",
                highlight=False,
                markup=False,
            )
            output.print(comparison_table([(config.algo.name, "held-out episodes", known)]))
            return known
        return _train(run, config, resume, output, processes)


def _train(
    run: RunDirectory, config: TrainConfig, resume: bool, output: Console, processes: int | None
) -> Summary | None:
    torch.set_num_threads(1)  # small networks: threads cost more than they gain, and change the sums
    parts = config.training_parts()
    scenario = Scenario(parts[0], config.task)
    make = partial(make_model, method=config.method)
    device, why = choose_device(config.device, parts[0], config.task, config.algo, make)
    if config.verbose or config.device != "cpu":
        output.print(f"learning on {device} ({why})", highlight=False, markup=False)
    methods = config.methods()
    # In training the exploration of the algorithm takes the place of the dither.
    exploring = replace(config.task, action=replace(config.task.action, dither=[0.0] * 6))
    learner = config.algo
    environments = make_environments(
        parts, exploring, config.environments, learner.sees_privileged, learner.steps_in_processes
    )
    try:
        model = make(config.algo, environments, config.seed + SEED_STEP * distributed.rank(), str(device))
        require_readable(model.policy)
        initialisation, _ = methods
        initialisation.build(model)
        step = resume_run(run, model, partial(output.print, markup=False)) if resume else None
        model.set_logger(configure(str(run.path / "tensorboard"), ["tensorboard"]))
        with Evaluator(processes) as evaluator:
            _learn(config, run, model, methods, step, evaluator, output)
            if distributed.rank() > 0:
                return None
            load_policy(model.policy, run.best)
            policy = policy_of(model)
            held_out = config.held_out_parts()
            count = config.evaluation.held_out
            rows = evaluate(evaluator, held_out, config.task, policy, count, HELD_OUT_SEED)
    finally:
        environments.close()
    summary = summarize(rows)
    write_result(run.path, rows, summary)
    output.print(comparison_table([(config.algo.name, "held-out episodes", summary)]))
    if config.quick:
        output.print(QUICK_RESULT, highlight=False, markup=False)
    if config.pictures:
        for path in draw_pictures(run, scenario, policy, rows):
            output.print(f"  {path}", markup=False)
    output.print(f"run: [bold]{escape(str(run.path))}[/]  (tensorboard --logdir {escape(str(run.path))})")
    return summary


def _learn(
    config: TrainConfig,
    run: RunDirectory,
    model: BaseAlgorithm,
    methods: Sequence[Method],
    step: int | None,
    evaluator: Evaluator,
    console: Console,
) -> None:
    """Run the phases of a training up to its last step.

    Args:
        config: Configuration of the run.
        run: Directory of the run.
        model: New model, or one that has been restored.
        methods: Methods of the training.
        step: Step of the restored checkpoint; None for a new training.
        evaluator: Worker processes of the validations.
        console: Console for progress.
    """
    progress = TrainingProgress(config.steps, console)
    first_kept = _first_kept_step(methods, config)
    validation = Validation(
        run,
        config.validation_parts(),
        config.task,
        evaluator,
        config.evaluation,
        config.steps,
        progress,
        first_kept,
    )
    episodes = EpisodeLog(run, progress)
    context = TrainingContext(run, config, model, _observation_names(model), progress.show)
    phases = [method.phases(context) for method in methods]
    speed = SpeedLog(config.algo.updates_per_step())
    with Checkpointer(run, config.checkpoint_every) as checkpointer, progress:
        loop = TrainingLoop(
            phases, checkpointer, episodes, validation if distributed.rank() == 0 else None, speed, progress
        )
        for own in phases:
            if step is None:
                own.begin()
            else:
                own.after_load()
        learn_until(model, config.steps, [loop])
    if model.num_timesteps > (step or 0):
        console.print(speed.report(model, loop.validation_time, config.verbose), highlight=False)
    if checkpointer.interrupted:
        raise TrainingInterrupted(run, model.num_timesteps)


def _first_kept_step(methods: Sequence[Method], config: TrainConfig) -> int:
    """Return the step after which policies may be kept; a transferred initial policy may be kept, too."""
    steps = [method.first_kept_step(config) for method in methods]
    return -1 if min(steps) < 0 else max(steps)


def _observation_names(model: BaseAlgorithm) -> tuple[str, ...]:
    assert model.env is not None
    (names,) = model.env.env_method("get_wrapper_attr", "observation_names", indices=[0])
    return tuple(names)

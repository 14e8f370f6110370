"""Environments, and evaluation of policies in them."""

from dataclasses import dataclass, replace

from assembly_rl.api.policy import Policy
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig, make_environment
from assembly_rl.envs.library import Part, Task, make_part, make_task
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, Scenario, Summary, summarize
from assembly_rl.evaluation.candidates import as_trained, require_as_trained
from assembly_rl.evaluation.episodes import Row
from assembly_rl.training.config import TrainConfig


@dataclass
class Evaluation:
    """Result of an evaluation.

    Attributes:
        rows: One row for each episode; see ``evaluation.episodes.run_episode``.
        summary: Success with its interval, time, forces.
    """

    rows: list[Row]
    summary: Summary

    @property
    def success(self) -> float:
        """Share of successful episodes."""
        return self.summary.success


def make_env(
    config: TrainConfig | None = None,
    *,
    part: Part | None = None,
    task: Task | None = None,
    render_mode: str | None = None,
) -> PegInHoleEnv:
    """Make the environment of a training, or one for a part and a task.

    Args:
        config: Configuration whose part and task are taken, such as that of a policy.
        part: Other part; see ``make_config``.
        task: Other task; see ``make_config``.
        render_mode: Render mode of ``PegInHoleEnv``.

    A task that is given by its name sets the chamfer, too, as ``task=hard`` does on the command line, and so
    does a configuration; a part that is given as an object, or by a file or a mapping with a chamfer, keeps
    its own.

    Raises:
        ValueError: Configuration, part or task cannot be used.
    """
    if config is None:
        return make_environment(part, task, render_mode)
    if not isinstance(config, TrainConfig):
        raise InputError(f"config must be a TrainConfig, such as policy.config, got {config!r:.80}")
    return make_environment(*_conditions(config, part, task), render_mode)


def evaluate(
    policy: Policy,
    part: Part | None = None,
    task: Task | None = None,
    *,
    episodes: int = 200,
    seed: int = HELD_OUT_SEED,
    processes: int | None = None,
) -> Evaluation:
    """Evaluate a policy on episodes that it was not trained on.

    The policy keeps the law, action, observation and rates that it was trained with. A task that is given by
    its name sets the chamfer, too; see ``make_env``.

    Args:
        policy: Policy.
        part: Part; by default the one that it was trained on.
        task: Conditions; by default those that it was trained in.
        episodes: Number of episodes.
        seed: Seed of the first episode.
        processes: Worker processes; by default one for each core.

    Raises:
        ValueError: The task asks for another law, action, observation or rate than the policy's.
    """
    own = policy.config
    shape, conditions = _conditions(own, part, task)
    require_as_trained(own.task, conditions)
    scenario = Scenario(shape, as_trained(own.task, conditions))
    with Evaluator(processes) as evaluator:
        rows = evaluator.evaluate(scenario, policy.actor, episodes, seed)
    return Evaluation(rows, summarize(rows))


def _conditions(config: TrainConfig, part: Part | None, task: Task | None) -> tuple[PegHole, TaskConfig]:
    """Return part and task of a configuration, or those that are given instead."""
    own_task, preset = make_task(config.task if task is None else task)
    preset = {"chamfer": config.geometry.chamfer} | preset
    own_part = replace(config.geometry.part(), **preset) if part is None else make_part(part, preset)
    return own_part, own_task

"""Environments, and evaluation of policies in them."""

from dataclasses import dataclass, replace

from assembly_rl.api.configuration import Part, Task, geometry_config, make_config, task_config
from assembly_rl.api.policy import Policy
from assembly_rl.configuration.library import load_part
from assembly_rl.envs import PegHole, PegInHoleEnv, make_environment
from assembly_rl.envs.geometry.files import is_part_file
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

    A task that is given by its name sets the chamfer, too, as ``task=hard`` does on the command line; a part
    that is given as an object or a file keeps its own.
    """
    named = make_config(task=task) if isinstance(task, str) else None
    base = config or named or make_config()
    own_task = base.task if task is None else task_config(task)
    chamfer = (named or base).geometry.chamfer
    own_part = replace(base.geometry.part(), chamfer=chamfer) if part is None else _part(part, chamfer)
    return make_environment(own_part, own_task, render_mode)


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
    conditions = own.task if task is None else task_config(task)
    require_as_trained(own.task, conditions)
    chamfer = make_config(task=task).geometry.chamfer if isinstance(task, str) else own.geometry.chamfer
    shape = replace(own.geometry.part(), chamfer=chamfer) if part is None else _part(part, chamfer)
    scenario = Scenario(shape, as_trained(own.task, conditions))
    with Evaluator(processes) as evaluator:
        rows = evaluator.evaluate(scenario, policy.actor, episodes, seed)
    return Evaluation(rows, summarize(rows))


def _part(part: Part, chamfer: float) -> PegHole:
    """Return a part; one that is given by its name takes the chamfer."""
    if isinstance(part, PegHole):
        return part
    if isinstance(part, str) and not is_part_file(part):
        return replace(load_part(part), chamfer=chamfer)
    return geometry_config(part).part()

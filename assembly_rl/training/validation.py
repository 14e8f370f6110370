"""Validation during a training, and selection of the best policy."""

import time
from collections.abc import Sequence
from contextlib import nullcontext

from stable_baselines3.common.base_class import BaseAlgorithm

from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.evaluation import (
    VALIDATION_SEED,
    Evaluator,
    LearnedPolicy,
    Policy,
    Scenario,
    Summary,
    best_validation,
    summarize,
    worst_tenth,
)
from assembly_rl.evaluation.episodes import Row
from assembly_rl.learners.actor import ActorWeights, extract_actor
from assembly_rl.learners.off_policy import Learner
from assembly_rl.runs import RowLog, RunDirectory, RunError, read_rows, save_policy
from assembly_rl.runs.checkpoint import read_policy
from assembly_rl.training.config import EvaluationConfig
from assembly_rl.training.progress import TrainingProgress

COLUMNS = (
    "episodes", "success", "low", "high", "time", "peak_force", "force_p95", "peak_moment", "reward",
    "certificates_failed",
)  # fmt: skip


class Validation:
    """Periodic evaluation of the policy on fixed episodes, which keeps the best one.

    Args:
        run: Directory of the run, for rows and policy.
        parts: Part, or parts among which the episodes are divided equally.
        task: Task.
        evaluator: Worker processes that run the episodes.
        config: Number of episodes, and steps between validations.
        steps: Policy steps of the training.
        progress: Display of the results.
        first_kept: Step after which a policy can be kept; below 0 the initial policy is validated, too.

    Attributes:
        seconds: Time spent so far [s].
    """

    def __init__(
        self,
        run: RunDirectory,
        parts: Sequence[PegHole],
        task: TaskConfig,
        evaluator: Evaluator,
        config: EvaluationConfig,
        steps: int,
        progress: TrainingProgress,
        first_kept: int = 0,
    ) -> None:
        self._columns = COLUMNS if len(parts) == 1 else (*COLUMNS, "worst_tenth")
        self.rows = RowLog(run.evaluations, self._columns, progress.show)
        self.seconds = 0.0
        self._run, self._parts, self._task, self._evaluator = run, list(parts), task, evaluator
        self._config, self._steps, self._progress, self._first_kept = config, steps, progress, first_kept

    def begin(self, model: BaseAlgorithm) -> None:
        """Prepare for a new or resumed training."""
        self._plan_next(model.num_timesteps)
        rows = read_rows(self.rows.path, ("step", *self._columns))
        self._candidates = [row for row in rows if row["step"] > self._first_kept]
        if self._candidates:
            self._require_best()
        if self._first_kept < 0 and not rows and model.num_timesteps == 0:
            self._validate(model)

    def _require_best(self) -> None:
        """Check that the policy that is the best so far can be read, before the training goes on."""
        try:
            read_policy(self._run.best)
        except RunError as error:
            raise RunError(
                f"{error}; put it back from a copy, or remove {self._run.checkpoints}/step_* to begin again "
                "at step 0"
            ) from error

    def after_step(self, model: BaseAlgorithm) -> None:
        """Validate if due."""
        if model.num_timesteps >= self._next:
            self._validate(model)
            self._plan_next(model.num_timesteps)

    def _plan_next(self, done: int) -> None:
        """Plan the next validation: every ``every`` steps and at the last step, but not after it."""
        following = (done // self._config.every + 1) * self._config.every
        self._next = min(following, self._steps) if done < self._steps else float("inf")

    def _validate(self, model: BaseAlgorithm) -> None:
        begin = time.perf_counter()
        # Averaged weights, if any, are validated and kept.
        with model.averaged() if isinstance(model, Learner) else nullcontext():
            self._evaluate(model)
        self.seconds += time.perf_counter() - begin

    def _evaluate(self, model: BaseAlgorithm) -> None:
        policy, step = policy_of(model), model.num_timesteps
        rows = evaluate(
            self._evaluator, self._parts, self._task, policy, self._config.episodes, VALIDATION_SEED
        )
        summary = summarize(rows)
        low, high = summary.interval
        known = {"low": low, "high": high} | vars(summary)
        if len(self._parts) > 1:
            known["worst_tenth"] = worst_tenth(rows)
        self.rows.append(step, {name: known[name] for name in self._columns})
        for name in ("success", "time", "peak_force", "reward"):
            model.logger.record(f"validation/{name}", known[name])
        if step > self._first_kept:
            self._candidates.append(known)
            if best_validation(self._candidates) is known:
                save_policy(model.policy, self._run.best)
        self._progress.show(_in_words(step, summary, known.get("worst_tenth")))


def policy_of(model: BaseAlgorithm) -> LearnedPolicy:
    """Copy the policy of a model, averaged over the symmetries if its learner does so."""
    names = model.symmetrized_names if isinstance(model, Learner) else None
    if names is None:
        return LearnedPolicy(extract_actor(model.policy))
    state = {name: tensor.cpu() for name, tensor in model.policy.state_dict().items()}
    return LearnedPolicy(ActorWeights.from_state(state).symmetrized(names).network())


def _in_words(step: int, summary: Summary, worst_tenth: float | None) -> str:
    low, high = summary.interval
    text = (
        f"  after {step:>6,} steps: {100 * summary.success:3.0f} % inserted "
        f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    )
    if worst_tenth is not None:
        text += f", {100 * worst_tenth:.0f} % on the worst tenth of the parts"
    if summary.success:
        text += f", in {summary.time:.1f} s"
    return f"{text}, at most {summary.peak_force:.0f} N"


def evaluate(
    evaluator: Evaluator,
    parts: Sequence[PegHole],
    task: TaskConfig,
    policy: Policy,
    episodes: int,
    first_seed: int,
) -> list[Row]:
    """Run episodes on one part, or as many on each of several parts, and return their rows.

    Args:
        evaluator: Worker processes.
        parts: Parts.
        task: Task.
        policy: Policy.
        episodes: Number of episodes of all parts together, a multiple of their number.
        first_seed: Seed of the first episode.
    """
    if len(parts) == 1:
        return evaluator.evaluate(Scenario(parts[0], task), policy, episodes, first_seed)
    return evaluator.evaluate_parts(parts, task, policy, episodes // len(parts), first_seed)

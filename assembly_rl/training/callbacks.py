"""Callbacks of a training: the log of its episodes, validation, and the progress bar."""

import time
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any

import torch
from rich.console import Console
from stable_baselines3.common.callbacks import BaseCallback

from assembly_rl.configuration.schema import EvaluationConfig
from assembly_rl.evaluation import (
    VALIDATION_SEED,
    Evaluator,
    LearnedAgent,
    Scenario,
    best_validation,
    summarize,
)
from assembly_rl.learners import extract_actor
from assembly_rl.learners.off_policy import Learner
from assembly_rl.planner.prediction import Prediction
from assembly_rl.reports.progress import progress_bar
from assembly_rl.runs import RowLog, RunDirectory, save_policy

EPISODE_COLUMNS = ("environment", "success", "result", "reward", "length", "time")
EVALUATION_COLUMNS = (
    "episodes", "success", "low", "high", "time", "peak_force", "force_p95", "peak_moment", "reward",
    "certificates_failed",
)  # fmt: skip
WINDOW = 100
"""Training episodes in the success rate that is shown."""
SPEED_EVERY = 500
"""Policy steps between records of the speed in TensorBoard."""
SHARES = ("environment", "learner", "copies", "validation")


class ProgressBar(BaseCallback):
    """Steps, time left and success of the latest training episodes."""

    def __init__(self, steps: int, console: Console) -> None:
        super().__init__()
        self._progress = progress_bar(console, transient=False)
        self._task = self._progress.add_task("training", total=steps)
        self._latest: deque[bool] = deque(maxlen=WINDOW)

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def episode(self, success: bool) -> None:
        """Count a training episode."""
        self._latest.append(success)

    def show(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(text)

    def _on_step(self) -> bool:
        rate = f" {sum(self._latest) / len(self._latest):4.0%}" if self._latest else ""
        self._progress.update(self._task, completed=self.num_timesteps, description=f"training{rate}")
        return True


class EpisodeLog(BaseCallback):
    """A row for each training episode, and the sums of its reward terms in TensorBoard."""

    def __init__(self, run: RunDirectory, bar: ProgressBar) -> None:
        super().__init__()
        self.rows = RowLog(run.episodes, EPISODE_COLUMNS)
        self._bar = bar

    def _on_step(self) -> bool:
        for index, info in enumerate(self.locals["infos"]):
            for term, value in info["reward_terms"].items():
                self.logger.record_mean(f"reward/{term}", value)
            if "result" in info:
                self._bar.episode(info["is_success"])
                self.logger.record_mean("rollout/depth", info["depth"])
                self.rows.append(self.num_timesteps, self._row(index, info))
        return True

    def _row(self, index: int, info: dict[str, Any]) -> dict[str, Any]:
        return {
            "environment": index,
            "success": int(info["is_success"]),
            "result": info["result"],
            "reward": info["episode"]["r"],
            "length": info["episode"]["l"],
            "time": info["time"],
        }


class Validation(BaseCallback):
    """Evaluates the policy every so many steps on the same episodes and keeps the best one.

    The best is that of ``assembly_rl.evaluation.best_validation``.

    Args:
        run: Where rows and policy go.
        scenario: Part and task.
        evaluator: Runs the episodes.
        config: How many of them, and how often.
        steps: Of the training.
        bar: Shows the results.
        since: Up to this step no policy is kept.
        first: Evaluate what the training starts from, too.
    """

    def __init__(
        self,
        run: RunDirectory,
        scenario: Scenario,
        evaluator: Evaluator,
        config: EvaluationConfig,
        steps: int,
        bar: ProgressBar,
        since: int = 0,
        first: bool = False,
    ) -> None:
        super().__init__()
        self.rows = RowLog(run.evaluations, EVALUATION_COLUMNS)
        self._run = run
        self._scenario = scenario
        self._evaluator = evaluator
        self._config = config
        self._steps = steps
        self._bar = bar
        self._since, self._first = (-1, True) if first else (since, False)
        self.seconds = 0.0

    def _on_training_start(self) -> None:
        self._plan_next()
        self._candidates = [row for row in self.rows if row["step"] > self._since]
        if self._first and self.model.num_timesteps == 0:
            self._validate()

    def _plan_next(self) -> None:
        """Every so many steps, at the last step, and never after it."""
        done = self.model.num_timesteps
        following = (done // self._config.every + 1) * self._config.every
        self._next = min(following, self._steps) if done < self._steps else float("inf")

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._next:
            self._validate()
            self._plan_next()
        return True

    def _validate(self) -> None:
        begin = time.perf_counter()
        with self._as_kept():
            self._evaluate()
        self.seconds += time.perf_counter() - begin

    def _as_kept(self) -> AbstractContextManager[None]:
        """With the weights that are validated and kept: averaged ones, where there are any."""
        return self.model.averaged() if isinstance(self.model, Learner) else nullcontext()

    def _evaluate(self) -> None:
        agent = LearnedAgent(extract_actor(self.model.policy))
        rows = self._evaluator.evaluate(self._scenario, agent, self._config.episodes, VALIDATION_SEED)
        summary = summarize(rows)
        low, high = summary.interval
        known = {"low": low, "high": high} | vars(summary)
        self.rows.append(self.num_timesteps, {name: known[name] for name in EVALUATION_COLUMNS})
        for name in ("success", "time", "peak_force", "reward"):
            self.logger.record(f"validation/{name}", known[name])
        if self.num_timesteps > self._since:
            self._candidates.append(known)
            if best_validation(self._candidates) is known:
                save_policy(self.model.policy, self._run.best)
        self._bar.show(
            f"  step {self.num_timesteps:>7}: validation {summary.success:4.0%} "
            f"({low:.0%} to {high:.0%})  {summary.time:.1f} s  {summary.peak_force:.0f} N"
        )


class SpeedLog(BaseCallback):
    """Where the time of a training goes, and how well its device is used, beside what was predicted.

    It has to be the first of the callbacks: what the learner takes is the time between the end of a rollout
    and the start of the next.

    Args:
        validation: Whose time is told apart.
        expected: Prediction for this training.
    """

    def __init__(self, validation: Validation, expected: Prediction) -> None:
        super().__init__()
        self._validation, self._expected = validation, expected
        self._learning, self._learned = 0.0, 0  # seconds, and the policy steps that they are of
        self._ended = self._updates = 0.0

    def _on_training_start(self) -> None:
        self._begin, self._first = time.perf_counter(), self.model.num_timesteps
        self._started = self._first

    def _on_rollout_end(self) -> None:
        self._ended, self._updates = time.perf_counter(), self.model._n_updates

    def _on_rollout_start(self) -> None:
        if self._ended and self.model._n_updates > self._updates:
            self._learning += time.perf_counter() - self._ended
            self._learned += self.num_timesteps - self._started
            if self.num_timesteps // SPEED_EVERY > self._started // SPEED_EVERY:
                for name, value in self._measured().items():
                    self.logger.record(f"speed/{name}", value)
        self._started = self.num_timesteps

    def _on_training_end(self) -> None:
        self._on_rollout_start()

    def _on_step(self) -> bool:
        return True

    def _measured(self) -> dict[str, float]:
        whole = time.perf_counter() - self._begin
        copying = getattr(self.model, "copying", 0.0)
        validation = self._validation.seconds
        rate = self._learned * self._expected.updates / self._learning if self._learning else 0.0
        return {
            "steps": (self.num_timesteps - self._first) / whole,
            "environment": (whole - self._learning - validation) / whole,
            "learner": (self._learning - copying) / whole,
            "copies": copying / whole,
            "validation": validation / whole,
            "updates": rate,
            "mfu": rate * self._expected.flops / self._expected.profile.peak,
        }

    def report(self) -> str:
        """A few words on the whole training."""
        measured, expected = self._measured(), self._expected
        shares = ", ".join(f"{name} {measured[name]:.0%}" for name in SHARES)
        text = (
            f"{measured['steps']:.0f} steps/s: {shares}; {measured['updates']:.0f} updates/s (predicted "
            f"{1.0 / expected.update:.0f}), MFU {measured['mfu']:.1%} (predicted {expected.utilisation:.1%})"
        )
        if self.model.device.type != "cpu":
            used = torch.get_device_module(self.model.device).max_memory_allocated()
            text += f"; {used / 1e6:.0f} MB on {self.model.device} (predicted {expected.memory / 1e6:.0f})"
        return text

"""Speed of a training, and the shares of its time."""

import time
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger

EVERY = 500
"""Policy steps between records in TensorBoard."""
SHARES = ("environment", "learner", "copies", "method", "validation")


class SpeedLog:
    """Measurement of the shares of a training's time.

    The learner's time lasts from the end of a rollout to the start of the next one; the time of a method
    between rollouts, such as for an estimate, is counted separately.

    Args:
        updates_per_step: Gradient steps per policy step.
    """

    def __init__(self, updates_per_step: float) -> None:
        self._updates_per_step = updates_per_step
        self._learning, self._learned = 0.0, 0  # time [s], and policy steps in it
        self._ended, self._updates = 0.0, 0
        self._method = 0.0

    def begin(self, model: BaseAlgorithm) -> None:
        """Start the clock."""
        self._begin, self._first = time.perf_counter(), model.num_timesteps
        self._started, self._before = self._first, model._n_updates

    def rollout_ended(self, model: BaseAlgorithm) -> None:
        """Record the start of the learner's time."""
        self._ended, self._updates = time.perf_counter(), model._n_updates

    def learning_ended(self, model: BaseAlgorithm, logger: Logger, validation: float) -> None:
        """Record the end of the learner's time.

        Args:
            model: Model that learns.
            logger: Logger of the model.
            validation: Time spent in validations so far [s].
        """
        step = model.num_timesteps
        if self._ended and model._n_updates > self._updates:
            self._learning += time.perf_counter() - self._ended
            self._learned += step - self._started
            if step // EVERY > self._started // EVERY:
                for name, value in self.measured(model, validation).items():
                    logger.record(f"speed/{name}", value)
        self._started = step
        self._method_began = time.perf_counter()

    def method_ended(self) -> None:
        """Record the end of the methods' time before a rollout."""
        self._method += time.perf_counter() - self._method_began

    def measured(self, model: Any, validation: float) -> dict[str, float]:
        """Return steps per second, shares of the time, and updates per second of the learner's time.

        The environments' share of a training with overlapped updates is the time spent waiting for them.
        """
        whole = time.perf_counter() - self._begin
        copies = float(getattr(model, "copying", 0.0))
        learning, learned = self._learning, float(self._learned)
        if getattr(model, "overlapped", False):  # its updates are a part of the rollouts
            learning, learned = model.learning, (model._n_updates - self._before) / self._updates_per_step
        rate = learned * self._updates_per_step / learning if learning else 0.0
        return {
            "steps": (model.num_timesteps - self._first) / whole,
            "environment": (whole - learning - self._method - validation) / whole,
            "learner": (learning - copies) / whole,
            "copies": copies / whole,
            "method": self._method / whole,
            "validation": validation / whole,
            "updates": rate,
        }

    def report(self, model: BaseAlgorithm, validation: float, verbose: bool = True) -> str:
        """Return a summary of the whole training in words.

        Args:
            model: Model that learned.
            validation: Time spent in validations [s].
            verbose: True to tell the shares of the time.
        """
        measured = self.measured(model, validation)
        if not verbose:
            minutes, seconds = divmod(round(time.perf_counter() - self._begin), 60)
            return f"trained in {minutes} min {seconds} s, {measured['steps']:.0f} steps a second"
        shares = ", ".join(f"{name} {measured[name]:.0%}" for name in SHARES)
        text = f"{measured['steps']:.0f} steps/s: {shares}; {measured['updates']:.0f} updates/s"
        if model.device.type != "cpu":
            used = torch.get_device_module(model.device).max_memory_allocated()
            text += f"; {used / 1e6:.0f} MB on {model.device}"
        return text

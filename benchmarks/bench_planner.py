"""Times that the planner predicts against those of real trainings: ``make bench-planner``.

Updates are timed on the default task, in sizes that the calibration has not seen. Then the choice of the
number of environments is checked; the candidates run in turns.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import spearmanr
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.learners.config import ALGORITHMS, AlgorithmConfig, PPOConfig
from assembly_rl.learners.environments import make_environments
from assembly_rl.planner.calibration import cpu_profile
from assembly_rl.planner.prediction import choose, count, predict, predictions
from assembly_rl.training.model import make_model

PART, TASK = PegHole(), TaskConfig()
NETWORKS = ([32, 32], [64, 64], [128, 128], [256, 256], [400, 300], [64, 64, 64])
BATCHES = (64, 256, 1024)
ENVIRONMENTS = (1, 2, 4)
ROUNDS, STEPS = 5, 256
CHOICES = (("sac", [64, 64]), ("sac", [256, 256]), ("td3", [64, 64]), ("ppo", [64, 64]))


class Clock(BaseCallback):
    """Timer of the updates between rollouts."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._ended = 0.0

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._ended = time.perf_counter()

    def _on_rollout_start(self) -> None:
        if self._ended:
            self.seconds.append(time.perf_counter() - self._ended)

    def _on_training_end(self) -> None:
        self._on_rollout_start()


def configuration(name: str, network: list[int], batch: int) -> AlgorithmConfig:
    """Configure an algorithm that learns from the first steps on."""
    if name == "ppo":
        return PPOConfig(network=network, batch_size=batch, rollout=max(256, batch), epochs=2)
    return ALGORITHMS.get(name)(network=network, batch_size=batch, learning_starts=20)  # type: ignore[call-arg]


@contextmanager
def training(algo: AlgorithmConfig, environments: int) -> Iterator[Any]:
    """Provide a model that has begun to learn."""
    venv = make_environments(PART, TASK, environments)
    try:
        model = make_model(algo, venv, seed=0)
        model.set_logger(Logger(None, []))
        model.learn(40 * environments)
        yield model
    finally:
        venv.close()


def update_times() -> Iterator[tuple[str, float, float]]:
    """Yield configuration, predicted and measured time of an update [s]."""
    environment = make_environments(PART, TASK, 1)
    spaces = environment.observation_space, environment.action_space
    environment.close()
    grid = [
        (name, network, batch) for name in ALGORITHMS.names() for network in NETWORKS for batch in BATCHES
    ]
    for name, network, batch in track(grid, "updates", transient=True):
        algo = configuration(name, network, batch)
        predicted = predict(cpu_profile(), algo, count(algo, *spaces), 1)
        clock = Clock()
        with training(algo, 1) as model:
            model.learn(200, clock, reset_num_timesteps=False)
        measured = float(np.median(clock.seconds))
        if isinstance(algo, PPOConfig):
            measured /= algo.epochs * algo.rollout / batch
        yield f"{name} {'-'.join(map(str, network))} batch {batch}", predicted.update, measured


def speeds(algo: AlgorithmConfig) -> dict[int, float]:
    """Time of a policy step with each number of environments, measured in turns [s]."""
    taken: dict[int, list[float]] = {number: [] for number in ENVIRONMENTS}
    with ExitStack() as stack:
        models = {number: stack.enter_context(training(algo, number)) for number in ENVIRONMENTS}
        for _ in range(ROUNDS):
            for number, model in models.items():
                before, start = model.num_timesteps, time.perf_counter()
                model.learn(STEPS, reset_num_timesteps=False)
                taken[number].append((time.perf_counter() - start) / (model.num_timesteps - before))
    return {number: float(np.median(values)) for number, values in taken.items()}


def main() -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    console = Console(width=110)
    cpu_profile(renew=True)
    table = Table("configuration", "predicted [ms]", "measured [ms]", "error")
    rows = list(update_times())
    for name, predicted, measured in rows:
        error = f"{predicted / measured - 1.0:+.0%}"
        table.add_row(name, f"{1e3 * predicted:.2f}", f"{1e3 * measured:.2f}", error)
    console.print(table)
    expected, found = np.array([row[1:] for row in rows]).T
    error = np.median(np.abs(expected / found - 1.0))
    console.print(f"median error {error:.1%}, rank correlation {spearmanr(expected, found).statistic:.3f}")

    table = Table("algorithm", "environments", "predicted steps/s", "measured steps/s", "")
    for name, network in CHOICES:
        algo = configuration(name, network, 256)
        planned = list(predictions(PART, TASK, [algo], ENVIRONMENTS, [cpu_profile()]))
        taken = speeds(algo)
        chosen = choose(planned)
        for row in planned:
            seconds = taken[row.environments]
            note = f"chosen, {min(taken.values()) / seconds:.0%} of the best" if row is chosen else ""
            label = f"{name} {'-'.join(map(str, network))}" if row is planned[0] else ""
            table.add_row(label, str(row.environments), f"{1.0 / row.step:.0f}", f"{1.0 / seconds:.0f}", note)
    console.print(table)


if __name__ == "__main__":
    main()

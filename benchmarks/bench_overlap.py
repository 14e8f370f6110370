"""Policy steps a second of a training whose environments step while it updates, beside the serial loop.

    python benchmarks/bench_overlap.py [bullet|mujoco]

Both train on the same parts with as many updates a policy step, in turns within one run; quoted are medians
of the rounds. The serial loop steps one environment in the learner's own process.
"""

import statistics
import sys
import time
from contextlib import closing
from dataclasses import replace
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from stable_baselines3.common.logger import Logger

from assembly_rl.envs.library import make_task
from assembly_rl.learners.config import SACConfig
from assembly_rl.learners.environments import make_environments
from assembly_rl.training.model import make_model
from assembly_rl.training.parts import PartsConfig

ROUNDS, STEPS, BEGIN = 5, 400, 300
CASES = (("one update a step", 1, 1), ("one update for four steps", 4, 4))
"""Name, environments in processes, and steps for an update."""


class Training:
    """A training that goes on for some steps at a time.

    Args:
        engine: Physics engine.
        environments: Number of environments, each in its own process; 0 for one in this process.
        update_every: Policy steps for one update.
    """

    def __init__(self, engine: str, environments: int, update_every: int) -> None:
        task, _ = make_task("broad")
        task = replace(task, physics=replace(task.physics, engine=engine))
        parts = PartsConfig(count=8).training_parts()
        overlapped = environments > 0
        self.venv = make_environments(parts, task, max(1, environments), True, overlapped)
        config = SACConfig(
            network=[128, 128], learning_starts=BEGIN, asymmetric=True, symmetric=True, overlapped=overlapped,
            update_every=update_every if overlapped else 1,
        )  # fmt: skip
        self.model: Any = make_model(config, self.venv, 0)
        self.model.set_logger(Logger(None, []))
        if not overlapped and update_every > 1:
            serial: Any = self.model
            serial.train_freq = serial.train_freq._replace(frequency=update_every)
            serial.gradient_steps = 1
        self.model.learn(BEGIN + 100)

    def steps_per_second(self) -> float:
        """Train on, and return the policy steps a second."""
        begin, before = time.perf_counter(), self.model.num_timesteps
        self.model.learn(STEPS, reset_num_timesteps=False)
        return float(self.model.num_timesteps - before) / (time.perf_counter() - begin)


def main() -> None:
    """Measure both engines or one, and print the table."""
    torch.set_num_threads(1)
    engines = sys.argv[1:] or ["bullet", "mujoco"]
    table = Table("engine", "updates", "serial [steps/s]", "overlapped [steps/s]", "ratio")
    for engine in engines:
        for name, environments, every in CASES:
            serial, overlapped = Training(engine, 0, every), Training(engine, environments, every)
            with closing(serial.venv), closing(overlapped.venv):
                pairs = [(serial.steps_per_second(), overlapped.steps_per_second()) for _ in range(ROUNDS)]
            one, other = (statistics.median(of) for of in zip(*pairs, strict=True))
            ratio = statistics.median(b / a for a, b in pairs)
            table.add_row(engine, name, f"{one:.0f}", f"{other:.0f}", f"{ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()

"""Processor time of a policy step, measured."""

from time import process_time

import numpy as np

from assembly_rl.envs import PegHole, TaskConfig, make_environment

STEPS = 50
"""Number of policy steps of a measurement."""


def policy_step_cost(part: PegHole, task: TaskConfig) -> float:
    """Measure the processor time of a policy step [s] in contact: random actions that push down.

    Args:
        part: Part.
        task: Task, with engine and physics rate.

    Raises:
        ValueError: The engine cannot simulate the task.
        ImportError: The engine is not installed.
    """
    environment, rng = make_environment(part, task), np.random.default_rng(0)
    try:
        environment.reset(seed=0)
        begin = process_time()
        for _ in range(STEPS):
            action = rng.uniform(-1.0, 1.0, 6).astype(np.float32)
            action[2] = -abs(action[2])
            _, _, terminated, truncated, _ = environment.step(action)
            if terminated or truncated:
                environment.reset()
        return (process_time() - begin) / STEPS
    finally:
        environment.close()

"""Environments for a learner: with a monitor, and several of them in parallel."""

import functools
from typing import Any

from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

from assembly_rl.accelerators.processes import START_METHOD, shielded
from assembly_rl.envs import PegHole, TaskConfig, make_environment


def make_monitored(part: PegHole, task: TaskConfig) -> Monitor[Any, Any]:
    """Make one environment with the monitor that a learner needs."""
    return Monitor(make_environment(part, task))


def make_environments(part: PegHole, task: TaskConfig, count: int) -> VecEnv:
    """Create one environment in this process, or several, each in its own process."""
    make = functools.partial(make_monitored, part, task)
    if count == 1:
        return DummyVecEnv([make])
    return SubprocVecEnv([shielded(make)] * count, start_method=START_METHOD)

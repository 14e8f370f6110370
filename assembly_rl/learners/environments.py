"""Environments for a learner: with a monitor, and several of them in parallel."""

import functools
from typing import Any

from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

from assembly_rl.accelerators.processes import START_METHOD, shielded
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig


def make_environment(part: PegHole, task: TaskConfig) -> Monitor[Any, Any]:
    """Create one environment with the monitor that a learner needs."""
    return Monitor(PegInHoleEnv(part, task))


def make_environments(part: PegHole, task: TaskConfig, count: int) -> VecEnv:
    """Create one environment in this process, or several, each in its own process."""
    make = functools.partial(make_environment, part, task)
    if count == 1:
        return DummyVecEnv([make])
    return SubprocVecEnv([shielded(make)] * count, start_method=START_METHOD)

"""The environments that a learner steps."""

import functools
from typing import Any

from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.evaluation import START_METHOD
from assembly_rl.runs import shielded


def make_environment(part: PegHole, task: TaskConfig) -> Monitor[Any, Any]:
    """One environment as the learner sees it."""
    return Monitor(PegInHoleEnv(part, task))


def make_environments(part: PegHole, task: TaskConfig, count: int) -> VecEnv:
    """One environment in this process, or several, each in its own."""
    make = functools.partial(make_environment, part, task)
    if count == 1:
        return DummyVecEnv([make])
    return SubprocVecEnv([shielded(make)] * count, start_method=START_METHOD)

"""Environments for a learner: with a monitor, and several of them in parallel."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from assembly_rl.accelerators.processes import START_METHOD, shielded
from assembly_rl.envs import MultiPartEnv, PegHole, TaskConfig, make_environment
from assembly_rl.envs.privileged import PrivilegedObservation


def make_monitored(parts: Sequence[PegHole], task: TaskConfig, privileged: bool = False) -> Monitor[Any, Any]:
    """Make one environment with the monitor that a learner needs; see ``make_environments``."""
    environment: gymnasium.Env[Any, Any]
    environment = make_environment(parts[0], task) if len(parts) == 1 else MultiPartEnv(parts, task)
    return Monitor(PrivilegedObservation(environment) if privileged else environment)


def make_environments(
    parts: PegHole | Sequence[PegHole],
    task: TaskConfig,
    count: int,
    privileged: bool = False,
    in_processes: bool = False,
) -> VecEnv:
    """Create one environment in this process, or several, each in its own process.

    Args:
        parts: Part, or parts of which one is drawn at each reset.
        task: Task.
        count: Number of environments.
        privileged: Append what only the simulator knows to the observation; see ``PrivilegedObservation``.
        in_processes: Give a single environment a process of its own, too.
    """
    parts = [parts] if isinstance(parts, PegHole) else list(parts)
    make = functools.partial(make_monitored, parts, task, privileged)
    if count == 1 and not in_processes:
        return DummyVecEnv([make])
    return SubprocVecEnv([shielded(make)] * count, start_method=START_METHOD)


class Overlapped(VecEnvWrapper):
    """Environments of which a step runs while this process does something else.

    Args:
        venv: Environments in processes of their own.
        meanwhile: Function that is called between the start and the end of a step.
    """

    def __init__(self, venv: VecEnv, meanwhile: Callable[[], object]) -> None:
        super().__init__(venv)
        self._meanwhile = meanwhile

    def reset(self) -> VecEnvObs:
        """Reset the environments."""
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        """Call the function, then wait for the end of the step."""
        self._meanwhile()
        return self.venv.step_wait()

"""Trained policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import make_environment
from assembly_rl.evaluation import LearnedPolicy
from assembly_rl.learners.plain import plain_model
from assembly_rl.runs import RunDirectory
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.loading import load_actor, load_policy, read_config


@dataclass
class Policy:
    """Trained policy, ready to act.

    Attributes:
        name: Name of its run.
        actor: Network and clip.
        config: Configuration that it was trained with.
    """

    name: str
    actor: LearnedPolicy
    config: TrainConfig

    def act(
        self, observation: NDArray[np.float32], info: Mapping[str, Any] | None = None
    ) -> NDArray[np.float32]:
        """Return the deterministic action.

        Args:
            observation: (n,) observation of an environment with the policy's task; see ``make_env``.
            info: Info that came with it; not used.

        Returns:
            (6,) action in [-1, 1].

        Raises:
            ValueError: The observation has another shape.
        """
        values = np.asarray(observation, dtype=np.float32)
        inputs = self.actor.actor.layers[0][0].shape[1]
        if values.shape != (inputs,):
            raise InputError(
                f"the policy {self.name} observes {inputs} components, got shape {values.shape}: make the "
                "environment with arl.make_env(policy.config)"
            )
        return self.actor.act(values, info)


def load(run: RunDirectory | str | Path) -> Policy:
    """Load the best policy of a run; files are read, nothing is simulated, no random generator is touched.

    Args:
        run: Folder of the run.

    Raises:
        RunError: The path is no run, it has no policy yet, or a file is damaged.
    """
    directory = run if isinstance(run, RunDirectory) else RunDirectory.open(run)
    return Policy(directory.path.name, load_policy(directory), read_config(directory))


def load_model(run: RunDirectory | str | Path) -> BaseAlgorithm:
    """Load the best policy of a run as a model of stable-baselines3, on the CPU.

    ``model.predict(observation, deterministic=True)`` gives the action of ``load(run).act(observation)``, but
    for rounding (1e-6). ``model.get_env()`` is the environment of the policy. The model is to act, to be
    evaluated, and to be saved: its critics, or its value function, are new ones. ``Run.continue_`` trains on.

    Args:
        run: Folder of the run.

    Returns:
        ``stable_baselines3.SAC``, ``TD3``, ``DDPG`` or ``PPO``.

    Raises:
        RunError: The path is no run, it has no policy yet, or a file is damaged.
    """
    directory = run if isinstance(run, RunDirectory) else RunDirectory.open(run)
    actor, config = load_actor(directory), read_config(directory)
    environment = make_environment(config.geometry.part(), config.task)
    return plain_model(actor, environment, config.algo.name)

"""Recent transitions of a training, in order."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from assembly_rl.methods.cs3.estimate import Transitions
from assembly_rl.runs.checks import refuse, require_names
from assembly_rl.runs.files import read_tensors, write_tensors

NAMES = ("states", "actions", "following", "ages", "steps")
"""Names of the arrays in the file."""
LATEST = 10_000
"""Largest number of transitions that an estimate uses, the newest ones."""


class RecentTransitions:
    """Latest transitions of a model, from its replay buffer or from the rollouts of PPO.

    Args:
        model: Model that is being trained.
        path: File of the rollouts, which a resumed training reads.
    """

    def __init__(self, model: BaseAlgorithm, path: Path) -> None:
        self._model: Any = model
        self._path = path
        self._rollouts: dict[str, NDArray[Any]] = {}
        if isinstance(model, OnPolicyAlgorithm) and path.is_file():
            found = read_tensors(path)
            require_names(str(path), found, NAMES)
            for name, tensor in found.items():
                width = {"actions": model.action_space.shape, "ages": (), "steps": ()}
                shape = (len(found["ages"]), *(width.get(name, model.observation_space.shape) or ()))
                if tuple(tensor.shape) != shape:
                    raise refuse(f"{path}: {name}", f"of shape {shape}", tuple(tensor.shape))
            kept = {name: tensor.numpy() for name, tensor in found.items()}
            known = kept["steps"] <= model.num_timesteps
            self._rollouts = {name: values[known] for name, values in kept.items()}

    def add_rollout(self) -> None:
        """Store the latest rollout of PPO; with a replay buffer do nothing."""
        if not isinstance(self._model, OnPolicyAlgorithm):
            return
        model: Any = self._model
        buffer = model.rollout_buffer
        following = np.concatenate([buffer.observations[1:], np.asarray(model._last_obs)[None]])
        ended = np.concatenate([buffer.episode_starts[1:], model._last_episode_starts[None]]) > 0.0
        goes_on = (~ended).T.ravel()  # a state after the end is the first of another episode
        in_order = [
            np.concatenate(part.swapaxes(0, 1))[goes_on]
            for part in (buffer.observations, np.clip(buffer.actions, -1.0, 1.0), following)
        ]
        new = dict(zip(("states", "actions", "following"), in_order, strict=True))
        new["ages"] = _ages(ended)[goes_on]
        new["steps"] = np.full(goes_on.sum(), model.num_timesteps)
        self._rollouts = {
            name: np.concatenate([self._rollouts[name], values])[-LATEST:] if self._rollouts else values
            for name, values in new.items()
        }
        write_tensors(self._path, {name: torch.from_numpy(of) for name, of in self._rollouts.items()})

    def transitions(self) -> Transitions:
        """Return the newest transitions."""
        if isinstance(self._model, OnPolicyAlgorithm):
            states, actions, following, ages = (
                self._rollouts[name] for name in ("states", "actions", "following", "ages")
            )
            return Transitions(states, actions, following - states, ages)
        buffer = self._model.replay_buffer
        return of_buffer(buffer, max(1, LATEST // buffer.n_envs))


def of_buffer(buffer: Any, count: int) -> Transitions:
    """Return transitions of a replay buffer, environment by environment.

    Args:
        buffer: Replay buffer of stable-baselines3.
        count: Number of rows; the newest ones are returned.
    """
    rows = (np.arange(buffer.size()) + (buffer.pos if buffer.full else 0)) % buffer.buffer_size
    rows = rows[max(0, len(rows) - count) :]
    states, actions, following = (
        np.concatenate(part[rows].swapaxes(0, 1))
        for part in (buffer.observations, buffer.actions, buffer.next_observations)
    )
    return Transitions(states, actions, following - states, _ages(buffer.dones[rows] > 0.0))


def _ages(ended: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the steps since the start of the episode or the first row, environment by environment.

    Args:
        ended: (rows, environments), True where the episode ended with the step.
    """
    rows = np.arange(len(ended))[:, None]
    first = np.where(np.roll(ended, 1, axis=0) | (rows == 0), rows, 0)
    return (rows - np.maximum.accumulate(first, axis=0)).T.ravel().astype(np.int64)

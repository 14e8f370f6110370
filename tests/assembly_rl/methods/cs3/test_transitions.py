"""Transitions come in order, whatever the buffer did with them."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv

from assembly_rl.learners.config import PPOConfig, TD3Config
from assembly_rl.methods.cs3.transitions import RecentTransitions
from assembly_rl.training.model import make_model

torch.set_num_threads(1)


class Counter(gymnasium.Env):
    """The state: number of the episode, step in it. Episodes are 5 steps long."""

    observation_space = Box(-1e3, 1e3, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)
    episode = 0.0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.episode += 1.0
        self._step = 0.0
        return np.array([self.episode, 0.0], np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._step += 1.0
        return np.array([self.episode, self._step], np.float32), 0.0, self._step >= 5, False, {}


class Recorder(BaseCallback):
    """Adds the rollouts, as a training with a graph does."""

    def __init__(self, visited: RecentTransitions) -> None:
        super().__init__()
        self._visited = visited

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._visited.add_rollout()


@pytest.mark.parametrize("environments", [1, 2])
@pytest.mark.parametrize("steps", [33, 130])
def test_of_a_replay_buffer(environments: int, steps: int, tmp_path: Path) -> None:
    config = TD3Config(learning_starts=1000, buffer_size=60, network=[4])
    model = make_model(config, DummyVecEnv([Counter] * environments), seed=0)
    model.learn(steps)
    found = RecentTransitions(model, tmp_path / "visited.safetensors").transitions()
    rounded = steps + steps % environments
    assert len(found.states) == min(60, rounded)
    np.testing.assert_array_equal(found.changes, np.tile([0.0, 1.0], (len(found.states), 1)))
    oldest = found.states[0]
    same = found.states[:, 0] > oldest[0]  # of the first episode some steps may be gone
    np.testing.assert_array_equal(found.ages[same], found.states[same, 1])
    order = found.states[:, 0] * 5 + found.states[:, 1]
    assert (np.diff(order) == 1).sum() == len(order) - environments


def test_of_rollouts_also_after_a_break(tmp_path: Path) -> None:
    config = PPOConfig(rollout=12, batch_size=12, epochs=1, network=[4])
    model = make_model(config, DummyVecEnv([Counter] * 2), seed=0)
    visited = RecentTransitions(model, tmp_path / "visited.safetensors")
    model.learn(72, Recorder(visited))
    found = visited.transitions()
    np.testing.assert_array_equal(found.changes, np.tile([0.0, 1.0], (len(found.states), 1)))
    assert (found.states[:, 1] < 4.0).all()  # what follows the last step is not known
    assert len(found.states) == pytest.approx(72 * 0.8, abs=4)
    assert np.abs(found.actions).max() <= 1.0
    known = RecentTransitions(model, tmp_path / "visited.safetensors").transitions()
    np.testing.assert_array_equal(known.states, found.states)
    model.num_timesteps = 48  # as resumed from an earlier checkpoint
    assert len(RecentTransitions(model, tmp_path / "visited.safetensors").transitions().states) < len(
        found.states
    )

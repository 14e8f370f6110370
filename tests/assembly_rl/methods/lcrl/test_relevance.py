"""On a task whose needs are known, an agent that has learned it tells them."""

from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box
from stable_baselines3.common.vec_env import DummyVecEnv

from assembly_rl.learners.config import TD3Config
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.lcrl.relevance import relevance
from assembly_rl.methods.lcrl.thresholds import cumulative
from assembly_rl.training.model import make_model

torch.set_num_threads(1)


class Follow(gymnasium.Env):
    """Each action has to be one of five state components; they are drawn anew at each step."""

    observation_space = Box(-1.0, 1.0, (5,), np.float32)
    action_space = Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._state = self.np_random.uniform(-1.0, 1.0, 5).astype(np.float32)
        return self._state, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        reward = -float(np.square(action - self._state[[3, 1]]).sum())
        return self.reset()[0], reward, True, False, {}


def test_what_an_action_needs_to_see_is_found() -> None:
    config = TD3Config(learning_starts=300, batch_size=64, network=[32, 32])
    model = make_model(config, DummyVecEnv([Follow]), seed=0, method=LCRLConfig(head=[16, 16]))
    model.learn(2000)
    states = np.random.default_rng(0).uniform(-1.0, 1.0, (1000, 5)).astype(np.float32)
    values = relevance(model, states, seed=0)
    edges, _ = cumulative(values, 0.9)
    expected = np.zeros((5, 2), dtype=bool)
    expected[3, 0] = expected[1, 1] = True
    np.testing.assert_array_equal(edges, expected, err_msg=str(values.mean(0).round(3)))

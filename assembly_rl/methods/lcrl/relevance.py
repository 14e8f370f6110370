"""Relevance of a state component for an action component: the loss of value without its information.

The values of a state component are shuffled among recorded states; the policy chooses one action component
from the shuffled state, the others from the true one. The relevance is the decrease of the critic's value, in
standard deviations of the value: permutation importance (L. Breiman, "Random forests", 2001) of the policy's
inputs under Q.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm

Array = NDArray[np.float32]

SAMPLES = 512
SHUFFLES = 5


@torch.no_grad()
def relevance(model: BaseAlgorithm, states: Array, seed: int) -> NDArray[np.float64]:
    """Estimate the relevance of each state component for each action component.

    Args:
        model: Model of SAC, TD3 or DDPG with trained policy and critics.
        states: (rows, states) recorded states.
        seed: Seed of the samples and shuffles.

    Returns:
        (shuffles, states, actions) estimates from different samples; noise can make them negative.
    """
    policy: Any = model.policy
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(SHUFFLES):
        rows = rng.choice(len(states), size=min(SAMPLES, len(states)), replace=False)
        batch = torch.from_numpy(states[rows]).to(model.device)
        actions = policy._predict(batch, deterministic=True)
        value = _value(policy, batch, actions)
        spread = value.std().clamp(min=1e-9)
        lost = torch.zeros(batch.shape[1], actions.shape[1], dtype=torch.float64)
        for component in range(batch.shape[1]):
            shuffled = batch.clone()
            shuffled[:, component] = batch[torch.from_numpy(rng.permutation(len(batch))), component]
            others = policy._predict(shuffled, deterministic=True)
            for action in range(actions.shape[1]):
                mixed = actions.clone()
                mixed[:, action] = others[:, action]
                lost[component, action] = ((value - _value(policy, batch, mixed)).mean() / spread).item()
        found.append(lost.numpy())
    return np.array(found)


def _value(policy: Any, states: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
    return torch.stack(policy.critic(states, actions)).amin(0)[:, 0]

"""The deterministic actor of a trained policy, without torch."""

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.policies import BasePolicy
from torch import nn

from assembly_rl.controllers.mlp import MLP
from assembly_rl.learners.layers import actor_layers

ACTIVATIONS: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Identity: "identity"}


def extract_actor(policy: BasePolicy) -> MLP:
    """Copy the function that a policy computes when it acts deterministically, before the clip to [-1, 1].

    Args:
        policy: Policy of DDPG, TD3, SAC or PPO, with linear layers and known activations.

    Raises:
        TypeError: The policy is of another class, or has a layer that an ``MLP`` cannot be.
    """
    actor = actor_layers(policy)
    modules = [*actor.body, actor.mean, nn.Tanh() if actor.squashed else nn.Identity()]
    layers = []
    for module, following in zip(modules, [*modules[1:], nn.Identity()], strict=True):
        if isinstance(module, nn.Linear):
            activation = nn.Identity if isinstance(following, nn.Linear) else type(following)
            if activation not in ACTIVATIONS:
                raise TypeError(f"no activation is known for {activation.__name__}")
            layers.append((_array(module.weight), _array(module.bias), ACTIVATIONS[activation]))
        elif type(module) not in ACTIVATIONS:
            raise TypeError(f"no layer is known for {type(module).__name__}")
    return MLP(layers)


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy().copy()

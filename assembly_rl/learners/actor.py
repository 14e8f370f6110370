"""The deterministic actor of a trained policy, without torch."""

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

from assembly_rl.controllers.mlp import MLP

ACTIVATIONS: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Identity: "identity"}


def extract_actor(policy: BasePolicy) -> MLP:
    """A copy of what a policy computes when it acts deterministically, before the clip to [-1, 1].

    Args:
        policy: Of DDPG, TD3, SAC or PPO, with linear layers and known activations.

    Raises:
        TypeError: Another policy, or a layer that an ``MLP`` cannot be.
    """
    if isinstance(policy, TD3Policy):
        modules = list(policy.actor.mu)
    elif isinstance(policy, SACPolicy):
        modules = [*policy.actor.latent_pi, policy.actor.mu, nn.Tanh()]
    elif isinstance(policy, ActorCriticPolicy):
        modules = [*policy.mlp_extractor.policy_net, policy.action_net]
    else:
        raise TypeError(f"no actor is known for {type(policy).__name__}")
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

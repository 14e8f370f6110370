"""What a policy that is to be learned from would do."""

import copy
from typing import Any

from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor, nn


class Teacher(nn.Module):
    """A copy of what a policy does: whatever masks and ties it was learned with, it is a function.

    Args:
        policy: Of DDPG, TD3, SAC or PPO.

    Raises:
        TypeError: Another policy.
    """

    def __init__(self, policy: BasePolicy) -> None:
        super().__init__()
        own: Any = policy
        log_std: Any = None
        if isinstance(policy, TD3Policy):
            *hidden, mean, _ = own.actor.mu
        elif isinstance(policy, SACPolicy):
            hidden, mean, log_std = list(own.actor.latent_pi), own.actor.mu, own.actor.log_std
        elif isinstance(policy, ActorCriticPolicy):
            hidden, mean, log_std = list(own.mlp_extractor.policy_net), own.action_net, own.log_std
        else:
            raise TypeError(f"{type(policy).__name__} is no policy to learn from")
        self.hidden, self.mean = copy.deepcopy(nn.Sequential(*hidden)), copy.deepcopy(mean)
        self.log_std = copy.deepcopy(log_std)
        self.requires_grad_(False)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor | None]:
        """Means and logarithms of standard deviations (rows, actions), before tanh where there is one."""
        hidden = self.hidden(observations)
        mean = self.mean(hidden)
        if isinstance(self.log_std, nn.Module):
            return mean, self.log_std(hidden).clamp(-20.0, 2.0)
        return mean, None if self.log_std is None else self.log_std.expand_as(mean)

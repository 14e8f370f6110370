"""What a policy that is to be learned from would do."""

from typing import Any

from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor, nn


class Teacher(nn.Module):
    """A trained policy, for its actions alone: whatever masks and ties it was learned with, it is a function.

    Args:
        policy: Of DDPG, TD3, SAC or PPO.

    Raises:
        TypeError: Another policy.
    """

    def __init__(self, policy: BasePolicy) -> None:
        super().__init__()
        own: Any = policy
        self.log_std: nn.Module | None = None
        self._spread: Tensor | None = None
        if isinstance(policy, TD3Policy):
            self.hidden = nn.Sequential(*list(own.actor.mu)[:-2])
            self.mean = list(own.actor.mu)[-2]
        elif isinstance(policy, SACPolicy):
            self.hidden, self.mean, self.log_std = own.actor.latent_pi, own.actor.mu, own.actor.log_std
        elif isinstance(policy, ActorCriticPolicy):
            self.hidden, self.mean = own.mlp_extractor.policy_net, own.action_net
            self._spread = own.log_std.detach()
        else:
            raise TypeError(f"{type(policy).__name__} is no policy to learn from")
        self.requires_grad_(False)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor | None]:
        """Means and logarithms of standard deviations (rows, actions), before tanh where there is one."""
        hidden = self.hidden(observations)
        mean = self.mean(hidden)
        if self.log_std is not None:
            return mean, self.log_std(hidden).clamp(-20.0, 2.0)
        return mean, None if self._spread is None else self._spread.expand_as(mean)

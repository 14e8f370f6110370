"""What a policy that is to be learned from would do."""

from typing import Any

import torch
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor, nn
from torch.nn.utils import skip_init


class Teacher(nn.Module):
    """A copy of what a policy does: whatever masks and ties it was learned with, it is a function.

    Args:
        policy: Of DDPG, TD3, SAC or PPO.

    Raises:
        TypeError: Another policy.
    """

    log_std: nn.Module | None
    spread: Tensor | None

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
        self.hidden, self.mean = nn.Sequential(*map(_copy, hidden)), _copy(mean)
        self.log_std = _copy(log_std) if isinstance(log_std, nn.Module) else None
        self.register_buffer("spread", None if log_std is None or self.log_std else log_std.detach().clone())
        self.requires_grad_(False)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor | None]:
        """Means and logarithms of standard deviations (rows, actions), before tanh where there is one."""
        hidden = self.hidden(observations)
        mean = self.mean(hidden)
        if self.log_std is not None:
            return mean, self.log_std(hidden).clamp(-20.0, 2.0)
        return mean, None if self.spread is None else self.spread.expand_as(mean)


@torch.no_grad()
def _copy(module: nn.Module) -> nn.Module:
    """A linear layer alone, without what follows its gradients; it draws no random numbers."""
    if not isinstance(module, nn.Linear):
        return module
    shape = module.in_features, module.out_features
    own = skip_init(nn.Linear, *shape, device=module.weight.device)
    own.weight.copy_(module.weight)
    own.bias.copy_(module.bias)
    return own

"""Uniform access to the layers of stable-baselines3 policies of all algorithms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import nn
from torch.optim import Optimizer


@dataclass(frozen=True)
class ActorLayers:
    """Layers of an actor.

    Attributes:
        body: Hidden layers and activations, in order.
        mean: Output layer of the action, or of the mean of its distribution, before tanh.
        log_std: Layer or parameter of the logarithm of the standard deviation; None if deterministic.
        squashed: True if tanh follows the mean.
    """

    body: tuple[nn.Module, ...]
    mean: nn.Linear
    log_std: nn.Linear | nn.Parameter | None
    squashed: bool

    @property
    def hidden(self) -> list[nn.Linear]:
        """Hidden linear layers."""
        return linear_layers(self.body)

    @property
    def outputs(self) -> list[nn.Linear]:
        """Output layers of the mean and, if it is a layer, of the standard deviation."""
        return [self.mean, *linear_layers([self.log_std])]


def linear_layers(modules: Any) -> list[nn.Linear]:
    """Select the linear layers among modules."""
    return [module for module in modules if isinstance(module, nn.Linear)]


def actor_layers(policy: BasePolicy) -> ActorLayers:
    """Return the layers of a policy's actor.

    Args:
        policy: Policy of DDPG, TD3, SAC or PPO.

    Raises:
        TypeError: The policy is of another class.
    """
    return _actors(policy)[0]


def actors_with_targets(policy: BasePolicy) -> list[ActorLayers]:
    """Return the layers of a policy's actor and of its target actor, if any."""
    return _actors(policy)


def _actors(policy: Any) -> list[ActorLayers]:
    if isinstance(policy, TD3Policy):
        found = []
        for actor in (policy.actor, policy.actor_target):
            *body, mean, _ = actor.mu
            found.append(ActorLayers(tuple(body), mean, None, True))  # type: ignore[arg-type]
        return found
    if isinstance(policy, SACPolicy):
        own: Any = policy.actor
        return [ActorLayers(tuple(own.latent_pi), own.mu, own.log_std, True)]
    if isinstance(policy, ActorCriticPolicy):
        extractor, out, log_std = policy.mlp_extractor, policy.action_net, policy.log_std
        return [ActorLayers(tuple(extractor.policy_net), out, log_std, False)]  # type: ignore[arg-type]
    raise TypeError(f"no actor is known for {type(policy).__name__}")


def critics_with_targets(policy: BasePolicy) -> list[list[nn.Linear]]:
    """Return the linear layers of each critic, target critics included."""
    own: Any = policy
    if isinstance(policy, ActorCriticPolicy):
        return [[*linear_layers(own.mlp_extractor.value_net), own.value_net]]
    return [linear_layers(net) for part in (own.critic, own.critic_target) for net in part.q_networks]


def critics_see_actions(policy: BasePolicy) -> bool:
    """Return True if the critics' inputs are observation and action, False for a value function."""
    return not isinstance(policy, ActorCriticPolicy)


def actor_optimizer(policy: BasePolicy) -> Optimizer:
    """Return the optimizer of the actor's parameters."""
    own: Any = policy
    return own.optimizer if isinstance(policy, ActorCriticPolicy) else own.actor.optimizer


def optimizers(policy: BasePolicy) -> list[Optimizer]:
    """Return all optimizers: those of actor and critics, or their common one."""
    own: Any = policy
    shared = isinstance(policy, ActorCriticPolicy)
    return [own.optimizer] if shared else [own.actor.optimizer, own.critic.optimizer]


def in_heads(heads: Sequence[Sequence[Any]]) -> list[Sequence[Sequence[nn.Linear]]]:
    """Regroup the linear modules of parallel heads layer by layer, the order that ``Network`` expects."""
    return [[[module] for module in of] for of in zip(*map(linear_layers, heads), strict=True)]

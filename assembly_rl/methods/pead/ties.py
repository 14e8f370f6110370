"""Action components of a policy that move as one, and how they come to move by themselves.

The policy keeps its six outputs throughout. Outputs of one dimension have equal weights, and a gradient that
is the sum of theirs, so that Adam learns them as one; noise is drawn once for each dimension, and so is the
density. An extension then changes nothing but which outputs are tied: the policy is the same function
before and after, and so are its moments. The critics have a column for each component, equal within a
dimension: they know nothing yet of what the dimension cannot do.
"""

import functools
from typing import Any, cast

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn

from assembly_rl.methods.pead.grouping import Grouping


def tie(model: BaseAlgorithm, grouping: Grouping) -> None:
    """Tie the outputs of a policy from now on; what it computes stays as it is.

    Args:
        model: Its outputs are equal where they are tied now.
        grouping: The dimensions.
    """
    policy: Any = model.policy
    if hasattr(policy, "follow"):
        _wake(policy)
    loose = np.zeros_like(grouping.tie)
    for name, values in (("follow", grouping.follow), ("shares", grouping.shares[:, None]), ("leash", loose)):
        _buffer(policy, name, torch.from_numpy(values))
    for layer, plain in _outputs(policy):
        matrix = torch.from_numpy(grouping.tie)
        new = not hasattr(layer, "tie")
        _buffer(layer, "tie", matrix.abs() if plain else matrix)
        if new and isinstance(policy, ActorCriticPolicy):
            _tie_gradients(layer)
    if isinstance(policy, ActorCriticPolicy) and not isinstance(policy.action_dist, TiedGaussian):
        policy.action_dist = TiedGaussian(policy)
        log_std, out = cast(Any, policy.log_std), cast(Any, policy.action_net)
        log_std.register_hook(lambda gradient: out.tie.abs() @ gradient)
        out.register_forward_hook(functools.partial(_draw_back, policy))


def leash(model: BaseAlgorithm, before: Grouping, strength: float) -> None:
    """Add ``strength |(I - P) m|^2`` to an actor's loss, m its output before tanh, mean over states.

    P projects onto the actions of the dimensions before: there the actor learns on as it did, and beside
    them it goes only where the critics (or, with PPO, the advantages) insist.
    """
    policy: Any = model.policy
    beyond = np.eye(len(before.matrix), dtype=np.float32) - before.projection
    policy.leash.copy_(torch.from_numpy(2.0 * strength * beyond))


def _draw_back(policy: Any, _: nn.Module, __: Any, output: Tensor) -> None:
    """The leash of a policy that learns by autograd."""
    if output.requires_grad:
        drawn = output.detach() @ policy.leash / len(output)
        output.register_hook(lambda gradient: gradient + drawn)


@torch.no_grad()
def _wake(policy: Any) -> None:
    """Let what had no gradient so far learn at the pace of the rest.

    Its second moments are zero, so that Adam's steps would soon be ten times as large as its learning rate:
    it gets the mean of those that are not.
    """
    for optimizer in _optimizers(policy):
        for state in optimizer.state.values():
            squares = state["exp_avg_sq"]
            silent = squares == 0.0
            if silent.any() and not silent.all():
                squares[silent] = squares[~silent].mean()


def _optimizers(policy: Any) -> list[torch.optim.Optimizer]:
    if isinstance(policy, ActorCriticPolicy):
        return [policy.optimizer]
    return [policy.actor.optimizer, policy.critic.optimizer]


@torch.no_grad()
def restart(model: BaseAlgorithm) -> None:
    """Draw all weights anew and forget the optimizers' moments."""
    policy: Any = model.policy
    for module in policy.modules():
        if isinstance(module, nn.Linear):
            module.reset_parameters()
    if isinstance(policy, ActorCriticPolicy):
        for part, gain in (
            (policy.mlp_extractor, 2.0**0.5),
            (policy.action_net, 0.01),
            (policy.value_net, 1.0),
        ):
            part.apply(functools.partial(policy.init_weights, gain=gain))
    for optimizer in _optimizers(policy):
        optimizer.state.clear()
    for name in ("actor", "critic"):
        target = getattr(policy, f"{name}_target", None)
        if target is not None:
            target.load_state_dict(getattr(policy, name).state_dict(), strict=False)


@torch.no_grad()
def start(model: BaseAlgorithm, grouping: Grouping) -> None:
    """Make a policy one of these dimensions, before it learns anything.

    Outputs are those of the first component of their dimension, zero where nothing moves; critics see the
    part of an action that can be reached.
    """
    policy: Any = model.policy
    follow = torch.from_numpy(grouping.follow).to(model.device)
    active = torch.from_numpy(grouping.active).to(model.device)
    for layer, plain in _outputs(policy, targets=True):
        matrix = follow.abs() if plain else follow
        rest = layer.bias[active].mean() * ~active if plain else 0.0
        layer.weight.copy_(matrix @ layer.weight)
        layer.bias.copy_(matrix @ layer.bias + rest)
    projection = torch.from_numpy(grouping.projection).to(model.device)
    for layer in _of_actions(policy):
        columns = layer.weight[:, -len(projection) :]
        columns.copy_(columns @ projection)
    tie(model, grouping)


class TiedGaussian(DiagGaussianDistribution):
    """A diagonal Gaussian of one component for each dimension.

    Args:
        policy: Whose buffers say what is tied.
    """

    def __init__(self, policy: ActorCriticPolicy) -> None:
        super().__init__(len(policy.follow))  # type: ignore[arg-type]
        self._policy: Any = policy

    def log_prob(self, actions: Tensor) -> Tensor:
        """See ``Distribution``."""
        return (self.distribution.log_prob(actions) @ self._policy.shares)[:, 0]

    def entropy(self) -> Tensor:
        """See ``Distribution``."""
        return (self.distribution.entropy() @ self._policy.shares)[:, 0]

    def sample(self) -> Tensor:
        """See ``Distribution``."""
        mean, spread = self.distribution.mean, self.distribution.stddev
        return mean + spread * (torch.randn_like(mean) @ self._policy.follow.t())


def _buffer(module: nn.Module, name: str, values: Tensor) -> None:
    if hasattr(module, name):
        getattr(module, name).copy_(values)
    else:
        device = next(module.parameters()).device
        module.register_buffer(name, values.to(device))


def _tie_gradients(layer: Any) -> None:
    for parameter in (layer.weight, layer.bias):
        parameter.register_hook(lambda gradient: layer.tie @ gradient)


def _outputs(policy: Any, targets: bool = False) -> list[tuple[nn.Linear, bool]]:
    """Output layers, and whether a component that is turned round has the same output there."""
    if isinstance(policy, ActorCriticPolicy):
        return [(policy.action_net, False)]  # type: ignore[list-item]
    if hasattr(policy, "actor_target"):
        actors = [policy.actor, policy.actor_target] if targets else [policy.actor]
        return [(next(m for m in reversed(actor.mu) if isinstance(m, nn.Linear)), False) for actor in actors]
    return [(policy.actor.mu, False), (policy.actor.log_std, True)]


def _of_actions(policy: Any) -> list[nn.Linear]:
    """First layers of the critics that see actions and are not masked, targets included."""
    if isinstance(policy, ActorCriticPolicy):
        return []
    layers = [net[0] for part in (policy.critic, policy.critic_target) for net in part.q_networks]
    return [layer for layer in layers if not hasattr(layer, "mask")]

"""Grouped action components of a policy: the components of a group act as one dimension.

The outputs of a group have equal weights, up to sign, and their gradients are summed over the group, so that
Adam learns them as one. Noise is drawn and the probability density is computed once for each group. Buffers
of the policy and of its output layers hold the state; their names are part of the checkpoint format.
"""

import functools
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from torch import Tensor, nn

from assembly_rl.learners.layers import actor_layers

LEADERS, SHARES, PENALTY, SUM = "follow", "shares", "leash", "tie"
"""Names of the buffers: three in the policy, one in each output layer."""


@dataclass(frozen=True)
class ActionGroups:
    """Groups of action components; the tensors are changed in place.

    Attributes:
        leaders: (components, components) matrix that replaces each component by the first one of its group,
            with its sign; the row of an inactive component is zero.
        shares: (components, 1) reciprocal of the size of the group; 0 for inactive components.
        penalty: (components, components) matrix P of a penalty ``m P m / 2`` on the actor's outputs m before
            tanh; its gradient ``P m`` is added to the actor's.
    """

    leaders: Tensor
    shares: Tensor
    penalty: Tensor

    @property
    def leading(self) -> NDArray[np.int64]:
        """(components,) index of the first component of the same group; -1 for inactive components."""
        leaders = self.leaders.cpu().numpy()
        return np.where(leaders.any(1), np.abs(leaders).argmax(1), -1)


def action_groups(policy: BasePolicy) -> ActionGroups | None:
    """Return the groups of a policy; None if its components are independent."""
    buffers: dict[str, Any] = policy._buffers
    return (
        ActionGroups(*(buffers[name] for name in (LEADERS, SHARES, PENALTY))) if LEADERS in buffers else None
    )


def group_sum_of(layer: nn.Module) -> Tensor | None:
    """Return the matrix that sums an output layer's gradients over groups; None without groups."""
    return layer._buffers.get(SUM)


def set_action_groups(policy: BasePolicy, leaders: Tensor, shares: Tensor, group_sum: Tensor) -> None:
    """Group the action components of a policy, without a penalty.

    Args:
        policy: Policy whose outputs are already equal within a group.
        leaders: Matrix ``ActionGroups.leaders``.
        shares: Vector ``ActionGroups.shares``.
        group_sum: (components, components) matrix that sums over a group, with the signs of its components.
    """
    actor = actor_layers(policy)
    for name, values in ((LEADERS, leaders), (SHARES, shares), (PENALTY, torch.zeros_like(group_sum))):
        _set_buffer(policy, name, values)
    for layer in actor.outputs:
        new = group_sum_of(layer) is None
        # A component with the opposite sign has the same standard deviation.
        _set_buffer(layer, SUM, group_sum.abs() if layer is actor.log_std else group_sum)
        if new and isinstance(policy, ActorCriticPolicy):
            _sum_gradients(layer)
    if isinstance(policy, ActorCriticPolicy) and not isinstance(policy.action_dist, GroupedGaussian):
        policy.action_dist = GroupedGaussian(policy)
        log_std, out = cast(Any, policy.log_std), cast(Any, policy.action_net)
        log_std.register_hook(lambda gradient: out.tie.abs() @ gradient)
        out.register_forward_hook(functools.partial(_add_penalty, policy))


def _add_penalty(policy: Any, _: nn.Module, __: Any, output: Tensor) -> None:
    """Add the gradient of the penalty for a policy that learns by autograd."""
    if output.requires_grad:
        added = output.detach() @ policy.leash / len(output)
        output.register_hook(lambda gradient: gradient + added)


class GroupedGaussian(DiagGaussianDistribution):
    """Diagonal Gaussian with one component for each group.

    Args:
        policy: Policy with action groups.
    """

    def __init__(self, policy: ActorCriticPolicy) -> None:
        super().__init__(len(policy.follow))  # type: ignore[arg-type]
        self._policy: Any = policy

    def log_prob(self, actions: Tensor) -> Tensor:
        """Return the log-density (rows,) of actions (rows, components)."""
        return (self.distribution.log_prob(actions) @ self._policy.shares)[:, 0]

    def entropy(self) -> Tensor:
        """Return the entropy (rows,)."""
        return (self.distribution.entropy() @ self._policy.shares)[:, 0]

    def sample(self) -> Tensor:
        """Draw actions (rows, components), equal within a group up to sign."""
        mean, spread = self.distribution.mean, self.distribution.stddev
        return mean + spread * (torch.randn_like(mean) @ self._policy.follow.t())


def _set_buffer(module: nn.Module, name: str, values: Tensor) -> None:
    if name in module._buffers:
        cast(Tensor, module._buffers[name]).copy_(values)
    else:
        device = next(module.parameters()).device
        module.register_buffer(name, values.to(device))


def _sum_gradients(layer: Any) -> None:
    for parameter in (layer.weight, layer.bias):
        parameter.register_hook(lambda gradient: layer.tie @ gradient)

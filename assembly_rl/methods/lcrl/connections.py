"""Policies whose action components see parts of the state only.

Each action component has hidden units of its own. All of them are one multilayer perceptron whose layers
have masks: of the first layer a component's units see the components of its column of the graph, further
units see those before them of the same component, and so does its output. One matrix product a layer does
for all, and whatever reads a plain policy (evaluation, checkpoints, export) reads this one: weights that
are masked are zero.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn


def masks(
    edges: NDArray[np.bool_], widths: Sequence[int], heads: NDArray[np.int64] | None = None
) -> list[Tensor]:
    """Masks of an actor's layers, each of the shape of its weight.

    Args:
        edges: (states, actions).
        widths: Of the hidden layers of each action component.
        heads: (actions,), whose hidden units each action component uses, -1 for none; by default its own.
    """
    layers = [np.repeat(edges.T, widths[0], axis=0)]
    one = np.eye(edges.shape[1], dtype=np.bool_)
    layers += [
        np.kron(one, np.ones((after, before), np.bool_))
        for before, after in zip(widths, widths[1:], strict=False)
    ]
    used = one if heads is None else one[heads] & (heads >= 0)[:, None]
    layers.append(np.kron(used, np.ones((1, widths[-1]), np.bool_)))
    return [torch.from_numpy(layer.astype(np.float32)) for layer in layers]


def connect(model: BaseAlgorithm, edges: NDArray[np.bool_], critics: bool = False) -> None:
    """Give the actor of a model the connections of a graph; weights elsewhere become zero and stay so.

    Args:
        model: Its actor has hidden layers of as many units for each action component.
        edges: (states, actions).
        critics: Give the critics connections, too: each is then a sum over the action components of
            functions of that component and what it sees.

    Raises:
        ValueError: The layers do not fit the graph.
    """
    policy: Any = model.policy
    for hidden, heads in _actors(policy):
        *inner, last = masks(edges, _widths(hidden, edges, len(edges)), leaders(policy))
        _mask([*hidden, *heads], [*inner, *[last] * len(heads)])
    optimizers = [policy.optimizer if isinstance(policy, ActorCriticPolicy) else policy.actor.optimizer]
    if critics:
        for *hidden, out in _critics(policy):
            of_actions = not isinstance(policy, ActorCriticPolicy)
            inputs = len(edges) + of_actions * edges.shape[1]
            first, *inner, _ = masks(edges, _widths(hidden, edges, inputs))
            if of_actions:
                own = np.repeat(
                    np.eye(edges.shape[1], dtype=np.float32), len(first) // edges.shape[1], axis=0
                )
                first = torch.cat([first, torch.from_numpy(own)], dim=1)
            _mask([*hidden, out], [first, *inner, torch.ones_like(out.weight)])
        optimizers += [] if isinstance(policy, ActorCriticPolicy) else [policy.critic.optimizer]
    masked = {m.weight: m.mask for m in policy.modules() if isinstance(m, nn.Linear) and hasattr(m, "mask")}
    for optimizer in optimizers:
        for parameter, state in optimizer.state.items():
            if parameter in masked and "exp_avg" in state:
                state["exp_avg"] *= masked[parameter]  # momentum would bring back what has been taken away


def leaders(policy: Any) -> NDArray[np.int64] | None:
    """(actions,), of tied action components the first, -1 where nothing moves; None without ties."""
    if not hasattr(policy, "follow"):
        return None
    follow = policy.follow.cpu().numpy()
    return np.where(follow.any(1), np.abs(follow).argmax(1), -1)


def united(edges: NDArray[np.bool_], policy: Any) -> NDArray[np.bool_]:
    """Edges where tied action components see what any of them sees."""
    first = leaders(policy)
    if first is None:
        return edges
    same = (first[:, None] == first) & (first >= 0) | np.eye(len(first), dtype=np.bool_)
    return (edges.astype(np.int64) @ same) > 0


def connected(model: BaseAlgorithm) -> NDArray[np.bool_]:
    """(states, actions), the edges that a model has been given."""
    (first, *_), _ = _actors(model.policy)[0]
    buffer: Any = first.mask
    mask = buffer.cpu().numpy()
    actions = int(np.prod(model.action_space.shape or ()))
    return np.asarray((mask.reshape(actions, -1, mask.shape[1]) > 0.0).any(1).T)


@torch.no_grad()
def split(model: BaseAlgorithm, before: NDArray[np.int64], after: NDArray[np.int64]) -> None:
    """Give action components that were tied hidden units of their own, copies of those they had in common.

    Args:
        model: It computes the same before and after; so do its optimizer's moments.
        before: (actions,), as ``leaders`` had it.
        after: The same from now on; ``connect`` has to follow.
    """
    policy: Any = model.policy
    optimizer = policy.optimizer if isinstance(policy, ActorCriticPolicy) else policy.actor.optimizer
    new = [action for action in range(len(after)) if after[action] == action != before[action] >= 0]
    for hidden, heads in _actors(policy):
        for action in new:
            columns: tuple[slice, slice] | None = None
            for layer in hidden:
                own, old = (_part(layer, number, len(after)) for number in (action, int(before[action])))
                for weight in _with_moments(layer.weight, optimizer):
                    if columns is None:
                        weight[own] = weight[old]
                    else:
                        weight[own, columns[0]] = weight[old, columns[1]]
                for bias in _with_moments(layer.bias, optimizer):
                    bias[own] = bias[old]
                columns = own, old
            members = torch.from_numpy(np.flatnonzero(after == action))
            for layer in heads:
                for weight in _with_moments(layer.weight, optimizer):
                    assert columns is not None
                    weight[members, columns[0]] = weight[members, columns[1]]
                    weight[members, columns[1]] = 0.0


def _part(layer: nn.Linear, action: int, actions: int) -> slice:
    """The units of an action component."""
    width = layer.out_features // actions
    return slice(action * width, (action + 1) * width)


def _with_moments(parameter: Tensor, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    state = optimizer.state.get(parameter, {})
    return [parameter, *(state[name] for name in ("exp_avg", "exp_avg_sq") if name in state)]


def _widths(hidden: Sequence[nn.Linear], edges: NDArray[np.bool_], inputs: int) -> list[int]:
    """Hidden units of each action component, layer by layer."""
    actions = edges.shape[1]
    if hidden[0].in_features != inputs or any(layer.out_features % actions for layer in hidden):
        raise ValueError(
            f"a network of {hidden[0].in_features} inputs and hidden layers of "
            f"{[layer.out_features for layer in hidden]} units does not fit a graph of {edges.shape}"
        )
    return [layer.out_features // actions for layer in hidden]


def _mask(layers: Sequence[nn.Linear], masks: Sequence[Tensor]) -> None:
    for layer, values in zip(layers, masks, strict=True):
        mask = values.to(layer.weight.device)
        if not hasattr(layer, "mask"):
            layer.register_buffer("mask", mask)
            _follow_mask(layer)
        else:
            layer.mask.copy_(mask)  # type: ignore[operator]
        with torch.no_grad():
            layer.weight *= mask


def _follow_mask(layer: nn.Linear) -> None:
    """Of what learns by autograd."""
    layer.weight.register_hook(lambda gradient: gradient * layer.mask)


def _linear(modules: Any) -> list[nn.Linear]:
    return [module for module in modules if isinstance(module, nn.Linear)]


def _actors(policy: Any) -> list[tuple[list[nn.Linear], list[nn.Linear]]]:
    """Hidden layers and output layers of each actor, targets included."""
    if isinstance(policy, ActorCriticPolicy):
        return [(_linear(policy.mlp_extractor.policy_net), _linear([policy.action_net]))]
    if hasattr(policy, "actor_target"):
        stacks = [_linear(actor.mu) for actor in (policy.actor, policy.actor_target)]
        return [(stack[:-1], stack[-1:]) for stack in stacks]
    return [(_linear(policy.actor.latent_pi), [policy.actor.mu, policy.actor.log_std])]


def _critics(policy: Any) -> list[list[nn.Linear]]:
    """Layers of each critic, targets included."""
    if isinstance(policy, ActorCriticPolicy):
        return [[*_linear(policy.mlp_extractor.value_net), policy.value_net]]
    return [_linear(net) for part in (policy.critic, policy.critic_target) for net in part.q_networks]

"""Policies whose action components depend on parts of the state only.

Each action component has separate hidden units. Together they are one multilayer perceptron with masked
layers: in the first layer a component's units are connected to the state components in its column of the
graph; later units and its output are connected to the previous units of the same component. A layer is thus
one matrix product, and masked weights are zero, so that evaluation, checkpoints and export need no special
case.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor, nn

from assembly_rl.controllers.validation import InputError
from assembly_rl.learners.action_groups import action_groups
from assembly_rl.learners.layers import (
    actor_layers,
    actor_optimizer,
    actors_with_targets,
    critics_with_targets,
    optimizers,
)
from assembly_rl.learners.masks import mask_momentum, mask_of, set_masks


def masks(
    edges: NDArray[np.bool_], widths: Sequence[int], heads: NDArray[np.int64] | None = None
) -> list[Tensor]:
    """Return the masks of an actor's layers, each of the shape of its weight.

    Args:
        edges: (states, actions) edges of a graph.
        widths: Widths of the hidden layers of each action component.
        heads: (actions,) component whose hidden units each one uses, -1 for none; by default its own.
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


def connect(model: BaseAlgorithm, edges: NDArray[np.bool_], critics: str = "global") -> None:
    """Give the actor of a model the connections of a graph; other weights become zero and stay zero.

    Args:
        model: Model whose actor has hidden layers with equally many units for each action component.
        edges: (states, actions) edges of a graph.
        critics: Restriction of the critics. ``global``: none. ``seen``: they see the state components that
            an action component sees, and all actions.

    Raises:
        ValueError: The layers do not fit the graph.
    """
    policy: Any = model.policy
    for actor in actors_with_targets(policy):
        *inner, last = masks(edges, _widths(actor.hidden, edges, len(edges)), leading_components(policy))
        set_masks([*actor.hidden, *actor.outputs], [*inner, *[last] * len(actor.outputs)])
    changed = [actor_optimizer(policy)]
    if critics == "seen":
        seen = torch.from_numpy(edges.any(1).astype(np.float32))
        for layers in critics_with_targets(policy):
            mask = torch.ones_like(layers[0].weight)
            mask[:, : len(seen)] = seen
            set_masks(layers[:1], [mask])
        changed = optimizers(policy)
    mask_momentum(policy, changed)


def leading_components(policy: Any) -> NDArray[np.int64] | None:
    """Return (actions,) the first component of each one's group, -1 if inactive; None without groups."""
    groups = action_groups(policy)
    return None if groups is None else groups.leading


def shared_by_groups(edges: NDArray[np.bool_], policy: Any) -> NDArray[np.bool_]:
    """Return edges in which all action components of a group have the union of their inputs."""
    first = leading_components(policy)
    if first is None:
        return edges
    same = (first[:, None] == first) & (first >= 0) | np.eye(len(first), dtype=np.bool_)
    return (edges.astype(np.int64) @ same) > 0


def connected(model: BaseAlgorithm) -> NDArray[np.bool_]:
    """Return the edges (states, actions) of a model."""
    own = mask_of(actor_layers(model.policy).hidden[0])
    assert own is not None
    mask = own.cpu().numpy()
    actions = int(np.prod(model.action_space.shape or ()))
    return np.asarray((mask.reshape(actions, -1, mask.shape[1]) > 0.0).any(1).T)


@torch.no_grad()
def split(model: BaseAlgorithm, before: NDArray[np.int64], after: NDArray[np.int64]) -> None:
    """Give action components that leave a group separate hidden units, copied from those of the group.

    Args:
        model: Model; its function is unchanged, and its optimizer's moments are copied, too.
        before: (actions,) previous leading components; see ``leading_components``.
        after: (actions,) new leading components; call ``connect`` afterwards.
    """
    policy: Any = model.policy
    optimizer = actor_optimizer(policy)
    new = [action for action in range(len(after)) if after[action] == action != before[action] >= 0]
    for actor in actors_with_targets(policy):
        for action in new:
            columns: tuple[slice, slice] | None = None
            for layer in actor.hidden:
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
            for layer in actor.outputs:
                for weight in _with_moments(layer.weight, optimizer):
                    assert columns is not None
                    weight[members, columns[0]] = weight[members, columns[1]]
                    weight[members, columns[1]] = 0.0


def _part(layer: nn.Linear, action: int, actions: int) -> slice:
    """Return the range of the units of an action component."""
    width = layer.out_features // actions
    return slice(action * width, (action + 1) * width)


def _with_moments(parameter: Tensor, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    state = optimizer.state.get(parameter, {})
    return [parameter, *(state[name] for name in ("exp_avg", "exp_avg_sq") if name in state)]


def _widths(hidden: Sequence[nn.Linear], edges: NDArray[np.bool_], inputs: int) -> list[int]:
    """Return the number of hidden units of each action component, layer by layer."""
    actions = edges.shape[1]
    if hidden[0].in_features != inputs or any(layer.out_features % actions for layer in hidden):
        raise InputError(
            f"a network of {hidden[0].in_features} inputs and hidden layers of "
            f"{[layer.out_features for layer in hidden]} units does not fit a graph of {edges.shape}"
        )
    return [layer.out_features // actions for layer in hidden]

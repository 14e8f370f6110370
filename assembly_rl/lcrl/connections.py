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


def masks(edges: NDArray[np.bool_], widths: Sequence[int], outputs: int = 1) -> list[Tensor]:
    """Masks of an actor's layers, each of the shape of its weight.

    Args:
        edges: (states, actions).
        widths: Of the hidden layers of each action component.
        outputs: Numbers that each action component gives; the last layer has them one after the other.
    """
    states, actions = edges.shape
    sizes = [*widths]
    layers = [np.repeat(edges.T, sizes[0], axis=0)]
    one = np.eye(actions, dtype=np.bool_)
    layers += [
        np.kron(one, np.ones((after, before), np.bool_))
        for before, after in zip(sizes, sizes[1:], strict=False)
    ]
    layers.append(np.tile(np.kron(one, np.ones((1, sizes[-1]), np.bool_)), (outputs, 1)))
    return [torch.from_numpy(layer.astype(np.float32)) for layer in layers]


def connect(model: BaseAlgorithm, edges: NDArray[np.bool_]) -> None:
    """Give the actor of a model the connections of a graph; weights elsewhere become zero and stay so.

    Args:
        model: Its actor has hidden layers of as many units for each action component.
        edges: (states, actions).

    Raises:
        ValueError: The actor's layers do not fit the graph.
    """
    for stack, heads in _actors(model.policy):
        hidden = [module for module in stack if isinstance(module, nn.Linear)]
        actions = edges.shape[1]
        if hidden[0].in_features != len(edges) or any(layer.out_features % actions for layer in hidden):
            raise ValueError(
                f"an actor of {hidden[0].in_features} inputs and hidden layers of "
                f"{[layer.out_features for layer in hidden]} units does not fit a graph of {edges.shape}"
            )
        widths = [layer.out_features // actions for layer in hidden]
        *inner, last = masks(edges, widths)
        for layer, mask in zip([*hidden, *heads], [*inner, *[last] * len(heads)], strict=True):
            _mask(layer, mask)
    policy: Any = model.policy
    optimizer = policy.optimizer if isinstance(policy, ActorCriticPolicy) else policy.actor.optimizer
    masked = {m.weight: m.mask for m in policy.modules() if isinstance(m, nn.Linear) and hasattr(m, "mask")}
    for parameter, state in optimizer.state.items():
        if parameter in masked and "exp_avg" in state:
            state["exp_avg"] *= masked[parameter]  # momentum would bring back what has been taken away


def _mask(layer: nn.Linear, mask: Tensor) -> None:
    mask = mask.to(layer.weight.device)
    if not hasattr(layer, "mask"):
        layer.register_buffer("mask", mask)
        layer.weight.register_hook(lambda gradient: gradient * layer.mask)  # of what learns by autograd
    else:
        layer.mask.copy_(mask)  # type: ignore[operator, union-attr]
    with torch.no_grad():
        layer.weight *= mask


def _actors(policy: Any) -> list[tuple[list[nn.Module], list[nn.Linear]]]:
    """Hidden layers and output layers of each actor, targets included."""
    if isinstance(policy, ActorCriticPolicy):
        return [(list(policy.mlp_extractor.policy_net), [policy.action_net])]
    if hasattr(policy, "actor_target"):
        stacks = [list(actor.mu) for actor in (policy.actor, policy.actor_target)]
        outputs = [next(m for m in reversed(stack) if isinstance(m, nn.Linear)) for stack in stacks]
        return [(stack[: stack.index(out)], [out]) for stack, out in zip(stacks, outputs, strict=True)]
    return [(list(policy.actor.latent_pi), [policy.actor.mu, policy.actor.log_std])]

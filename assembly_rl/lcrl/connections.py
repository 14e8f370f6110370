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


def masks(edges: NDArray[np.bool_], widths: Sequence[int]) -> list[Tensor]:
    """Masks of an actor's layers, each of the shape of its weight.

    Args:
        edges: (states, actions).
        widths: Of the hidden layers of each action component.
    """
    layers = [np.repeat(edges.T, widths[0], axis=0)]
    one = np.eye(edges.shape[1], dtype=np.bool_)
    layers += [
        np.kron(one, np.ones((after, before), np.bool_))
        for before, after in zip(widths, widths[1:], strict=False)
    ]
    layers.append(np.kron(one, np.ones((1, widths[-1]), np.bool_)))
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
        *inner, last = masks(edges, _widths(hidden, edges, len(edges)))
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

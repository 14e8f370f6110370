"""Policies of a stage: groups of action components, and their extension.

The policy always has six outputs; see ``learners.action_groups``. An extension changes only the groups: the
policy is the same function before and after, with the same optimizer moments. The critics' input weights have
a column for each component, equal within a group, because no other actions have been seen.
"""

import functools
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from assembly_rl.learners.action_groups import action_groups, set_action_groups
from assembly_rl.learners.layers import (
    actors_with_targets,
    critics_see_actions,
    critics_with_targets,
    optimizers,
)
from assembly_rl.learners.masks import mask_of
from assembly_rl.methods.pead.grouping import Grouping


def regroup(model: BaseAlgorithm, grouping: Grouping) -> None:
    """Group the outputs of a policy, without changing its function.

    Args:
        model: Model whose outputs are equal within the groups.
        grouping: Dimensions of the stage.
    """
    if action_groups(model.policy) is not None:
        _raise_second_moments(model.policy)
    parts = grouping.follow, grouping.shares[:, None], grouping.tie
    set_action_groups(model.policy, *map(torch.from_numpy, parts))


def penalise(model: BaseAlgorithm, before: Grouping, strength: float) -> None:
    """Add ``strength |(I - P) m|^2`` to an actor's loss, with m its output before tanh, mean over states.

    P projects onto the actions of the previous dimensions, in which learning is unaffected; outside them the
    actor moves only against the penalty, by the critics or, with PPO, the advantages.

    Args:
        model: Model with action groups.
        before: Dimensions of the previous stage.
        strength: Weight of the penalty.
    """
    groups = action_groups(model.policy)
    assert groups is not None
    beyond = np.eye(len(before.matrix), dtype=np.float32) - before.projection
    groups.penalty.copy_(torch.from_numpy(2.0 * strength * beyond))


@torch.no_grad()
def _raise_second_moments(policy: Any) -> None:
    """Let parameters without gradients so far learn at the rate of the others.

    Their second moments are zero, so that Adam's steps would soon be ten times its learning rate: they get
    the mean of the nonzero ones.
    """
    for optimizer in optimizers(policy):
        for state in optimizer.state.values():
            squares = state["exp_avg_sq"]
            silent = squares == 0.0
            if silent.any() and not silent.all():
                squares[silent] = squares[~silent].mean()


@torch.no_grad()
def redraw(model: BaseAlgorithm) -> None:
    """Reinitialise all weights, and clear the optimizers' moments."""
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
    for optimizer in optimizers(policy):
        optimizer.state.clear()
    for name in ("actor", "critic"):
        target = getattr(policy, f"{name}_target", None)
        if target is not None:
            target.load_state_dict(getattr(policy, name).state_dict(), strict=False)


@torch.no_grad()
def start(model: BaseAlgorithm, grouping: Grouping) -> None:
    """Restrict a policy to the dimensions of a stage, before it learns.

    Outputs become those of the first component of their group, zero for inactive components; the input of
    the critics is projected onto reachable actions.

    Args:
        model: Model.
        grouping: Dimensions of the stage.
    """
    policy = model.policy
    follow = torch.from_numpy(grouping.follow).to(model.device)
    active = torch.from_numpy(grouping.active).to(model.device)
    for actor in actors_with_targets(policy):
        for layer in actor.outputs:
            spread = layer is actor.log_std
            matrix = follow.abs() if spread else follow
            rest = layer.bias[active].mean() * ~active if spread else 0.0
            layer.weight.copy_(matrix @ layer.weight)
            layer.bias.copy_(matrix @ layer.bias + rest)
    projection = torch.from_numpy(grouping.projection).to(model.device)
    if critics_see_actions(policy):
        for first, *_ in critics_with_targets(policy):
            mask = mask_of(first)
            if mask is None or mask[:, -len(projection) :].all():
                columns = first.weight[:, -len(projection) :]
                columns.copy_(columns @ projection)
    regroup(model, grouping)

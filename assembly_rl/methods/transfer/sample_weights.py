"""Estimation of the weights of the distillation from samples of the new part, after the warm-up."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from assembly_rl.controllers.validation import InputError
from assembly_rl.methods.cs3.estimate import FEWEST, estimate
from assembly_rl.methods.cs3.transitions import LATEST, of_buffer
from assembly_rl.methods.transfer.weights import by_error, by_similarity

RULES = ("similarity", "error")
STATES = 1024
"""Number of newest states at which the critic is evaluated."""


def sample_weights(rule: str, model: OffPolicyAlgorithm, steps: int, seed: int) -> NDArray[np.float64]:
    """Estimate weights from a model's transitions on the new part and those of its source.

    Args:
        rule: ``similarity`` or ``error``.
        model: Model whose replay buffer holds the source's transitions, then ``steps`` of the new part.
        steps: Policy steps on the new part.
        seed: Seed of the fitted models.
    """
    rows = steps // model.n_envs
    if rule == "error":
        return by_error(_slopes(model, rows))
    new, old = (of_buffer(model.replay_buffer, *which) for which in ((rows,), (LATEST, rows)))
    return by_similarity(*(estimate(visited, seed).values.mean(0) for visited in (old, new)))


def require_samples(rule: str, warm_up: int, replay: bool, off_policy: bool) -> None:
    """Raise a ValueError if a rule will lack the samples that it needs."""
    if rule not in RULES:
        return
    if not off_policy:
        raise InputError(f"transfer.weights={rule} needs a critic and a replay buffer: not with PPO")
    if rule == "similarity" and (warm_up < FEWEST or not replay):
        raise InputError(
            f"transfer.weights=similarity compares influences, each from {FEWEST} policy steps or more: set "
            f"transfer.warm_up to at least that, got {warm_up}, and keep transfer.replay"
        )


def _slopes(model: Any, rows: int) -> NDArray[np.float64]:
    """Return the mean absolute slope (actions,) of the critic at the policy's actions."""
    states = torch.from_numpy(of_buffer(model.replay_buffer, min(rows, STATES)).states).to(model.device)
    actions = model.policy._predict(states, deterministic=True).detach().requires_grad_()
    with torch.enable_grad():
        model.critic.q1_forward(states, actions).sum().backward()
    assert actions.grad is not None
    return np.array(actions.grad.abs().mean(0).cpu().numpy(), dtype=np.float64)

"""Terms of the reward."""

from collections.abc import Sequence
from dataclasses import dataclass

from assembly_rl.controllers.sums import added
from assembly_rl.envs.config import RewardConfig


@dataclass(frozen=True)
class Progress:
    """Progress of an insertion, available in simulation only.

    Attributes:
        depth: Depth of the tip below the mouth, along the true hole axis [m].
        lateral: Distance of the tip from the true hole axis [m].
        angle: Angle between the peg and the true hole [rad].
    """

    depth: float
    lateral: float
    angle: float


def reward_terms(
    weights: RewardConfig,
    before: Progress,
    after: Progress,
    forces: Sequence[float],
    success: bool,
    failure: bool,
) -> dict[str, float]:
    """Return the weighted terms of one policy step; their sum is the reward.

    Args:
        weights: Weight of each term.
        before: Progress at the start of the step.
        after: Progress at the end of the step.
        forces: Magnitude of the force at each control step of the policy step [N].
        success: True if the step ended in success.
        failure: True if the step ended at a limit.

    Returns:
        Term name -> value, in the order of ``RewardConfig``.
    """
    return {
        "depth": weights.depth * (after.depth - before.depth),
        "lateral": weights.lateral * (before.lateral - after.lateral),
        "angle": weights.angle * (before.angle - after.angle),
        "force": weights.force * (added(forces) / len(forces)),
        "excess_force": weights.excess_force * max(0.0, max(forces) - weights.force_threshold),
        "time": weights.time,
        "success": weights.success * success,
        "failure": weights.failure * failure,
    }

"""The reward, term by term."""

from dataclasses import dataclass

from assembly_rl.envs.config import RewardConfig


@dataclass(frozen=True)
class Progress:
    """How far an insertion is; only the simulator knows it.

    Attributes:
        depth: Depth of the tip below the mouth, along the true hole axis [m].
        lateral: Distance of the tip from the true hole axis [m].
        angle: Angle between the peg and the true hole [rad].
    """

    depth: float
    lateral: float
    angle: float


def reward_terms(
    weights: RewardConfig, before: Progress, after: Progress, mean_force: float, success: bool, failure: bool
) -> dict[str, float]:
    """Weighted terms of one policy step; their sum is the reward.

    Args:
        weights: Weight of each term.
        before: At the step's start.
        after: At its end.
        mean_force: Mean magnitude of the force over the step [N].
        success: Whether the step ended in success.
        failure: Whether it ended at a limit.

    Returns:
        Term name -> value, in the order of ``RewardConfig``.
    """
    return {
        "depth": weights.depth * (after.depth - before.depth),
        "lateral": weights.lateral * (before.lateral - after.lateral),
        "angle": weights.angle * (before.angle - after.angle),
        "force": weights.force * mean_force,
        "time": weights.time,
        "success": weights.success * success,
        "failure": weights.failure * failure,
    }

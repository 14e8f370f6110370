"""Outcomes of an insertion, and their determination by limits."""

from collections.abc import Sequence
from enum import StrEnum
from math import hypot

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.insertion.config import InsertionConfig
from assembly_rl.controllers.serialization import copied

Array = NDArray[np.float64]


class Result(StrEnum):
    """Outcome of an episode."""

    success = "success"
    """The tip is within ``limits.goal_margin`` of the bottom."""
    timeout = "timeout"
    """The longest episode is over."""
    force_limit = "force_limit"
    """The force exceeded ``limits.force``."""
    moment_limit = "moment_limit"
    """The moment exceeded ``limits.moment``."""
    workspace = "workspace"
    """The tip left ``limits.lateral`` or ``limits.angle``."""
    joint_limit = "joint_limit"
    """A joint of the robot reached its limit."""
    certificate_failed = "certificate_failed"
    """The simulated contact penetrated too deep for conclusions about the real fit."""


class Termination:
    """Termination of an insertion, in simulation and on a robot.

    Args:
        config: Limits and policy rate.
        hole_depth: Depth of the hole [m].

    Attributes:
        goal_depth: Depth of the tip below the mouth at the goal [m].
        max_steps: Policy steps of the longest insertion.
    """

    def __init__(self, config: InsertionConfig, hole_depth: float) -> None:
        self._limits = copied(config.limits)
        self.goal_depth = hole_depth - config.limits.goal_margin
        self.max_steps = config.policy_steps()

    def is_success(self, depth: float) -> bool:
        """Return True if a tip at a depth below the mouth [m] is at its goal."""
        return depth >= self.goal_depth

    def of_wrench(self, wrench: Sequence[float]) -> Result | None:
        """Check a contact wrench, in every control period, the force before the moment.

        Args:
            wrench: Wrench about the tip (6,) [N, Nm]; an unknown wrench is nan and does not end the episode.

        Returns:
            ``force_limit``, ``moment_limit`` or None.
        """
        fx, fy, fz, mx, my, mz = wrench
        if hypot(fx, fy, fz) > self._limits.force:
            return Result.force_limit
        if hypot(mx, my, mz) > self._limits.moment:
            return Result.moment_limit
        return None

    def of_pose(self, pose: Sequence[float] | Array, depth: float, steps: int) -> Result | None:
        """Check a pose, in every policy period: success, then workspace, then time.

        Args:
            pose: Pose of the tip in the nominal frame (6,) [m, rad].
            depth: Depth of the tip below the mouth [m], or its estimate.
            steps: Policy steps since the start.

        Returns:
            ``success``, ``workspace``, ``timeout`` or None.
        """
        limits = self._limits
        if self.is_success(depth):
            return Result.success
        if hypot(pose[0], pose[1]) > limits.lateral or hypot(*pose[3:]) > limits.angle:
            return Result.workspace
        return Result.timeout if steps >= self.max_steps else None

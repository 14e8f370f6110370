"""Insertion that does not end when the peg touches the floor of a blind hole, so that it presses there."""

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.insertion import Result
from assembly_rl.envs.config import TaskConfig
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.reward import Progress
from assembly_rl.envs.task import InsertionTask, register_task


class PressingTask(InsertionTask):
    """Insertion that ends as another one, but in a blind hole not by success.

    Args:
        part: Geometry of peg and hole.
        config: Limits and weights of the reward.

    Raises:
        ValueError: The goal is above the mouth of the hole.
    """

    def __init__(self, part: PegHole, config: TaskConfig) -> None:
        super().__init__(part, config)
        self._blind = part.blind

    def result_of_pose(
        self, pose: Sequence[float] | NDArray[np.float64], progress: Progress, steps: int
    ) -> Result | None:
        """Check a policy step: success in a hole that goes through, then workspace, then time."""
        depth = -inf if self._blind else progress.depth
        return self._termination.of_pose(pose, depth, steps)


register_task("pressing", PressingTask)

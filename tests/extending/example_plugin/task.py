"""A task: press on the plate beside the hole, and do not fall in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assembly_rl.envs import Result, register_task
from assembly_rl.envs.reward import Progress
from assembly_rl.envs.task import InsertionTask

FORCE = 6.0
"""Force at which the peg is pressed enough [N]."""


class PressTask(InsertionTask):
    """Press on the plate with ``FORCE``; limits of force, workspace and time are those of an insertion."""

    def result_of_wrench(self, wrench: Sequence[float], joint_limit: bool) -> Result | None:
        failure = super().result_of_wrench(wrench, joint_limit)
        return Result.success if failure is None and wrench[2] >= FORCE else failure

    def result_of_pose(
        self, pose: Sequence[float] | NDArray[np.float64], progress: Progress, steps: int
    ) -> Result | None:
        result = super().result_of_pose(pose, progress, steps)
        return Result.workspace if result is Result.success else result  # at the bottom of the hole

    def reward_terms(
        self, before: Progress, after: Progress, forces: Sequence[float], result: Result | None
    ) -> dict[str, float]:
        press = -abs(FORCE - sum(forces) / len(forces)) / FORCE
        return {"press": press, "done": 10.0 * (result is Result.success)}


register_task("press", PressTask)

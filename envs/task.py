"""Tasks: termination and reward of the environment's episodes."""

from collections.abc import Sequence
from math import hypot
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.insertion import Result, Termination
from assembly_rl.controllers.registry import Registry
from assembly_rl.controllers.se3 import Quaternion, Vector, quat_log
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.config import TaskConfig
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.reward import Progress, reward_terms

Array = NDArray[np.float64]


class Task(Protocol):
    """Termination and reward of ``PegInHoleEnv``, which runs robot and controller.

    A task is a class with this interface, which it need not inherit, registered by ``register_task``. It has
    no state: the environment keeps the state of an episode.
    """

    def progress(self, tip: Vector, orientation: Quaternion) -> Progress:
        """Return the true progress of a tip pose [m, xyzw] in the hole frame."""

    def result_of_wrench(self, wrench: Sequence[float], joint_limit: bool) -> Result | None:
        """Check a control step; the episode ends unless the result is None.

        Args:
            wrench: Measured contact wrench about the tip (6,) [N, Nm], in nominal axes.
            joint_limit: True if a joint of the robot is at its limit.
        """

    def result_of_pose(self, pose: Sequence[float] | Array, progress: Progress, steps: int) -> Result | None:
        """Check a policy step in which no control step ended the episode.

        Args:
            pose: Pose of the tip in the nominal frame (6,) [m, rad].
            progress: True progress.
            steps: Policy steps since the start.
        """

    def reward_terms(
        self, before: Progress, after: Progress, forces: Sequence[float], result: Result | None
    ) -> dict[str, float]:
        """Return name -> value of each term; the reward is their sum.

        Args:
            before: Progress at the start of the policy step.
            after: Progress at the end of the policy step.
            forces: Magnitude of the force at each control step of the policy step [N].
            result: Result of the step; None while the episode continues.
        """


class InsertionTask:
    """Insertion of the peg down to ``limits.goal_margin`` above the bottom, within the limits.

    Args:
        part: Geometry of peg and hole.
        config: Limits and weights of the reward.

    Raises:
        ValueError: The goal is above the mouth of the hole.
    """

    def __init__(self, part: PegHole, config: TaskConfig) -> None:
        if config.limits.goal_margin >= part.hole_depth:
            raise InputError(
                f"limits.goal_margin {config.limits.goal_margin} m must be less than the part's hole_depth "
                f"{part.hole_depth} m"
            )
        self._weights = config.reward
        self._termination = Termination(config, part.hole_depth)

    def progress(self, tip: Vector, orientation: Quaternion) -> Progress:
        """Return depth, distance from the axis and angle of a tip pose [m, xyzw] in the hole frame."""
        return Progress(-tip[2], hypot(tip[0], tip[1]), hypot(*quat_log(orientation)))

    def result_of_wrench(self, wrench: Sequence[float], joint_limit: bool) -> Result | None:
        """Check a control step: force, then moment, then joints."""
        result = self._termination.of_wrench(wrench)
        return Result.joint_limit if result is None and joint_limit else result

    def result_of_pose(self, pose: Sequence[float] | Array, progress: Progress, steps: int) -> Result | None:
        """Check a policy step: success by the true depth, then workspace, then time."""
        return self._termination.of_pose(pose, progress.depth, steps)

    def reward_terms(
        self, before: Progress, after: Progress, forces: Sequence[float], result: Result | None
    ) -> dict[str, float]:
        """Return the weighted terms; every result but success and timeout is a failure."""
        success = result is Result.success
        failure = result not in (None, Result.success, Result.timeout)
        return reward_terms(self._weights, before, after, forces, success, failure)


class TaskFactory(Protocol):
    """Factory of tasks, such as a task's class."""

    def __call__(self, part: PegHole, config: TaskConfig) -> Task:
        """Create a task for a part.

        Raises:
            ValueError: Part and configuration are not compatible.
        """


TASKS: Registry[TaskFactory] = Registry("task")


def register_task(name: str, factory: TaskFactory) -> None:
    """Register a task under its name in ``task.name``.

    Args:
        name: Name of the task.
        factory: Factory of the task.

    Raises:
        ValueError: Another task has the name.
    """
    TASKS.register(name, factory)


register_task("insertion", InsertionTask)

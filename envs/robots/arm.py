"""Arm that holds the tool, in any engine that simulates arms."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import asdict
from typing import Any

import numpy as np

from assembly_rl.controllers.se3 import Pose, Quaternion, Vector
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.physics import ArmModel, NotCopied, SupportsArms, World, physics_rate
from assembly_rl.envs.robots.config import RobotConfig
from assembly_rl.envs.robots.kinematics import ArmKinematics, Array, homogeneous


class ArmRobot(NotCopied):
    """Robot with joints: the servo's spring is attached to the flange of an arm instead of to the command.

    The joints follow the commanded flange pose under position control, within their limits of angle, speed
    and torque. The spring-damper pulls the tool towards the arm's flange; the opposite wrench acts on the
    last link, one physics step later. The arm has no contacts; there is no gravity, as for an arm with
    gravity compensation.

    Args:
        world: World of the tool.
        config: Base and posture.
        kinematics: Kinematics of the arm on its base.
        model: Model of the arm for an engine.
        speed_limit: Speed limit of each joint (n,) [rad/s].

    Raises:
        ValueError: The engine simulates no arms, or the arm cannot reach the tool's pose in the world.

    Attributes:
        joint_limit: True if a joint is at its limit.
    """

    def __init__(
        self,
        world: World,
        config: RobotConfig,
        kinematics: ArmKinematics,
        model: ArmModel,
        speed_limit: Array,
    ) -> None:
        if not isinstance(world, SupportsArms):
            raise InputError(
                f"the physics engine {world.config.engine!r} simulates no arms: use "
                f"task.robot.model=floating, or another task.physics.engine with {config.model!r}"
            )
        self._world, self._config = world, deepcopy(config)
        self._rate = physics_rate(world.config)
        self._kinematics, self._speed_limit = kinematics, speed_limit
        self.arm = world.add_arm(model)
        self.reset(*world.pose())

    @property
    def joints(self) -> Array:
        """Commanded joint angles (n,) [rad], a copy."""
        return self._joints.copy()

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        """Place arm and tool at rest at a flange pose [m, xyzw].

        Raises:
            ValueError: The arm cannot reach the pose within its joint limits.
        """
        self._joints = self._kinematics.solve(position, orientation)
        self.joint_limit = False
        self.arm.reset(self._joints.tolist())
        self._world.reset(*self.arm.flange())

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        """Move the joints linearly towards the commanded flange pose [m, xyzw]."""
        arm, world, kinematics = self.arm, self._world, self._kinematics
        change, _ = kinematics.towards(self._joints, homogeneous(position, orientation))
        period = steps / self._rate
        change *= min(1.0, float((self._speed_limit * period / np.maximum(np.abs(change), 1e-12)).min()))
        end = np.clip(self._joints + change, kinematics.lower, kinematics.upper)
        self.joint_limit = bool(((end == kinematics.lower) | (end == kinematics.upper)).any())
        speeds: list[float] = ((end - self._joints) / period).tolist()
        path: Iterable[list[float]] = np.linspace(self._joints, end, steps, endpoint=False).tolist()
        self._joints = end
        for angles in path:
            arm.drive(angles, speeds)
            fx, fy, fz, mx, my, mz = world.pull
            arm.apply_wrench(world.pose()[0], (-fx, -fy, -fz, -mx, -my, -mz))
            world.advance(1, *arm.flange())

    def require_reachable(self, poses: Iterable[Pose]) -> None:
        """Check that the arm can reach flange poses [m, xyzw].

        Raises:
            ValueError: The arm cannot reach a pose within its joint limits.
        """
        for pose in poses:
            self._kinematics.solve(*pose)

    def content(self) -> list[Any]:
        """Return the configuration."""
        return [asdict(self._config)]

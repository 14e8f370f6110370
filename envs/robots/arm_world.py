"""The insertion world with an arm that carries the tool."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from assembly_rl.controllers.se3 import Pose, Quaternion, Vector, compose
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics import InsertionWorld, PhysicsConfig
from assembly_rl.envs.physics.engine import pybullet
from assembly_rl.envs.robots.arm import (
    JOINTS,
    LAST_LINK,
    MOUNT,
    SPEED_LIMIT,
    TORQUE_LIMIT,
    URDF,
    Arm,
    homogeneous,
)
from assembly_rl.envs.robots.config import RobotConfig

TABLE_EDGE, TABLE_THICKNESS = 0.14, 0.03  # m
TABLE_COLOUR = (0.80, 0.82, 0.85, 1.0)
POSITION_GAIN, VELOCITY_GAIN = 0.1, 1.0
"""Of the joints' position control: share of the error that a physics step takes away, and of the speed's."""


class ArmWorld(InsertionWorld):
    """The tool on its servo's spring, which hangs on the flange of an arm instead of on the command.

    The joints follow the commanded flange pose under position control, within their limits of speed and
    torque. The spring-damper pulls the tool towards the flange where the arm has it; the last link feels the
    opposite wrench, one physics step later. The arm touches nothing; there is no gravity, as for an arm that
    compensates its own.

    Args:
        part, config, cutoff, visual: As of ``InsertionWorld``.
        robot: Which arm, and where it stands.

    Raises:
        ValueError: A joint of the posture is beyond its limits.
    """

    def __init__(
        self, part: PegHole, config: PhysicsConfig, cutoff: float, robot: RobotConfig, visual: bool = False
    ) -> None:
        self.robot = robot
        self.arm = Arm(robot)
        super().__init__(part, config, cutoff, visual)

    def _build(self, visual: bool) -> None:
        super()._build(visual)
        flags = pybullet.URDF_USE_INERTIA_FROM_FILE | pybullet.URDF_IGNORE_COLLISION_SHAPES
        self.body = pybullet.loadURDF(
            str(URDF),
            *self.arm.base,
            useFixedBase=True,
            flags=flags | (0 if visual else pybullet.URDF_IGNORE_VISUAL_SHAPES),
            physicsClientId=self.client,
        )
        if visual:
            self._table()

    def _table(self) -> None:
        """What arm and plate stand on, in pictures only."""
        x, y = self.robot.base_position[:2]
        half = [0.5 * abs(x) + TABLE_EDGE, 0.5 * abs(y) + TABLE_EDGE, 0.5 * TABLE_THICKNESS]
        shape = pybullet.createVisualShape(
            pybullet.GEOM_BOX, halfExtents=half, rgbaColor=TABLE_COLOUR, physicsClientId=self.client
        )
        centre = (0.5 * x, 0.5 * y, -self.part.hole_depth - 0.5 * TABLE_THICKNESS)
        pybullet.createMultiBody(0.0, -1, shape, centre, physicsClientId=self.client)

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        """As of ``InsertionWorld``, with the arm at rest where it holds the tool.

        Raises:
            ValueError: The arm does not reach the pose within its joint limits.
        """
        self.joints = self.arm.solve(position, orientation)
        self.joint_limit = False
        for joint, angle in zip(JOINTS, self.joints.tolist(), strict=True):
            pybullet.resetJointState(self.body, joint, angle, 0.0, self.client)
        super().reset(*self.flange())

    def flange(self) -> Pose:
        """Flange pose of the arm [m, xyzw] in the hole frame; the tool's is ``pose``."""
        # Without computing them anew, Bullet tells where links were before the last step.
        state = pybullet.getLinkState(self.body, LAST_LINK, False, True, self.client)
        return compose((state[4], state[5]), MOUNT)

    def torques(self) -> list[float]:
        """Torques of the joints' motors in the last physics step [Nm]."""
        states = pybullet.getJointStates(self.body, JOINTS, self.client)
        return [state[3] for state in states]

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        """As of ``InsertionWorld``, but that the joints, not the pose, move on a straight line."""
        arm, body, client = self.arm, self.body, self.client
        change, _ = arm.towards(self.joints, homogeneous(position, orientation))
        period = steps / self.config.rate
        change *= min(1.0, float((SPEED_LIMIT * period / np.maximum(np.abs(change), 1e-12)).min()))
        end = np.clip(self.joints + change, arm.lower, arm.upper)
        self.joint_limit = bool(((end == arm.lower) | (end == arm.upper)).any())
        speeds = ((end - self.joints) / period).tolist()
        path: Iterable[Any] = np.linspace(self.joints, end, steps, endpoint=False).tolist()
        self.joints = end
        for angles in path:
            pybullet.setJointMotorControlArray(
                body,
                JOINTS,
                pybullet.POSITION_CONTROL,
                angles,
                speeds,
                TORQUE_LIMIT,
                [POSITION_GAIN] * 7,
                [VELOCITY_GAIN] * 7,
                client,
            )
            where = self.pose()[0]
            fx, fy, fz, mx, my, mz = self.pull
            pybullet.applyExternalForce(body, LAST_LINK, (-fx, -fy, -fz), where, pybullet.WORLD_FRAME, client)
            pybullet.applyExternalTorque(body, LAST_LINK, (-mx, -my, -mz), pybullet.WORLD_FRAME, client)
            super().advance(1, *self.flange())

    def _physics_content(self) -> list[Any]:
        return [*super()._physics_content(), asdict(self.robot) | {"model": self.robot.model.name}]

"""Arm in a PyBullet world."""

from collections.abc import Sequence

from assembly_rl.controllers.se3 import Pose, Vector, compose
from assembly_rl.controllers.wrench import Wrench
from assembly_rl.envs.physics.bullet.library import pybullet
from assembly_rl.envs.physics.connection import NotCopied
from assembly_rl.envs.physics.world import ArmModel

TABLE_EDGE, TABLE_THICKNESS = 0.14, 0.03  # m
TABLE_COLOUR = (0.80, 0.82, 0.85, 1.0)
POSITION_GAIN, VELOCITY_GAIN = 0.1, 1.0
"""Position control of the joints: share of the errors of angle and speed corrected per physics step."""


class BulletArm(NotCopied):
    """Implementation of ``SimulatedArm`` as a multi-body without collision.

    Args:
        client: PyBullet client.
        model: Model of the arm.
        visual: Build visual shapes for pictures, too.
    """

    def __init__(self, client: int, model: ArmModel, visual: bool) -> None:
        self.model = model
        self._client = client
        flags = pybullet.URDF_USE_INERTIA_FROM_FILE | pybullet.URDF_IGNORE_COLLISION_SHAPES
        self._body = pybullet.loadURDF(
            str(model.urdf),
            *model.base,
            useFixedBase=True,
            flags=flags | (0 if visual else pybullet.URDF_IGNORE_VISUAL_SHAPES),
            physicsClientId=client,
        )
        count = len(model.torque_limit)
        self._joints, self._last_link = range(count), count - 1
        self._torque_limit = list(model.torque_limit)
        self._gains = [POSITION_GAIN] * count, [VELOCITY_GAIN] * count

    def reset(self, joints: Sequence[float]) -> None:
        """Place the arm at rest at joint angles (n,) [rad]."""
        for joint, angle in zip(self._joints, joints, strict=True):
            pybullet.resetJointState(self._body, joint, angle, 0.0, self._client)

    def joints(self) -> list[float]:
        """Return the joint angles (n,) [rad]."""
        states = pybullet.getJointStates(self._body, self._joints, self._client)
        return [state[0] for state in states]

    def flange(self) -> Pose:
        """Return the pose [m, xyzw] of the flange in the hole frame."""
        # Unless recomputed, Bullet's link poses are those before the last step.
        state = pybullet.getLinkState(self._body, self._last_link, False, True, self._client)
        return compose((state[4], state[5]), self.model.flange)

    def drive(self, joints: Sequence[float], speeds: Sequence[float]) -> None:
        """Set the targets of the joints for the next physics step: angles [rad] and speeds [rad/s]."""
        pybullet.setJointMotorControlArray(
            self._body,
            self._joints,
            pybullet.POSITION_CONTROL,
            joints,
            speeds,
            self._torque_limit,
            *self._gains,
            self._client,
        )

    def apply_wrench(self, position: Vector, wrench: Wrench) -> None:
        """Apply a wrench [N, Nm] about a position [m] to the last link in the next physics step."""
        body, link, client, frame = self._body, self._last_link, self._client, pybullet.WORLD_FRAME
        pybullet.applyExternalForce(body, link, wrench[:3], position, frame, client)
        pybullet.applyExternalTorque(body, link, wrench[3:], frame, client)

    def torques(self) -> list[float]:
        """Return the torques of the joints' motors in the last physics step (n,) [Nm]."""
        states = pybullet.getJointStates(self._body, self._joints, self._client)
        return [state[3] for state in states]

    def draw_table(self, hole_depth: float) -> None:
        """Add the table of arm and plate, in pictures only."""
        x, y, _ = self.model.base[0]
        half = [0.5 * abs(x) + TABLE_EDGE, 0.5 * abs(y) + TABLE_EDGE, 0.5 * TABLE_THICKNESS]
        shape = pybullet.createVisualShape(
            pybullet.GEOM_BOX, halfExtents=half, rgbaColor=TABLE_COLOUR, physicsClientId=self._client
        )
        centre = (0.5 * x, 0.5 * y, -hole_depth - 0.5 * TABLE_THICKNESS)
        pybullet.createMultiBody(0.0, -1, shape, centre, physicsClientId=self._client)

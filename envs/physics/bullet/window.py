"""PyBullet's window on a world: a client of its own that repeats the poses and leaves the physics alone."""

import contextlib
from collections.abc import Callable

from assembly_rl.controllers.se3 import Pose
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.geometry.mesh import FLANGE_THICKNESS
from assembly_rl.envs.physics.bullet.arm import BulletArm
from assembly_rl.envs.physics.bullet.bodies import add_picture
from assembly_rl.envs.physics.bullet.library import pybullet, silently
from assembly_rl.envs.physics.connection import NotCopied

YAW, PITCH = 24.0, -24.0
"""Direction of the view [deg]."""


class BulletWindow(NotCopied):
    """Implementation of ``Window``.

    Args:
        part: Geometry of peg and hole.
        arm: Arm of the world; None without one.
        pose: Function that returns the pose [m, xyzw] of the flange in the world.

    Raises:
        ValueError: The process has a window.
    """

    def __init__(self, part: PegHole, arm: BulletArm | None, pose: Callable[[], Pose]) -> None:
        self._world_arm, self._pose = arm, pose
        with silently():
            try:
                self._client = pybullet.connect(pybullet.GUI, options="--width=960 --height=720")
            except pybullet.error:
                self._client = -1
            if self._client >= 0:
                self._build(part)
        if self._client < 0:
            raise InputError("PyBullet has one window in a process: close the other environment first")

    def _build(self, part: PegHole) -> None:
        client, arm = self._client, self._world_arm
        for flag in (pybullet.COV_ENABLE_GUI, pybullet.COV_ENABLE_SHADOWS):
            pybullet.configureDebugVisualizer(flag, 0, physicsClientId=client)
        self._tool = add_picture(client, part)
        self._arm = None if arm is None else BulletArm(client, arm.model, visual=True)
        if self._arm is not None:
            self._arm.draw_table(part.hole_depth)
        top, bottom = part.peg_length + FLANGE_THICKNESS, -part.hole_depth - part.floor
        distance, middle = (1.1 * (top - bottom), 0.5 * (top + bottom)) if arm is None else (1.0, 0.2)
        pybullet.resetDebugVisualizerCamera(distance, YAW, PITCH, (0.0, 0.0, middle), client)
        self.show()

    @property
    def is_open(self) -> bool:
        """False once somebody has closed it."""
        return self._client >= 0 and bool(pybullet.isConnected(self._client))

    def show(self) -> None:
        """Show the world as it is now."""
        pybullet.resetBasePositionAndOrientation(self._tool, *self._pose(), physicsClientId=self._client)
        if self._arm is not None and self._world_arm is not None:
            self._arm.reset(self._world_arm.joints())

    def close(self) -> None:
        """Close the window; closing twice is harmless."""
        if self._client >= 0:
            with contextlib.suppress(pybullet.error), silently():
                pybullet.disconnect(self._client)
            self._client = -1

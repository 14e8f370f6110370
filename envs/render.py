"""A camera for the insertion world."""

import numpy as np
import pybullet
from numpy.typing import NDArray

from assembly_rl.envs.physics import InsertionWorld


def render(world: InsertionWorld, width: int = 640, height: int = 480) -> NDArray[np.uint8]:
    """Picture of a world that was built with ``visual=True``, (height, width, 3) uint8.

    The plate is cut open on the side of the camera. PyBullet's software renderer is used: on machines
    without a display it is as fast as OpenGL.
    """
    position, orientation = world.pose()
    pybullet.resetBasePositionAndOrientation(
        world.tool_picture, position, orientation, physicsClientId=world.client
    )
    view = pybullet.computeViewMatrix((0.0, -0.105, 0.045), (0.0, 0.0, 0.008), (0.0, 0.0, 1.0))
    projection = pybullet.computeProjectionMatrixFOV(38.0, width / height, 0.01, 1.0)
    _, _, pixels, _, _ = pybullet.getCameraImage(
        width,
        height,
        view,
        projection,
        lightDirection=(-0.6, -1.0, 1.4),
        shadow=1,
        renderer=pybullet.ER_TINY_RENDERER,
        physicsClientId=world.client,
    )
    return np.asarray(pixels, dtype=np.uint8).reshape(height, width, 4)[:, :, :3].copy()

"""Search along a spiral, as cells do it without a learned controller."""

from math import cos, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PITCH = 8e-4
"""Distance of two turns [m]."""
SPEED = 0.01
"""Speed along the spiral [m/s]."""
PUSH = -0.75
"""Action along z."""
REACH, REACH_ANGLE = 1e-3, 0.05
"""Deviations at which an action is 1 [m, rad]."""
TILT = 0.1
"""Angle of the tool in a tilt search [rad]."""
DROP = 7e-4
"""Descent by which the tip has found the hole [m]."""


def spiral_action(time: float, pose: Array, tilted: bool) -> Array:
    """Return the action (6,) that leads the tip along an Archimedean spiral about the estimated axis.

    Its radius is ``sqrt(PITCH SPEED t / pi)``, so that the speed is constant. A tilt search leans the tool
    into the direction of motion.

    Args:
        time: Time since the start of the search [s].
        pose: Pose of the tip in the nominal frame (6,) [m, rad].
        tilted: True for a tilt search.
    """
    radius = sqrt(PITCH * SPEED * time / pi)
    angle = 2.0 * pi * radius / PITCH
    target = np.array((radius * cos(angle), radius * sin(angle)))
    tilt = np.array((-TILT * cos(angle), -TILT * sin(angle), 0.0)) if tilted else np.zeros(3)
    action = np.empty(6)
    action[:2] = (target - pose[:2]) / REACH
    action[2] = PUSH
    action[3:] = (tilt - pose[3:]) / REACH_ANGLE
    return np.clip(action, -1.0, 1.0)

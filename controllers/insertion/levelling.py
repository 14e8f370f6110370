"""Levelling of a peg: pressed gently, it is turned until its end face lies flat on the surface."""

from collections.abc import Sequence
from math import hypot

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PRESS = 0.9
"""Action along -z."""
TURN = 100.0
"""Action about x and y for each metre between the tip and the line of the contact force [1/m]."""
LEAST_FORCE = 1.0
"""Axial force below which that distance is not believed [N]."""
STILL, WINDOW = 0.003, 0.3
"""Turn [rad] in a time [s] at which the end face lies flat."""


class Levelling:
    """Rule that turns a pressed peg about its tip in the direction of the contact moment.

    Where the end face touches at one side the contact force passes beside the tip, and turning with its
    moment brings the other side down. On a flat surface that is perpendicular to the hole, the tilt that
    remains is that of the surface: the estimate's error of tilt is known then.

    Args:
        longest: Time after which it ends in any case [s].
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self.begin(0.0)

    def begin(self, time: float) -> None:
        """Begin at a time [s]."""
        self._began = time
        self._tilts: list[tuple[float, float, float]] = []  # time [s], tilt about x and y [rad]

    def is_over(self, time: float, pose: Array) -> bool:
        """Return True if the peg no longer turns, or if it has taken too long; call it once in a policy step.

        Args:
            time: Time [s].
            pose: Pose of the tip in the nominal frame (6,) [m, rad].
        """
        if time - self._began >= self._longest:
            return True
        self._tilts.append((time, float(pose[3]), float(pose[4])))
        while time - self._tilts[0][0] > WINDOW + 1e-9:
            del self._tilts[0]
        since, x, y = self._tilts[0]
        return time - since >= WINDOW - 1e-9 and hypot(pose[3] - x, pose[4] - y) < STILL

    @staticmethod
    def action(wrench: Sequence[float] | Array) -> Array:
        """Return the action (6,) for the mean wrench (6,) [N, Nm] of the last policy step."""
        force = max(abs(float(wrench[2])), LEAST_FORCE)
        turn = TURN / force * np.array(wrench[3:5], dtype=np.float64)
        return np.array((0.0, 0.0, -PRESS, *np.clip(turn, -1.0, 1.0), 0.0))

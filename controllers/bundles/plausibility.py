"""Bounds of commands and of measured poses, derived from the limits that a manifest states."""

from collections import deque
from math import acos, cos, degrees, dist, hypot

from assembly_rl.controllers import bounds
from assembly_rl.controllers.insertion import InsertionConfig
from assembly_rl.controllers.se3 import Pose, Quaternion
from assembly_rl.controllers.wrench import ToolConfig

ROUNDING = 1e-9
"""Rounding of a command's position [m] and of the components of its quaternion."""
FOLLOWING_DISTANCE = 0.01
"""Largest distance between measured and commanded flange, beyond the distance that a lag explains [m]."""
FOLLOWING_ANGLE = 0.1
"""Largest angle between measured and commanded flange, beyond the angle that a lag explains [rad]."""
LAG = 0.1
"""Longest lag of a robot behind its commands [s]."""
NEAR = cos(0.5 * FOLLOWING_ANGLE)
"""Smallest scalar product of two unit quaternions within that angle."""
JUMP_DISTANCE = 0.001
"""Noise of a measured position [m]."""
JUMP_ANGLE = 0.01
"""Noise of a measured orientation [rad]."""


def angle_between(a: Quaternion, b: Quaternion) -> float:
    """Return the angle between two orientations [rad]."""
    return 2.0 * acos(min(1.0, abs(a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3])))


class CommandBound:
    """Bound on the change of a command in a control period, from the stated limits.

    In a period the tip moves by at most ``admittance.speed_limit`` along x, y and z, with ``path.speed``
    added along z; its orientation turns by at most the norm of the angular limits, since the exponential map
    of rotations does not stretch. The flange turns about the tip at the distance of ``tool.centre``.

    Args:
        config: Limits, path and rate.
        tool: Position of the tip.

    Attributes:
        distance: Largest distance that the flange moves [m].
        angle: Largest angle that it turns [rad].
    """

    def __init__(self, config: InsertionConfig, tool: ToolConfig) -> None:
        x, y, z, *turn = config.admittance.speed_limit
        period = 1.0 / config.control_rate
        self.angle = period * hypot(*turn)
        self.distance = period * hypot(x, y, z + config.path.speed) + hypot(*tool.centre) * self.angle
        self._chord = 0.5 * self.angle + ROUNDING  # distance of unit quaternions: at most half the angle

    def allows(self, before: Pose, after: Pose) -> bool:
        """Return True if a command is finite and within the bound of the one before."""
        return (
            dist(before[0], after[0]) <= self.distance + ROUNDING and dist(before[1], after[1]) <= self._chord
        )


class PoseCheck:
    """Check of measured poses against the speed of robots and against the commands.

    A pose is not usable if it moved faster since the last usable one than ``bounds.SPEED`` (or than twice
    the bound of the commands), or if it is farther from the command than ``FOLLOWING_DISTANCE`` or
    ``FOLLOWING_ANGLE`` and the way that the command made during ``LAG``.

    Args:
        bound: Bound of the commands.
        period: Control period [s].
    """

    def __init__(self, bound: CommandBound, period: float) -> None:
        self._step = max(bounds.SPEED[0] * period, 2.0 * bound.distance)
        self._turn = max(bounds.SPEED[1] * period, 2.0 * bound.angle)
        self._commands: deque[Pose] = deque(maxlen=1 + round(LAG / period))

    def reset(self, pose: Pose) -> None:
        """Start with the robot at rest at a pose."""
        self._commands.clear()
        self._last, self._periods = pose, 0

    def fault(self, pose: Pose, command: Pose) -> str:
        """Check the pose of a control period; return why it is not usable, or an empty string.

        Args:
            pose: Measured pose.
            command: Command that the robot had to reach by now.
        """
        self._commands.append(command)
        self._periods += 1
        (position, q), (last, a), (goal, c) = pose, self._last, command
        moved, error = dist(position, last), dist(position, goal)
        turned = abs(q[0] * a[0] + q[1] * a[1] + q[2] * a[2] + q[3] * a[3])
        missed = abs(q[0] * c[0] + q[1] * c[1] + q[2] * c[2] + q[3] * c[3])
        if moved > JUMP_DISTANCE + self._periods * self._step:
            return f"the measured pose jumped by {1e3 * moved:.1f} mm"
        if turned < NEAR and angle_between(q, a) > JUMP_ANGLE + self._periods * self._turn:
            return f"the measured pose jumped by {degrees(angle_between(q, a)):.1f} degrees"
        if error > FOLLOWING_DISTANCE or missed < NEAR:
            earlier, angle = self._commands[0], angle_between(q, c)
            if error > FOLLOWING_DISTANCE + dist(goal, earlier[0]) or angle > (
                FOLLOWING_ANGLE + angle_between(c, earlier[1])
            ):
                return (
                    f"the measured pose is {1e3 * error:.1f} mm and {degrees(angle):.1f} degrees from the "
                    "command: does the robot follow?"
                )
        self._last, self._periods = pose, 0
        return ""

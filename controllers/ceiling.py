"""Ceiling of the contact wrench: commands that no contact of a stated stiffness can turn into more.

Let x be the position of the tip that the robot's drive has reached, f the force of the contact, and k the
stiffness of drive, tool and environment in series. As a function of x, the force of springs between bodies
in contact is minus the gradient of a convex potential whose curvature is at most k. Such a gradient is
co-coercive (Baillon and Haddad 1977): a motion d of x changes f by an e with ``|e + k d / 2| <= k |d| / 2``.
So the force after a motion d from where f was measured is at most

    |f - k d / 2| + k |d| / 2.

Motions that keep this below a ceiling F form an ellipsoid, with foci where f was measured and where a
contact of stiffness k is relieved twice, at 2 f / k; its longest axis is 2 F / k. A rotation by an angle a
moves contacts within a lever l of the tip by at most l a, and adds at most ``k l a``. The moment about the
tip is bounded in the same way.

A command is allowed if the bounds hold for one of two motions d:

1. the motion to the command, where the robot ends if the command stays;
2. the motion until the robot stops if the command turns back in the next period: the motion that command or
   robot made within the robot's stopping time, and what a lag adds until a command that comes back with a
   speed u meets the robot. A robot that follows with a first-order lag, with a speed v, a distance D behind
   its command, goes on by ``D (1 - log(1 + v / u) u / v)``.

So a robot with a large lag may move faster than by rule 1. A command that neither rule allows is slowed down
as much as it takes; where even a command that stays is not allowed, it goes back to the robot with speed u,
as it does without a usable wrench.

A tool that stops at a contact while it moves with a speed v adds an impact ``z v``: sqrt(m k) of an effective
mass m, or the damping of a drive. It enters as a further motion ``z v / k``. The force that a drive with
springs and damping has while it pushes is in the reading already, and is not counted again.
"""

from collections import deque
from collections.abc import Sequence
from math import ceil, exp, hypot, inf, log1p, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.se3 import Vector, cross
from assembly_rl.controllers.serialization import copied
from assembly_rl.controllers.validation import InputError, require_cutoff

Array = NDArray[np.float64]
Room = tuple[float, float]
"""Force [N] and moment [Nm] that are left."""

REFERENCE_SHARE = 0.9
"""Largest share of the ceiling that a reference wrench may ask for."""
PLANNED_SHARE = 0.9
"""Share of what rule 2 leaves that a command plans with: then going on is allowed in the next period, too."""
RETREAT_SHARE = 0.5
"""Largest share of the ceiling that the impact of a retreat may have."""
LARGEST_RETREAT = 0.05
"""Largest speed of a retreat [m/s]."""


def _sizes(vector: Array) -> tuple[float, float]:
    """Return the lengths of the translational and the rotational part of a vector (6,)."""
    a, b, c, d, e, f = vector.tolist()
    return hypot(a, b, c), hypot(d, e, f)


class ForceCeiling:
    """Limits commands so that the contact wrench stays below a ceiling, whatever asks for them.

    Poses are those of the tip in the nominal frame, six floats: position [m], rotation vector [rad].
    Wrenches are about the tip, in the axes of that frame.

    Args:
        config: Ceiling, robot and contact.
        rate: Control rate [Hz].

    Raises:
        ValueError: There is no ceiling, or its stiffness is not stated, or the cutoff is not below the
            Nyquist frequency.

    Attributes:
        active: True if the latest command was held back.
    """

    def __init__(self, config: CeilingConfig, rate: float) -> None:
        config = copied(config)
        if config.force is None:
            raise InputError("CeilingConfig.force must be a number for a ceiling, got None")
        if not config.stiffness:
            raise InputError(
                "CeilingConfig.stiffness must be stated for a ceiling: that of the stiffest contact in "
                "series with the robot [N/m, Nm/rad]"
            )
        require_cutoff("CeilingConfig.sensor_cutoff", config.sensor_cutoff, rate)
        linear, angular = config.stiffness
        self._soft, self._twisted = (1.0 / value for value in config.drive_stiffness or (inf, inf))
        error, turning = config.tare_error
        # An error of the reading counts once as such, and once as an error of the pose of the drive.
        self._force = config.force - error * (1.0 + linear * self._soft)
        self._moment = inf
        if config.moment is not None:
            self._moment = config.moment - turning * (1.0 + angular * self._twisted)
        self._linear, self._angular, self._coupling = linear, angular, linear * config.lever
        self._half_stiffness = np.array([0.5 * linear] * 3 + [0.5 * angular] * 3)
        self._reach = 0.5 * (1.0 + 2.0 * config.overshoot)
        impact, angular_impact = config.impact or (0.0, 0.0)
        time = impact / linear  # a contact off the tip moves with the rotation, too
        turning_time = max(time, angular_impact / angular) if config.moment is not None else time
        self._impact_time = np.array([time] * 3 + [turning_time] * 3)
        self._rate, cutoff = rate, config.sensor_cutoff
        self._keep = 0.0 if cutoff is None else exp(-2.0 * pi * cutoff / rate)
        delay = ceil(config.sensor_delay * rate - 1e-9)
        # The reaction to a reading comes a period after it.
        window = 1 + delay + ceil((config.stopping_time or 0.0) * rate - 1e-9)
        self._per_second = rate / window
        self._measured: deque[Array] = deque(maxlen=1 + delay)
        self._poses: deque[tuple[Array, Array]] = deque(maxlen=window)
        self._commands: deque[Array] = deque(maxlen=window)
        self._back = min(LARGEST_RETREAT, RETREAT_SHARE * config.force / impact if impact else inf)
        self._back_step, self._back_turn = self._back / rate, self._back / rate / config.lever
        self.reset(np.zeros(6))

    def reset(self, pose: ArrayLike) -> None:
        """Start with the robot at rest at a pose (6,)."""
        start = np.array(pose, dtype=np.float64)
        for past in (self._measured, self._commands):
            past.extend([start] * (past.maxlen or 1))
        self._poses.extend([(start, start)] * (self._poses.maxlen or 1))
        self._reading = np.zeros(6)
        self.active = False

    def bounded(self, reference: Sequence[float]) -> list[float]:
        """Scale force and moment of a reference wrench (6,) [N, Nm] to at most nine tenths of the ceiling."""
        scaled: list[float] = []
        for part, ceiling in ((reference[:3], self._force), (reference[3:], self._moment)):
            size, most = hypot(*part), REFERENCE_SHARE * ceiling
            scaled += [most / size * value for value in part] if size > most else part
        return scaled

    def limit(self, wanted: ArrayLike, measured: ArrayLike, wrench: ArrayLike, arm: Vector) -> list[float]:
        """Limit the command of a control period.

        Args:
            wanted: Pose that is to be commanded (6,).
            measured: Measured pose (6,), now.
            wrench: Latest reading of the contact wrench (6,) [N, Nm].
            arm: Position of the flange from the tip [m].

        Returns:
            Pose to command (6,).
        """
        goal = np.array(wanted, dtype=np.float64)
        reading = self._unfiltered(np.array(wrench, dtype=np.float64))
        self._measured.append(np.array(measured, dtype=np.float64))
        tool = self._measured[0]
        drive = self._drive_pose(tool, reading, arm)
        (was_drive, was_tool), last, first = self._poses[0], self._commands[-1], self._commands[0]
        self._poses.append((drive, tool))
        moved, change, room = drive - was_drive, goal - last, (self._force, self._moment)
        impact = self._per_second * self._impact_time * (tool - was_tool)
        pushing = self._per_second * self._impact_time * moved  # what the reading has of it
        faster = self._rate * self._impact_time * change
        share = self._share(goal - drive, impact - pushing + faster, reading, room)
        if share < 1.0:
            left = self._after_lag(goal - drive, moved)
            share = self._share(np.zeros(6), moved + impact, reading, left)
            if share >= 0.0:
                planned = PLANNED_SHARE * left[0], PLANNED_SHARE * left[1]
                share = self._share(change + faster, last - first + impact - pushing, reading, planned)
        if share < 0.0:
            command = last + self._retreat(drive - last, reading)
        else:
            command = last + share * change if share < 1.0 else goal
        self.active = share < 1.0
        self._commands.append(command)
        return list(command.tolist())

    def back(self) -> list[float]:
        """Return a command (6,) on the way back to where the robot was with the latest usable wrench."""
        last = self._commands[-1]
        command = last + self._slowly(self._poses[-1][0] - last)
        self._commands.append(command)
        return list(command.tolist())

    def _unfiltered(self, reading: Array) -> Array:
        """Return the wrench (6,) of which the sensor's first-order filter made its latest readings."""
        before, self._reading = self._reading, reading
        return reading + self._keep / (1.0 - self._keep) * (reading - before)

    def _drive_pose(self, tool: Array, wrench: Array, arm: Vector) -> Array:
        """Return the pose (6,) of the drive: ahead of the measured one by the wrench on its springs."""
        if not self._soft and not self._twisted:
            return tool
        fx, fy, fz, mx, my, mz = wrench.tolist()
        a, b, c = cross(arm, (fx, fy, fz))  # the springs are at the flange
        turn = (self._twisted * (mx - a), self._twisted * (my - b), self._twisted * (mz - c))
        a, b, c = cross(turn, arm)
        soft = self._soft
        return tool + np.array((soft * fx - a, soft * fy - b, soft * fz - c, *turn))

    def _after_lag(self, lead: Array, moved: Array) -> Room:
        """Return the room less what a robot with a lag adds until the command has come back to it."""
        ratio = self._per_second * _sizes(moved)[0] / self._back
        share = 1.0 - log1p(ratio) / ratio if ratio > 1e-6 else 0.5 * ratio
        way, angle = _sizes(share * lead)
        return (
            self._force - self._linear * way - self._coupling * angle,
            self._moment - self._angular * angle - self._coupling * way,
        )

    def _retreat(self, way: Array, wrench: Array) -> Array:
        """Return the change (6,) of a command back to the robot, and to where an excess is relieved."""
        force, moment = _sizes(wrench)
        pull = max(0.0, force - self._force) / (max(force, 1e-12) * self._linear)
        twist = max(0.0, moment - self._moment) / (max(moment, 1e-12) * self._angular)
        return self._slowly(way + wrench * np.array([pull] * 3 + [twist] * 3))

    def _slowly(self, way: Array) -> Array:
        """Return the part of a motion (6,) that a retreat makes in a period."""
        distance, angle = _sizes(way)
        return way / max(1.0, distance / self._back_step, angle / self._back_turn)

    def _share(self, motion: Array, base: Array, wrench: Array, room: Room) -> float:
        """Return the largest share of a motion that keeps force and moment within their room.

        Args:
            motion: Motion (6,) of which a share is made.
            base: Motion (6,) that is made before it in any case.
            wrench: Wrench (6,) before both.
            room: Room of force and moment.

        Returns:
            Share up to 1; -1 if the base alone is too much.
        """
        (way, angle), (before, turned) = _sizes(motion), _sizes(base)
        half, turn = 0.5 * self._linear, 0.5 * self._angular
        rest = wrench - self._half_stiffness * base
        (force, moment), along = _sizes(rest), (rest * self._half_stiffness * motion).tolist()
        reach = 2.0 * self._reach
        left = room[0] - half * reach * before - self._coupling * turned
        if force >= left:
            return -1.0
        bound = half * reach * way + self._coupling * angle
        share = _crossing(force, along[0] + along[1] + along[2], half * way, bound, left)
        if room[1] < inf:
            left = room[1] - turn * reach * turned - self._coupling * before
            if moment >= left:
                return -1.0
            bound = turn * reach * angle + self._coupling * way
            share = min(share, _crossing(moment, along[3] + along[4] + along[5], turn * angle, bound, left))
        return share


def _crossing(size: float, along: float, length: float, reach: float, room: float) -> float:
    """Return the largest share s <= 1 with ``|w - s u| + s reach <= room``.

    Args:
        size: Length of w, less than ``room``.
        along: Product of w and u.
        length: Length of u.
        reach: Bound of what comes in addition, at least ``length``.
        room: Bound of the sum.
    """
    square, rest = length * length, room - reach
    if rest >= 0.0 and size * size - 2.0 * along + square <= rest * rest:
        return 1.0
    a, b, c = square - reach * reach, along - room * reach, size * size - room * room
    return min(1.0, c / (b - sqrt(max(0.0, b * b - a * c))))

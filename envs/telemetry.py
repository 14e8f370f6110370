"""Telemetry of a robot controller: channels that follow the motion, and many that follow nothing in it."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers import bounds
from assembly_rl.controllers.insertion.telemetry_term import (
    COUNTERS,
    EXOGENOUS,
    INFLUENCED,
    NOISES,
    SCALES,
    SUPPLIES,
    SWITCHES,
    TEMPERATURES,
    count_of,
)
from assembly_rl.controllers.validation import InputError, require_not_negative

Array = NDArray[np.float64]

FAULTS = ("none", "drift", "freeze", "cut")

LINKS = (
    (0.0, 0.1625, pi / 2.0),
    (-0.425, 0.0, 0.0),
    (-0.3922, 0.0, 0.0),
    (0.0, 0.1333, pi / 2.0),
    (0.0, 0.0997, -pi / 2.0),
    (0.0, 0.0996, 0.0),
)
"""Length [m], offset [m] and twist [rad] of each joint by Denavit and Hartenberg; a UR5e (its data sheet)."""
CONFIGURATION = (0.3, -1.7, 1.9, -1.8, -1.5, 0.2)
"""Joint positions above the hole [rad]."""
TORQUE_CONSTANT = 10.0
"""Torque of a joint per motor current [Nm/A]."""
NOISE = 0.05
"""Standard deviation of the noise of the channels that follow the motion, in their scales."""
SLOW, QUICK = 0.99, 0.9
"""Correlation of temperatures and of supplies from one policy step to the next."""
FLIP = 0.05
"""Probability that a switch changes in a policy step."""
RANGE = 3.4
"""Width of the range of a counter, in its scale; its standard deviation is then about 1."""
HISTORY = 3


@dataclass
class TelemetryConfig:
    """Faults of the telemetry channels that no action influences; see the observation group ``telemetry``.

    Attributes:
        fault: Fault of all these channels: ``none``; ``drift`` away at a constant rate, each in a random
            direction; ``freeze`` at their last values; ``cut`` to zero.
        fault_time: Time from the start of the episode to the fault [s].
        drift: Rate of the drift, in scales of a channel per second.
    """

    fault: str = "none"
    fault_time: float = 0.0
    drift: float = 2.0

    def __post_init__(self) -> None:
        if self.fault not in FAULTS:
            raise InputError(
                f"TelemetryConfig.fault must be one of {', '.join(FAULTS)}, got {self.fault!r:.80}"
            )
        require_not_negative(self, fault_time=bounds.TIME, drift=bounds.RATIO)


def arm_frames(joints: Sequence[float]) -> list[Array]:
    """Compute the frame (4, 4) of the base and those after each joint, the last that of the flange.

    Args:
        joints: Joint positions [rad].
    """
    frame = np.eye(4)
    frames = [frame]
    for (length, offset, twist), angle in zip(LINKS, joints, strict=True):
        c, s, ct, st = cos(angle), sin(angle), cos(twist), sin(twist)
        frame = frame @ np.array(
            [
                [c, -s * ct, s * st, length * c],
                [s, c * ct, -c * st, length * s],
                [0.0, st, ct, offset],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )
        frames.append(frame)
    return frames


def arm_jacobian() -> Array:
    """Compute the Jacobian (6, 6) of the arm's flange in ``CONFIGURATION``: twist [m/s, rad/s] per rad/s."""
    *before, flange = arm_frames(CONFIGURATION)
    axes = [frame[:3, 2] for frame in before]
    arms = [flange[:3, 3] - frame[:3, 3] for frame in before]
    linear = [np.cross(axis, arm) for axis, arm in zip(axes, arms, strict=True)]
    return np.concatenate([np.array(linear).T, np.array(axes).T])


class Telemetry:
    """Telemetry of an arm that holds the tool, for one environment; the state is that of an episode.

    Joint positions and velocities are those of small motions about a configuration, by its Jacobian J;
    currents those of the joint torques J^T w. The other channels are stationary: temperatures and supplies
    are autoregressive, the rest is white noise, counters that wrap round, and switches that flip at random.

    Args:
        config: Faults.
        period: Policy period [s].
    """

    def __init__(self, config: TelemetryConfig, period: float) -> None:
        self._config, self._period = config, period
        self._jacobian = arm_jacobian()
        self._inverse = np.linalg.inv(self._jacobian)
        self._influenced = count_of(INFLUENCED)
        kinds = (TEMPERATURES, SUPPLIES, NOISES, COUNTERS, SWITCHES)
        ends = np.cumsum([count_of(kind) for kind in kinds])
        self._parts = [slice(end - count_of(kind), end) for kind, end in zip(kinds, ends, strict=True)]

    def reset(self, rng: np.random.Generator) -> None:
        """Start an episode.

        Args:
            rng: Random generator of the episode, from which nothing is drawn: the telemetry has a generator
                of its own, far ahead of it, so that all else in an episode is the same without telemetry.
        """
        ahead: np.random.PCG64 = deepcopy(rng.bit_generator)  # type: ignore[assignment]
        self._rng = np.random.Generator(ahead.jumped())
        count = count_of(EXOGENOUS)
        self._own = self._rng.standard_normal(count)
        *_, counters, switches = self._parts
        self._own[counters] = RANGE * (self._rng.random(counters.stop - counters.start) - 0.5)
        self._own[switches] = np.where(self._own[switches] < 0.0, -1.0, 1.0)
        self._counts = self._rng.uniform(0.02, 0.5, counters.stop - counters.start)
        self._directions = np.where(self._rng.random(count) < 0.5, -1.0, 1.0)
        self._frozen = self._own.copy()
        self._poses: list[Array] = []
        self._twist = np.zeros(6)
        self._steps = 0

    def read(self, wrench: Array, pose: Array, twist: Array) -> Array:
        """Advance by a policy step and return all channels, in their units.

        Args:
            wrench: Wrench (6,) [N, Nm].
            pose: Pose of the tip (6,) [m, rad].
            twist: Twist of the tip (6,) [m/s, rad/s].
        """
        if self._steps:
            self._advance()
        time = self._steps * self._period
        self._steps += 1
        self._poses = [pose.copy(), *(self._poses or [pose] * HISTORY)][:HISTORY]
        influenced = np.concatenate(
            [
                self._inverse @ pose,
                self._inverse @ twist,
                self._jacobian.T @ wrench / TORQUE_CONSTANT,
                (twist - self._twist)[:3] / self._period,
                self._in_base(self._poses[1]),
                self._poses[2],
            ]
        )
        self._twist = twist.copy()
        scales = SCALES[: self._influenced]
        influenced += NOISE * scales * self._rng.standard_normal(len(scales))
        return np.concatenate([influenced, self._exogenous(time) * SCALES[self._influenced :]])

    def _in_base(self, pose: Array) -> Array:
        """Turn a pose (6,) by the first joint, from the axes of the hole to those of the base."""
        c, s = cos(CONFIGURATION[0]), sin(CONFIGURATION[0])
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        return np.concatenate([turn @ pose[:3], turn @ pose[3:]])

    def _advance(self) -> None:
        noise = self._rng.standard_normal(len(self._own))
        temperatures, supplies, noises, counters, switches = self._parts
        for part, kept in ((temperatures, SLOW), (supplies, QUICK), (noises, 0.0)):
            self._own[part] = kept * self._own[part] + (1.0 - kept**2) ** 0.5 * noise[part]
        moved = self._own[counters] + self._counts
        self._own[counters] = (moved + RANGE / 2.0) % RANGE - RANGE / 2.0
        flips = self._rng.random(switches.stop - switches.start) < FLIP
        self._own[switches] = np.where(flips, -self._own[switches], self._own[switches])

    def _exogenous(self, time: float) -> Array:
        """Return the channels that no action influences, in their scales, with their fault."""
        fault, late = self._config.fault, time - self._config.fault_time
        if fault == "none" or late < 0.0:
            self._frozen = self._own.copy()
            return self._own
        if fault == "drift":
            return self._own + self._config.drift * late * self._directions
        return self._frozen if fault == "freeze" else np.zeros_like(self._own)

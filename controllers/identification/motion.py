"""Commands of the motion in free space: rest, sweeps of all axes, and tilts."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import (
    InputError,
    finite_numbers,
    require_not_negative,
    require_positive,
)

Array = NDArray[np.float64]


@dataclass
class ExcitationConfig:
    """Motion by which a robot is identified, about the pose at which it begins.

    Attributes:
        amplitude: Largest offsets of the sweeps [m, rad].
        frequencies: First and last frequency of a sweep [Hz].
        duration: Duration of each of the three sweeps [s]; each moves along and about an axis.
        speed: Largest speeds of the sweeps and tilts [m/s, rad/s]; above the frequency at which it is reached
            the amplitude falls.
        rest: Time at rest at the beginning, which gives the bias [s].
        tilt: Angle of four orientations in which the tool's mass is weighed [rad]; 0 for none.
        force: Force of the pushes [N]; 0 for none.
        direction: Direction of the pushes in the robot's base frame, a unit vector.
        travel: Longest way to the surface, and into it [m].
        approach_speed: Speed until it is touched [m/s]. The force then rises by this times lag, delay and
            stiffness.
        push_time: Duration of the pushes between two forces [s].
        settle: Time for which a force is awaited [s]; three times the robot's lag or more.
        force_limit: Force at which the robot retreats and stops [N].
        moment_limit: Moment at which it does [Nm].
    """

    amplitude: list[float] = field(default_factory=lambda: [0.003, 0.03])
    frequencies: list[float] = field(default_factory=lambda: [0.2, 12.0])
    duration: float = 10.0
    speed: list[float] = field(default_factory=lambda: [0.06, 0.6])
    rest: float = 1.0
    tilt: float = 0.17
    force: float = 12.0
    direction: list[float] = field(default_factory=lambda: [0.0, 0.0, -1.0])
    travel: float = 0.03
    approach_speed: float = 0.0005
    push_time: float = 10.0
    settle: float = 0.6
    force_limit: float = 30.0
    moment_limit: float = 3.0

    def __post_init__(self) -> None:
        for name, largest in (
            ("amplitude", (0.02, 0.2)),
            ("speed", bounds.SPEED),
            ("frequencies", (50.0, 50.0)),
        ):
            value = getattr(self, name)
            if not finite_numbers(value, 2) or not all(
                0 < v <= m for v, m in zip(value, largest, strict=True)
            ):
                raise InputError(
                    f"ExcitationConfig.{name} must be two numbers > 0 and <= {largest[0]:g}, {largest[1]:g}, "
                    f"got {value!r:.80}"
                )
        if not self.frequencies[0] < self.frequencies[1]:
            raise InputError(f"ExcitationConfig.frequencies must rise, got {self.frequencies}")
        require_positive(
            self, duration=120.0, rest=60.0, travel=0.2, approach_speed=0.01, push_time=120.0, settle=10.0,
            force_limit=bounds.WRENCH[0], moment_limit=bounds.WRENCH[1],
        )  # fmt: skip
        require_not_negative(self, tilt=0.6, force=bounds.WRENCH[0])
        if self.force > 0.6 * self.force_limit:
            raise InputError(
                f"ExcitationConfig.force must be <= 0.6 force_limit, {0.6 * self.force_limit:g} N, so "
                "that pushes do "
                f"not end at the limit; got {self.force}"
            )
        if not finite_numbers(self.direction, 3) or abs(np.linalg.norm(self.direction) - 1.0) > 1e-6:
            raise InputError(f"ExcitationConfig.direction must be a unit vector, got {self.direction!r:.80}")


def free_motion(config: ExcitationConfig, rate: float) -> tuple[Array, list[str]]:
    """Return the commands of the motion in free space, relative to its beginning.

    Args:
        config: Motion.
        rate: Control rate [Hz].

    Returns:
        (n, 6) offsets of position and rotation vector [m, rad], and n phases.
    """
    still = np.zeros((round(config.rest * rate), 6))
    sweeps = [np.zeros((0, 6))]
    wave = _sweep(config, rate)
    for axis in range(3):
        part = np.zeros((len(wave), 6))
        part[:, [axis, 3 + axis]] = wave
        sweeps += [part, np.zeros((round(0.3 * rate), 6))]
    moving = np.concatenate(sweeps)
    tilts, phases = _tilts(config, rate)
    return np.concatenate([still, moving, tilts]), ["rest"] * len(still) + ["free"] * len(moving) + phases


def _sweep(config: ExcitationConfig, rate: float) -> Array:
    """Offsets along and about an axis, (n, 2); the frequency rises exponentially."""
    low, high = config.frequencies
    times = np.arange(round(config.duration * rate)) / rate
    growth = np.log(high / low) / config.duration
    frequency = low * np.exp(growth * times)
    phase = 2.0 * np.pi * (frequency - low) / growth
    fade = np.minimum(1.0, np.minimum(times, config.duration - times) / 0.2)
    bounded = [
        np.minimum(amplitude, speed / (2.0 * np.pi * frequency))
        for amplitude, speed in zip(config.amplitude, config.speed, strict=True)
    ]
    return np.stack([fade * one * np.sin(phase) for one in bounded], axis=1)


def _tilts(config: ExcitationConfig, rate: float) -> tuple[Array, list[str]]:
    """Offsets of slow tilts about x and y with a rest after each, and their phases."""
    if config.tilt == 0.0:
        return np.zeros((0, 6)), []
    # A smooth step (1 - cos) / 2 is fastest in its middle, by pi / 2 times its mean speed.
    speed = min(0.2, config.speed[1])
    offsets, phases = [], []
    here = np.zeros(6)
    for axis, sign in ((3, 1.0), (3, -1.0), (4, 1.0), (4, -1.0), (4, 0.0)):
        there = np.zeros(6)
        there[axis] = sign * config.tilt
        seconds = 0.5 * np.pi * np.abs(there - here).max() / speed + 1.0 / rate
        share = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, round(seconds * rate) + 1) / round(seconds * rate))
        rest = round(config.rest * rate)
        offsets += [here + share[:, None] * (there - here), np.tile(there, (rest, 1))]
        phases += ["other"] * len(share) + ["rest"] * rest
        here = there
    return np.concatenate(offsets), phases

"""Description of a robot in a control loop, and the limits that a compliance law has to keep."""

from dataclasses import dataclass, field
from typing import NamedTuple

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import (
    InputError,
    is_finite,
    require_cutoff,
    require_not_negative,
    require_positive,
    require_times,
)

SMALLEST_SENSITIVITY = 1.1
"""Smallest limit on the sensitivity; at 1 no loop is left."""


class PlantPoint(NamedTuple):
    """One plant of the set.

    Attributes:
        stiffness: Stiffness of the contact in translation, in series with the mount, coupling included [N/m].
        lag: Lag of the robot [s].
        delay: Delay of the robot [s].
    """

    stiffness: float
    lag: float
    delay: float

    def __str__(self) -> str:
        return f"stiffness {self.stiffness:.3g} N/m, lag {self.lag:g} s, delay {self.delay:g} s"


@dataclass
class RobotLoop:
    """Robot, sensor and filter in the loop that a compliance law closes.

    Attributes:
        rate: Control rate [Hz].
        lag: Range [low, high] of the robot's lag [s]: its time constant if it is of first order; of second
            order, the time by which it trails a steady motion, twice the damping ratio over the natural
            frequency.
        delay: Range [low, high] of the pure delay from command to motion [s]; fractions of a period count.
        damping_ratio: Damping ratio of a position loop of second order; null for first order.
        sensor_delay: Delay from contact to reading [s].
        sensor_cutoff: Cutoff of the sensor's own first-order low-pass filter [Hz]; null for none.
        cutoff: Cutoff of the controller's filter of the wrench [Hz]; null for none.
        lead: Lead of a servo that follows the velocity of a command, which it reaches linearly in a period
            [s]; 0 for linear motion alone, null for a command that is held. See ``ContactConfig``.
        mount: Stiffness of the robot itself, its mount and its tool, in series with the contact [N/m]; null
            for rigid.
        least_mass: Smallest virtual mass [kg]; not below the mass on the far side of the sensor.
        explicit: True for a controller that steps the law with velocity and offset of the step before, as the
            admittance_controller of ros2_controllers does; False for implicit Euler, as here.
    """

    rate: float = 200.0
    lag: list[float] = field(default_factory=lambda: [0.0, 0.04])
    delay: list[float] = field(default_factory=lambda: [0.0, 0.01])
    damping_ratio: float | None = None
    sensor_delay: float = 0.0
    sensor_cutoff: float | None = None
    cutoff: float | None = None
    lead: float | None = None
    mount: float | None = None
    least_mass: float = 0.1
    explicit: bool = False

    def __post_init__(self) -> None:
        if not (is_finite(self.rate) and bounds.SMALLEST_RATE <= self.rate <= bounds.RATE):
            raise InputError(
                f"RobotLoop.rate must be from {bounds.SMALLEST_RATE:g} Hz to {bounds.RATE:g} Hz, "
                f"got {self.rate}"
            )
        require_times(self, bounds.DELAY, "lag", "delay")
        require_not_negative(self, sensor_delay=bounds.DELAY)
        require_positive(self, least_mass=bounds.MASS)
        require_cutoff("RobotLoop.cutoff", self.cutoff, self.rate)
        for name, most in (("sensor_cutoff", bounds.FREQUENCY), ("mount", bounds.CONTACT_STIFFNESS[0])):
            if getattr(self, name) is not None:
                require_positive(self, **{name: most})
        if self.lead is not None:
            require_not_negative(self, lead=bounds.DELAY)
        if self.damping_ratio is not None and not 0.1 <= self.damping_ratio <= 10.0:
            raise InputError(
                f"RobotLoop.damping_ratio must be from 0.1 to 10, got {self.damping_ratio}; null for a lag "
                "of first order"
            )
        periods = (self.delay[1] + self.sensor_delay) * self.rate
        if periods > bounds.DELAY_PERIODS:
            raise InputError(
                f"RobotLoop.delay + sensor_delay must be <= {bounds.DELAY_PERIODS} control periods, "
                f"got {periods:g} at {self.rate:g} Hz"
            )

    def series(self, stiffness: float) -> float:
        """Return the stiffness of a contact in series with the mount [N/m]."""
        return stiffness if self.mount is None else 1.0 / (1.0 / stiffness + 1.0 / self.mount)


@dataclass
class DesignLimits:
    """Limits that the law has to keep for every plant of the set.

    Attributes:
        sensitivity: Largest sensitivity Ms; at 2, gains may double and the phase lag by 29 degrees.
        settling: Longest time until the contact force stays within 5 % of its final value [s].
        force: Largest contact force [N], at ``approach_speed`` and under ``reference``; null for no limit.
        approach_speed: Speed at which the tool meets the surface [m/s].
        reference: Reference force [N].
        damping: Largest virtual damping [Ns/m], which limits the speed that a force gives in free space;
            null for that of a bundle.
        force_error: Largest share of the reference force that the virtual spring takes from the contact
            force, per displacement of the softest contact; 0 for no spring.
    """

    sensitivity: float = 2.0
    settling: float = 2.0
    force: float | None = None
    approach_speed: float = 0.01
    reference: float = 5.0
    damping: float | None = None
    force_error: float = 0.02

    def __post_init__(self) -> None:
        require_positive(self, sensitivity=bounds.RATIO, settling=bounds.TIME, reference=bounds.WRENCH[0])
        require_not_negative(self, approach_speed=bounds.SPEED[0], force_error=0.5)
        if self.sensitivity < SMALLEST_SENSITIVITY:
            raise InputError(
                f"DesignLimits.sensitivity must be >= {SMALLEST_SENSITIVITY}, got {self.sensitivity}; 1.4 "
                "to 2 is usual"
            )
        if self.force is not None:
            require_positive(self, force=bounds.WRENCH[0])
            if self.force <= self.reference:
                raise InputError(
                    f"DesignLimits.force must be > reference = {self.reference} N, got {self.force} N"
                )
        if self.damping is not None:
            require_positive(self, damping=bounds.DAMPING[0])

"""Configuration of the contact in which a controller has to be stable."""

from dataclasses import dataclass

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import InputError, require_not_negative, require_positive, require_six


@dataclass
class ContactConfig:
    """Contact in which the controller has to be stable.

    Attributes:
        stiffness: Stiffness of environment and robot in series, along each axis [N/m] and [Nm/rad].
        delay: Transport delay from contact to reading [s]; rounded up to whole control periods.
        lag: Time constant of the robot's position loop [s], first order.
        sensor_cutoff: Cutoff of the sensor's own first-order low-pass filter [Hz]; null for none.
        lead: Damping over stiffness of a servo that also follows the velocity of a command, which it reaches
            linearly during the period [s]; 0 for linear motion alone, null for a command that is held.
    """

    stiffness: list[float]
    delay: float = 0.0
    lag: float = 0.0
    sensor_cutoff: float | None = None
    lead: float | None = None

    def __post_init__(self) -> None:
        require_six(self, stiffness=bounds.CONTACT_STIFFNESS)
        require_not_negative(self, delay=bounds.DELAY, lag=bounds.DELAY)
        if self.lead is not None:
            require_not_negative(self, lead=bounds.DELAY)
        if self.sensor_cutoff is not None:
            if not 0.0 < self.sensor_cutoff < float("inf"):
                raise InputError(
                    f"ContactConfig.sensor_cutoff must be > 0 Hz, got {self.sensor_cutoff}; null for none"
                )
            require_positive(self, sensor_cutoff=bounds.FREQUENCY)

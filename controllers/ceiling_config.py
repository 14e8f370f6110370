"""Configuration of the ceiling of the contact wrench."""

from dataclasses import dataclass, field

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import (
    InputError,
    finite_numbers,
    require_not_negative,
    require_positive,
)


@dataclass
class CeilingConfig:
    """Ceiling of the contact wrench, and what has to be known of robot and contact for it.

    Pairs are (translational, rotational). In simulation an empty pair and null stand for what the
    simulated robot has; on a robot they are stated.

    Attributes:
        force: Largest force of the contact [N]; null for no ceiling.
        moment: Largest moment of the contact about the tip [Nm]; null for no ceiling of the moment.
        stiffness: Largest stiffness of drive, tool and environment in series, at the tip [N/m, Nm/rad].
        lever: Largest distance of a contact from the tip [m].
        drive_stiffness: Stiffness between the pose that the drive has reached and the measured pose, at the
            flange [N/m, Nm/rad]; empty on a robot whose measured pose does not yield to a force.
        impact: Wrench per speed at an impact [Ns/m, Nms/rad]: ``sqrt(m k)`` of an effective mass m and a
            contact stiffness k, or the damping of a servo; empty on a robot for none.
        stopping_time: Time after which the robot follows a reversal of its command [s]: its delay, and
            for a servo with inertia half its period in addition; null on a robot for 0.
        overshoot: Share by which the robot overshoots a step of its command.
        sensor_cutoff: Cutoff of the sensor's first-order low-pass filter [Hz]; null on a robot for none.
        sensor_delay: Delay of the reading behind the measured pose [s].
        tare_error: Largest error of a reading at rest [N, Nm]: bias, and noise and resolution after the
            inverse of the sensor's filter, which makes them larger by ``1 / (1 - exp(-2 pi cutoff / rate))``.
    """

    force: float | None = None
    moment: float | None = None
    stiffness: list[float] = field(default_factory=list)
    lever: float = 0.03
    drive_stiffness: list[float] = field(default_factory=list)
    impact: list[float] = field(default_factory=list)
    stopping_time: float | None = None
    overshoot: float = 0.0
    sensor_cutoff: float | None = None
    sensor_delay: float = 0.0
    tare_error: list[float] = field(default_factory=lambda: [0.3, 0.01])

    def __post_init__(self) -> None:
        for name, most in (("force", bounds.WRENCH[0]), ("moment", bounds.WRENCH[1])):
            if getattr(self, name) is not None:
                require_positive(self, **{name: most})
        if self.force is None and self.moment is not None:
            raise InputError(
                f"CeilingConfig.force must be set for a ceiling of the moment, {self.moment} Nm; got None"
            )
        for name in ("stiffness", "drive_stiffness", "impact", "tare_error"):
            self._require_pair(name)
        require_positive(self, lever=bounds.LENGTH)
        if self.stopping_time is not None:
            require_not_negative(self, stopping_time=bounds.DELAY)
        require_not_negative(self, overshoot=1.0, sensor_delay=bounds.DELAY)
        if self.sensor_cutoff is not None:
            require_positive(self, sensor_cutoff=bounds.FREQUENCY)
        for name, error in zip(("force", "moment"), self.tare_error, strict=True):
            limit = getattr(self, name)
            if limit is not None and error >= limit:
                raise InputError(
                    f"CeilingConfig.tare_error leaves nothing of {name} = {limit:g}: it is {error:g}; tare "
                    "better, or allow more"
                )

    def _require_pair(self, name: str) -> None:
        """Refuse a value that is not a pair; only that of the reading's error may be zero or lack."""
        values, label = getattr(self, name), f"CeilingConfig.{name}"
        positive = name != "tare_error"
        if positive and finite_numbers(values, 0):
            return
        if not finite_numbers(values, 2) or not all(
            value > 0.0 if positive else value >= 0.0 for value in values
        ):
            raise InputError(
                f"{label} must be two numbers {'> 0' if positive else '>= 0'}, translational and rotational, "
                f"got {values!r:.80}"
            )
        largest = bounds.WRENCH if name == "tare_error" else bounds.CONTACT_STIFFNESS
        for value, most in zip(values, largest, strict=True):
            if value > most:
                raise InputError(f"{label} must be <= {most:g} in SI units, got {value}")

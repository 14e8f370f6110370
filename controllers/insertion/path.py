"""Nominal insertion path."""

from dataclasses import dataclass

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import require_not_negative, require_positive


@dataclass
class PathConfig:
    """Nominal insertion path: straight down the estimated hole axis at constant speed.

    Attributes:
        start_height: Height of the tip above the estimated mouth at the start [m].
        speed: Speed of the path [m/s].
        ramp: Time of the acceleration from rest to that speed [s].
        lead: Largest distance of the path ahead of the command [m]; beyond it the path waits for the tool.
    """

    start_height: float = 0.002
    speed: float = 0.008
    ramp: float = 0.1
    lead: float = 0.004

    def __post_init__(self) -> None:
        require_positive(self, speed=bounds.SPEED[0], ramp=bounds.TIME, lead=bounds.OFFSET[0])
        require_not_negative(self, start_height=bounds.LENGTH)

"""The nominal insertion path."""

from dataclasses import dataclass

from assembly_rl.controllers.validation import require_not_negative, require_positive


@dataclass
class PathConfig:
    """The nominal insertion path: straight down the estimated hole axis at constant speed.

    Attributes:
        start_height: Height of the tip above the estimated mouth at the start [m].
        speed: Speed of the path [m/s].
        ramp: Time from rest to that speed [s].
        lead: Farthest that the path runs ahead of the command [m]; then it waits for the tool.
    """

    start_height: float = 0.002
    speed: float = 0.008
    ramp: float = 0.1
    lead: float = 0.004

    def __post_init__(self) -> None:
        require_positive(self, "speed", "ramp", "lead")
        require_not_negative(self, "start_height")

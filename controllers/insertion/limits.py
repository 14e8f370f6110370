"""Limits of an insertion."""

from dataclasses import dataclass

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import require_positive


@dataclass
class LimitConfig:
    """Limits at which an episode ends.

    Attributes:
        time: Longest episode [s].
        goal_margin: Distance of the tip from the bottom of the hole at success [m].
        force: Largest filtered force at the tip [N].
        moment: Largest filtered moment about the tip [Nm].
        lateral: Largest distance of the tip from the estimated hole axis [m].
        angle: Largest angle between the peg and the estimated hole frame [rad].
    """

    time: float = 5.0
    goal_margin: float = 0.001
    force: float = 30.0
    moment: float = 1.5
    lateral: float = 0.008
    angle: float = 0.175

    def __post_init__(self) -> None:
        require_positive(
            self,
            time=bounds.TIME,
            goal_margin=bounds.LENGTH,
            force=bounds.WRENCH[0],
            moment=bounds.WRENCH[1],
            lateral=bounds.LENGTH,
            angle=bounds.OFFSET[1],
        )

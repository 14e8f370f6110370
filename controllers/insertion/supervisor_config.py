"""Configuration of the supervisor."""

from dataclasses import dataclass, field

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import (
    InputError,
    is_finite,
    require_not_negative,
    require_positive,
    unknown,
)

SEARCHES = ("policy", "spiral", "tilt")
"""Kinds of search."""
LARGEST_REACH = 10.0
"""Largest factor of ``reach`` and ``yaw_reach``."""


@dataclass
class SupervisorConfig:
    """Configuration of the supervisor, which a policy needs no training for.

    Attributes:
        attempts: Most attempts; 1 for no supervisor.
        searches: Kinds of search of the attempts, in turn: ``policy``; or, until the tip drops into the hole,
            ``spiral`` or ``tilt``.
        reach: Factors by which the policy sees its lateral position smaller in the attempts, in turn, and
            so searches farther.
        yaw_reach: Factors on its yaw, likewise.
        patience: Longest search of an attempt that another one follows [s].
        jam_time: Time without an advance in the hole after which an attempt ends [s].
        advance: Least advance that counts [m].
        entered: Depth of the tip below the surface from which on it is in the hole [m].
        contact: Force at which the tip touches [N].
        level_time: Longest levelling after the touch [s]; 0 for none.
        share: Share of ``limits.force``, ``moment``, ``lateral`` and ``angle`` at which an attempt ends.
        clearance: Height above the surface to which the tip retreats [m].
        height: Largest correction of the estimated height of the mouth by touch [m].
        offset: Distance of the starts of further attempts from the estimated axis [m].
        yaw: Angle by which these starts are turned about it, to and fro [rad].
    """

    attempts: int = 1
    searches: list[str] = field(default_factory=lambda: ["policy"])
    reach: list[float] = field(default_factory=lambda: [1.0, 1.6])
    yaw_reach: list[float] = field(default_factory=lambda: [1.3, 1.8])
    patience: float = 8.0
    jam_time: float = 1.5
    advance: float = 3e-4
    entered: float = 0.002
    contact: float = 2.5
    level_time: float = 2.0
    share: float = 0.9
    clearance: float = 0.003
    height: float = 0.004
    offset: float = 0.002
    yaw: float = 0.03

    def __post_init__(self) -> None:
        own = self.attempts
        if not isinstance(own, int) or isinstance(own, bool) or not 1 <= own <= bounds.ATTEMPTS:
            raise InputError(f"attempts must be an integer from 1 to {bounds.ATTEMPTS}, got {own!r}")
        if not self.searches:
            raise InputError(f"searches must be one or more of {', '.join(SEARCHES)}, got []")
        for search in self.searches:
            if search not in SEARCHES:
                raise InputError(unknown("search", search, list(SEARCHES)))
        for name in ("reach", "yaw_reach"):
            _require_factors(name, getattr(self, name))
        require_positive(
            self,
            patience=bounds.TIME,
            jam_time=bounds.TIME,
            advance=bounds.LENGTH,
            entered=bounds.LENGTH,
            contact=bounds.WRENCH[0],
            share=1.0,
            clearance=bounds.LENGTH,
        )
        require_not_negative(
            self,
            level_time=bounds.TIME,
            height=bounds.LENGTH,
            offset=bounds.LENGTH,
            yaw=bounds.OFFSET[1],
        )


def _require_factors(name: str, factors: list[float]) -> None:
    """Raise a ValueError unless there is a factor, and all are from 1 / LARGEST_REACH to LARGEST_REACH."""
    if not factors or not all(
        is_finite(own) and 1.0 / LARGEST_REACH <= own <= LARGEST_REACH for own in factors
    ):
        raise InputError(
            f"{name} must be one or more numbers from {1.0 / LARGEST_REACH:g} to {LARGEST_REACH:g}, "
            f"got {factors!r:.80}"
        )

"""Phases of a supervised insertion, and reasons for the end of an attempt."""

from enum import StrEnum
from typing import NamedTuple


class Phase(StrEnum):
    """Phase of a supervised insertion."""

    approach = "approach"
    """Down the nominal path, with no action, until the tip touches."""
    level = "level"
    """Pressed gently and turned with the moment, until the end face lies flat on the surface."""
    search = "search"
    """The policy acts; the tip is on the surface, or less than ``SupervisorConfig.entered`` below it."""
    insert = "insert"
    """The policy acts; the tip is in the hole."""
    recover = "recover"
    """Up, compliantly, until the tip is clear of the surface."""
    align = "align"
    """Sideways in free space, to the start of the next attempt."""

    @property
    def of_policy(self) -> bool:
        """True if the policy acts in this phase."""
        return self in (Phase.search, Phase.insert)


class Reason(StrEnum):
    """Reason for the end of an attempt."""

    force = "force"
    """The force came close to its limit."""
    moment = "moment"
    """The moment came close to its limit."""
    workspace = "workspace"
    """The tip came close to the limits of its distance from the nominal axis, or of its angle."""
    search = "search"
    """The search took longer than ``SupervisorConfig.patience``."""
    jam = "jam"
    """The tip did not advance in the hole for ``SupervisorConfig.jam_time``."""


class Attempt(NamedTuple):
    """End of an attempt that another one followed.

    Attributes:
        time: Time since the start of the insertion [s].
        reason: Reason for its end.
    """

    time: float
    reason: Reason

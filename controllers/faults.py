"""Fault flags that a controller reports with every command."""

from enum import IntFlag


class Fault(IntFlag):
    """Flags of a control step; none is set if the law ran unchanged."""

    NONE = 0
    INVALID_INPUT = 1
    """Wrench or reference is not six finite numbers; it is not used."""
    STALE_WRENCH = 2
    """The wrench is older than ``max_age``, from the future or without a usable stamp; it is not used."""
    TIMING = 4
    """The step came early, late or out of order."""
    WRENCH_LIMIT = 8
    """A component of the wrench was cut to its limit."""
    REFERENCE_LIMIT = 16
    """A component of the reference was cut to its limit."""
    OFFSET_LIMIT = 32
    """The offset is at the edge of its workspace."""
    SPEED_LIMIT = 64
    """The offset moved at its speed limit."""
    GAIN_REJECTED = 128
    """A requested law was refused as unstable in contact, or waits for energy in the tank."""
    GAIN_EXPIRED = 256
    """Requested gains were not renewed in time; the controller goes back to the law of its reset."""
    STOPPED = 512
    """A usable wrench was missing for too long; the command stands still until ``reset``."""
    FORCE_CEILING = 1024
    """The command was held back: it could have led to a wrench above the ceiling."""

    def __str__(self) -> str:
        return self.name or "NONE"

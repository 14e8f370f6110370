"""What a controller reports with every command."""

from enum import IntFlag


class Fault(IntFlag):
    """Flags of a control step; none set means that the law ran as it is written."""

    NONE = 0
    INVALID_INPUT = 1
    """Wrench or reference not six finite numbers; not used."""
    STALE_WRENCH = 2
    """The wrench is older than ``max_age``, or stamped in the future, or without a usable stamp; not used."""
    TIMING = 4
    """The step came early, late or out of order."""
    WRENCH_LIMIT = 8
    """A component of the wrench was cut to its limit."""
    REFERENCE_LIMIT = 16
    """A component of the reference was cut to its limit."""
    OFFSET_LIMIT = 32
    """The offset stands at the edge of its workspace."""
    SPEED_LIMIT = 64
    """The offset moved at its speed limit."""
    GAIN_REJECTED = 128
    """A requested law was refused as unstable in contact, or waits for energy in the tank."""
    GAIN_EXPIRED = 256
    """Requested gains were not renewed in time; the controller goes back to the law of its reset."""
    STOPPED = 512
    """No usable wrench for too long; the command stands still until ``reset``."""

    def __str__(self) -> str:
        return self.name or "NONE"

"""Identification of robot, sensor, tool and contact from a recording."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from assembly_rl.controllers import bounds
from assembly_rl.controllers.identification.contact import Contact, contact_of
from assembly_rl.controllers.identification.estimate import Identification
from assembly_rl.controllers.identification.recording import MotionRecording
from assembly_rl.controllers.identification.servo import FreeMotion, lag_of
from assembly_rl.controllers.identification.tool import tool_of
from assembly_rl.controllers.validation import require_vector

CONTACT = ("sensor_lag", "sensor_delay", "sensor_cutoff", "contact_stiffness", "servo_stiffness")


def identify(
    recording: MotionRecording,
    interpolated: bool = True,
    gravity: Sequence[float] = (0.0, 0.0, -9.81),
) -> Identification:
    """Identify the robot's lag and delay, and what else a recording tells.

    Args:
        recording: Recording with motion in free space; with contact, for sensor and stiffnesses.
        interpolated: True if the robot reaches each command linearly during the following period, as the
            simulation does; false if a command acts at once and is held. The delay of the second is longer
            by half a period, and that is the only difference.
        gravity: Gravity in the robot's base frame [m/s2].

    Raises:
        ValueError: The recording cannot tell the lag, or its contact is unusable; the message says why and
            what to record.
    """
    require_vector("gravity", gravity, bounds.GRAVITY)
    free = FreeMotion(recording, interpolated)
    told: dict[str, Any] = {}
    own, untold = lag_of(free, recording.period)
    told |= own
    if (recording.phases == "contact").any():
        contact = Contact(recording, interpolated, free.fit.values[:3])
        values, reasons = contact_of(contact, free.friction, recording.period)
    else:
        values = dict.fromkeys(CONTACT)
        reasons = dict.fromkeys(CONTACT, "no contact was recorded, or no rows are marked as contact")
    told |= values
    untold |= reasons
    tool, reasons = tool_of(recording, np.array(gravity, dtype=np.float64))
    told |= tool
    untold |= reasons
    return Identification(
        **told, untold=untold, period=recording.period, interpolated=interpolated, residual=free.residual
    )

"""Difference between the commands of two recordings."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from assembly_rl.controllers import Recording


def command_differences(one: Recording, other: Recording) -> NDArray[np.float64]:
    """Compute the difference between the commands of two recordings, row by row.

    Args:
        one: Recording of n commands.
        other: Recording of n commands.

    Returns:
        (n, 6) translation [m] and rotation vector [rad] from one to the other, in the axes of the base.
    """
    turned = Rotation.from_quat(other.commands[:, 3:]) * Rotation.from_quat(one.commands[:, 3:]).inv()
    moved = other.commands[:, :3] - one.commands[:, :3]
    return np.concatenate([moved, turned.as_rotvec()], axis=1)

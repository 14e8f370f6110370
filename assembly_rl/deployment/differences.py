"""How far the commands of two recordings are apart."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from assembly_rl.controllers import Recording


def differences(one: Recording, other: Recording) -> NDArray[np.float64]:
    """Commands of the other less those of the one, (n, 6) [m, rad] in the axes of the base."""
    turned = Rotation.from_quat(other.commands[:, 3:]) * Rotation.from_quat(one.commands[:, 3:]).inv()
    moved = other.commands[:, :3] - one.commands[:, :3]
    return np.concatenate([moved, turned.as_rotvec()], axis=1)

"""Coordinates of recorded poses and wrenches."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def coordinates(poses: Array, origin: Array) -> Array:
    """Return positions and rotation vectors relative to a pose, (6, n) [m, rad].

    Args:
        poses: (n, 7) poses [m, xyzw].
        origin: (7,) pose.
    """
    x, y, z, w = (origin[3:] * np.array([-1.0, -1.0, -1.0, 1.0])).tolist()
    a, b, c, d = poses[:, 3:].T
    vector = np.stack(
        [
            w * a + x * d + y * c - z * b,
            w * b - x * c + y * d + z * a,
            w * c + x * b - y * a + z * d,
        ]
    )
    real = w * d - x * a - y * b - z * c
    vector, real = np.where(real < 0.0, -vector, vector), np.abs(real)
    length = np.linalg.norm(vector, axis=0)
    angle = 2.0 * np.arctan2(length, real)
    factor = np.where(length > 1e-12, angle / np.maximum(length, 1e-12), 2.0)
    return np.concatenate([(poses[:, :3] - origin[:3]).T, factor * vector])


def rotations(poses: Array) -> Array:
    """Return the rotation matrices of poses (n, 7), shape (n, 3, 3)."""
    x, y, z, w = poses[:, 3:].T
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], axis=-1),
            np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], axis=-1),
            np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], axis=-1),
        ],
        axis=-2,
    )

"""Inputs of the network that recognises contact states, from the readings of the last half second."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

READING = 18
"""Numbers of a reading: wrench [N, Nm], pose of the tip [m, rad] and commanded pose, in nominal axes."""

WINDOW = 100
"""Readings of a window: half a second at 200 Hz."""

BLOCK = 2
"""Readings that are averaged: the network sees 100 Hz."""

CHANNELS = tuple(
    f"{group}_{axis}"
    for group in ("wrench", "moved", "deflection")
    for axis in ("x", "y", "z", "rx", "ry", "rz")
)
"""Channels over time: wrench, pose relative to the present one, command relative to the pose."""

PRESENT = ("x", "y", "z", "rx", "ry", "rz", "near_z")
"""Components of the present pose; the last one is z once more, in a finer scale."""

SCALE = np.array(
    [5.0, 5.0, 10.0, 0.1, 0.1, 0.05] + [5e-4] * 3 + [0.01] * 3 + [1e-3] * 3 + [0.02] * 3, dtype=np.float32
)
"""Scales of the channels [N, Nm, m, rad]."""

PRESENT_SCALE = np.array([2e-3, 2e-3, 1e-2, 0.05, 0.05, 0.05, 1e-3], dtype=np.float32)
"""Scales of the present pose [m, rad]."""

BOUND = 3.0
"""Bound of an input: ``BOUND tanh(value / (BOUND scale))``."""


def features(windows: NDArray[np.floating]) -> tuple[Array, Array]:
    """Compute the inputs of the network.

    Args:
        windows: Readings (n, ``WINDOW``, 18), the latest one last.

    Returns:
        Channels over time (n, 18, ``WINDOW / BLOCK``), and the present pose (n, 7).
    """
    count = len(windows)
    means = windows.reshape(count, WINDOW // BLOCK, BLOCK, READING).mean(axis=2, dtype=np.float64)
    wrench, pose, command = means[..., :6], means[..., 6:12], means[..., 12:]
    present = pose[:, -1]
    channels = np.concatenate((wrench, pose - present[:, None], command - pose), axis=2)
    seen = _bounded(channels / SCALE).transpose(0, 2, 1)
    return np.ascontiguousarray(seen), _bounded(np.column_stack((present, present[:, 2])) / PRESENT_SCALE)


def _bounded(values: NDArray[np.float64]) -> Array:
    return (BOUND * np.tanh(values / BOUND)).astype(np.float32)

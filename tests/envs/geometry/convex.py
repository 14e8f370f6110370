"""Overlap of convex polygons, without overlays: GEOS may fail where two polygons almost coincide."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TOUCHING = 1e-11
"""Overlap [m] of neighbours that share an edge, by rounding."""


def gap(one: Array, other: Array) -> float:
    """Largest distance [m] of a polygon from an edge line of another, (n, 2) counter-clockwise each."""
    edges = np.roll(one, -1, axis=0) - one
    normals = np.column_stack((edges[:, 1], -edges[:, 0])) / np.linalg.norm(edges, axis=1)[:, None]
    return float(np.sum((other[None] - one[:, None]) * normals[:, None], axis=2).min(axis=1).max())


def largest_overlap(polygons: Sequence[Array]) -> float:
    """Largest depth [m] by which two of several convex polygons overlap (theorem of the separating axis)."""
    pairs = [(one, other) for number, one in enumerate(polygons) for other in polygons[:number]]
    return max((-max(gap(one, other), gap(other, one)) for one, other in pairs), default=0.0)

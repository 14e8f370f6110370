"""Outlines with few vertices: every vertex of a section costs simulation time."""

import math
from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry import Polygon

from assembly_rl.envs.geometry.curves import segment_distances
from assembly_rl.envs.geometry.polygons import Array

FEW = 32
"""Number of corners up to which a drawing keeps all of them."""

MAX_SIMPLIFIED = 512
"""Largest number of vertices of a section from a file, over all of its outlines."""

LONGEST = 64
"""Largest number of chords that become one."""

THINNINGS = (0.015, 0.3)
"""Shares of the tolerance for vertices that hardly turn; the second one if too many are left to search."""

SEARCHED = 1024
"""Largest number of vertices among which the fewest are searched."""


def simplified(points: Array, corners: Sequence[int], tolerance: float) -> Array:
    """Choose the fewest vertices of a closed polyline that stand for it within a tolerance.

    The section is centred on its area centroid. So the tolerance holds for the distance between the two
    polylines, in both directions, plus the shift of the centroid. The result never crosses itself if the
    given polyline does not.

    Args:
        points: Vertices (N, 2) in order, not closed.
        corners: Indices of the ends of the drawn lines and curves, increasing; they are kept if there are at
            most ``FEW``.
        tolerance: Largest distance, in the unit of the points.

    Returns:
        Vertices (M, 2), some of the given ones in their order; all of them if fewer will not do.
    """
    whole = Polygon(points)
    if len(points) <= 3 or not whole.is_valid or whole.area == 0.0:
        return points
    for share in (1.0, 0.8, 0.6, 0.4, 0.2):
        indices, error = _chosen(points, corners, share * tolerance)
        shape = Polygon(points[indices]) if len(indices) > 2 else Polygon()
        if shape.is_empty or not shape.is_valid:
            continue
        if error + whole.centroid.distance(shape.centroid) <= tolerance:
            return points[indices]
    return points


def _chosen(points: Array, corners: Sequence[int], tolerance: float) -> tuple[list[int], float]:
    """Indices of the vertices that stay, and a bound of the distance from the given polyline."""
    count = len(points)
    bounds = list(corners) if 1 <= len(corners) <= FEW else [_sharpest(points)]
    indices: list[int] = []
    largest = 0.0
    for start, end in zip(bounds, [*bounds[1:], bounds[0] + count], strict=True):
        span = np.arange(start, end + 1) % count
        path, error = _simplified_span(points[span], tolerance)
        indices += span[path[:-1]].tolist()
        largest = max(largest, error)
    return sorted(set(indices)), largest


def _simplified_span(points: Array, tolerance: float) -> tuple[list[int], float]:
    """Indices of the vertices of an open polyline that stay, with both ends, and a bound of the error."""
    for thinning in THINNINGS:
        thinned = _thinned(points, thinning * tolerance)
        if len(thinned) <= SEARCHED:
            path, error = _fewest(points[thinned], (1.0 - thinning) * tolerance)
            return [thinned[i] for i in path], error + thinning * tolerance
    return _thinned(points, tolerance), tolerance


def _thinned(points: Array, tolerance: float) -> list[int]:
    """Indices that the algorithm of Douglas and Peucker keeps."""
    kept = shapely.get_coordinates(
        shapely.simplify(shapely.linestrings(points), tolerance, preserve_topology=False)
    ).tolist()
    indices: list[int] = []
    for i, point in enumerate(points.tolist()):  # the kept ones are in the order of the given ones
        if len(indices) < len(kept) and point == kept[len(indices)]:
            indices.append(i)
    return indices


def _sharpest(points: Array) -> int:
    """Index of the vertex at which a closed polyline turns most."""
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return int(np.argmin(np.sum(before * after, axis=1) / np.where(lengths > 0.0, lengths, 1.0)))


def _fewest(points: Array, tolerance: float) -> tuple[list[int], float]:
    """Indices of the fewest vertices of an open polyline, and their error, the least for this number.

    Shortest path over all admissible shortcuts. Source: Imai and Iri (1988).
    """
    last = len(points) - 1
    if last <= 1:
        return list(range(last + 1)), 0.0
    costs, following, error = np.zeros(last + 1), np.zeros(last + 1, dtype=int), np.zeros(last + 1)
    for i in range(last - 1, -1, -1):
        ahead = points[i + 1 : min(last, i + LONGEST) + 1]
        # errors[k]: distance of the vertices between i and i + 1 + k from the shortcut.
        distances = segment_distances(ahead[None, :], points[i], ahead[:, None])
        errors = np.max(np.tril(distances), axis=1)
        total = 1.0 + 1e-5 * (errors / tolerance) ** 2 + costs[i + 1 : i + 1 + len(ahead)]
        total[errors > tolerance] = math.inf
        best = int(np.argmin(total))
        costs[i], following[i], error[i] = total[best], i + 1 + best, errors[best]
    path = [0]
    while path[-1] < last:
        path.append(int(following[path[-1]]))
    return path, float(np.max(error[path]))

"""Slices of a solid: its material at a height, from the triangles that a plane cuts; millimetres."""

from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from assembly_rl.envs.geometry.polygons import Array

Region: TypeAlias = Polygon | MultiPolygon

CRACK = 0.01
"""Largest gap [mm] in the line of a slice that comes from rounding."""

STRAIGHT = 5e-4
"""Points of a slice that are closer than this [mm] to the line through others are dropped."""

MAX_OPEN = 1000
"""Largest number of open lines in a slice that are joined."""

SPACING = 0.5
"""Largest distance [mm] between the points of a boundary at which it is compared with another one."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Material of a solid at a height.

    Attributes:
        height: Height [mm].
        region: Material in the plane [mm].
        gap: Largest gap [mm] in its boundary closed by a straight line; infinite if there are too many.
        gap_place: Middle (2,) of that gap [mm].
        crossing: Place (2,) at which the boundary crosses itself; None if it does not.
        joined: Several surfaces cut each other there, their material was joined.
    """

    height: float
    region: Region
    gap: float = 0.0
    gap_place: tuple[float, float] = (0.0, 0.0)
    crossing: tuple[float, float] | None = None
    joined: bool = False


class Slicer:
    """Slices of a solid across z.

    Args:
        vertices: Vertices (N, 3) [mm].
        faces: Triangles (M, 3).
        bodies: Number (M,) of the connected surface of each triangle.
    """

    def __init__(self, vertices: Array, faces: NDArray[np.int64], bodies: NDArray[np.int64]):
        self._vertices, self._faces, self._bodies = vertices, faces, bodies
        heights = vertices[faces, 2]
        self._low, self._high = heights.min(axis=1), heights.max(axis=1)
        self.bottom, self.top = float(self._low.min()), float(self._high.max())
        levels = np.unique(heights)
        self._heights = levels[np.diff(levels, prepend=-np.inf) > 1e-3]
        self._known: dict[float, Slice] = {}

    def at(self, height: float) -> Slice:
        """Return the slice at a height [mm]; one between two vertices is better than one at a vertex."""
        if height not in self._known:
            self._known[height] = self._cut(height)
        return self._known[height]

    def vertex_near(self, height: float, reach: float) -> float:
        """Height [mm] of the nearest vertex, where a section may begin to change; or as given."""
        nearest = float(self._heights[np.argmin(np.abs(self._heights - height))])
        return nearest if abs(nearest - height) <= reach else height

    def vertex_beyond(self, height: float, side: float) -> float:
        """Height [mm] of the next vertex upward for a side of 1, downward for -1."""
        ahead = self._heights[side * (self._heights - height) >= 0.0]
        return float(ahead[np.argmin(np.abs(ahead - height))]) if len(ahead) else height

    def levels(self, low: float, high: float, most: int = 32) -> list[float]:
        """Heights [mm] at which slices tell how the solid changes between two heights.

        Between the heights of vertices the section changes evenly, so the slices are next to the heights of
        vertices, at most ``most`` of them evenly chosen.
        """
        inside = self._heights[(self._heights > low + 1e-3) & (self._heights < high - 1e-3)]
        bounds = np.concatenate(([low], inside, [high]))
        lengths = np.diff(bounds)
        found = np.concatenate(
            (bounds[:-1] + 0.02 * lengths, bounds[:-1] + 0.5 * lengths, bounds[1:] - 0.02 * lengths)
        )
        found.sort()
        if len(found) > most:
            found = found[np.linspace(0, len(found) - 1, most).round().astype(int)]
        return [float(height) for height in found]

    def _cut(self, height: float) -> Slice:
        cut = (self._low < height) & (self._high >= height)
        faces, bodies = self._faces[cut], self._bodies[cut]
        if len(faces) == 0:
            return Slice(height, Polygon())
        below = self._vertices[faces, 2] < height
        edges = faces[:, [[0, 1], [1, 2], [2, 0]]]
        crossed = edges[below != np.roll(below, -1, axis=1)]
        crossed.sort(axis=1)
        keys = crossed[:, 0] * len(self._vertices) + crossed[:, 1]  # both triangles of an edge get one point
        _, first, nodes = np.unique(keys, return_index=True, return_inverse=True)
        start, end = self._vertices[crossed[first, 0]], self._vertices[crossed[first, 1]]
        share = (height - start[:, 2]) / (end[:, 2] - start[:, 2])
        points = start[:, :2] + share[:, None] * (end - start)[:, :2]
        return _slice(height, points, nodes.reshape(-1, 2), bodies)


def _slice(height: float, points: Array, segments: NDArray[np.int64], bodies: NDArray[np.int64]) -> Slice:
    """Slice from segments between numbered points, by bodies."""
    loops: list[list[list[int]]] = []
    opened: list[list[int]] = []
    for body in np.unique(bodies):
        chains = _chains(segments[bodies == body].tolist())
        loops.append([chain[:-1] for chain in chains if chain[0] == chain[-1]])
        opened += [chain for chain in chains if chain[0] != chain[-1]]
    mended, gap, place = _mended(opened, points)
    regions, crossing = [], None
    for body_loops in [*loops, mended]:
        polygons = []
        for loop in body_loops:
            if len(loop) < 3:
                continue
            polygon = Polygon(points[loop])
            if not polygon.is_valid:
                polygon, bad = _without_specks(polygon)
                crossing = crossing or bad
            if polygon.area > CRACK**2:
                polygons.append(polygon)
        if polygons:
            regions.append(reduce(shapely.symmetric_difference, polygons))
    region, joined = _together(regions)
    few = shapely.simplify(_areas(region), STRAIGHT, preserve_topology=True)
    return Slice(height, few, gap, place, crossing, joined)


def _chains(segments: list[list[int]]) -> list[list[int]]:
    """Join segments to chains of points; closed ones end where they begin."""
    at: dict[int, list[int]] = {}
    for i, (a, b) in enumerate(segments):
        at.setdefault(a, []).append(i)
        at.setdefault(b, []).append(i)
    used = [a == b for a, b in segments]
    ends = [point for point, own in at.items() if len(own) % 2 == 1]
    chains = []
    for start in [*ends, *at]:  # open chains first
        while True:
            chain = [start]
            while True:
                following = next((i for i in at[chain[-1]] if not used[i]), None)
                if following is None:
                    break
                used[following] = True
                a, b = segments[following]
                chain.append(b if a == chain[-1] else a)
                if chain[-1] == start:
                    break
            if len(chain) == 1:
                break
            chains.append(chain)
    return chains


def _mended(chains: list[list[int]], points: Array) -> tuple[list[list[int]], float, tuple[float, float]]:
    """Close open chains, nearest ends first; with the largest gap and its middle."""
    largest, place = 0.0, (0.0, 0.0)
    if not chains:
        return [], largest, place
    if len(chains) > MAX_OPEN:
        x, y = points[chains[0][0]].tolist()
        return [], float("inf"), (x, y)
    ends = points[[chain[i] for chain in chains for i in (0, -1)]]
    distances = np.linalg.norm(ends[:, None] - ends, axis=2)
    rows, columns = np.triu_indices(len(ends), 1)
    partner: dict[int, int] = {}
    for k in np.argsort(distances[rows, columns], kind="stable").tolist():
        a, b = int(rows[k]), int(columns[k])
        if a in partner or b in partner:
            continue
        partner[a], partner[b] = b, a
        if distances[a, b] > largest:
            largest = float(distances[a, b])
            x, y = (0.5 * (ends[a] + ends[b])).tolist()
            place = (x, y)
    loops, done = [], set()
    for first in range(len(chains)):
        loop: list[int] = []
        end = 2 * first
        while end // 2 not in done:  # enter a chain at one end, leave it at the other
            done.add(end // 2)
            loop += chains[end // 2] if end % 2 == 0 else chains[end // 2][::-1]
            end = partner[end ^ 1]
        if loop:
            loops.append(loop)
    return loops, largest, place


def _without_specks(polygon: Polygon) -> tuple[Any, tuple[float, float] | None]:
    """Repair a loop that crosses itself within ``CRACK``; otherwise the place where it does."""
    repaired = _areas(shapely.make_valid(polygon))
    parts = list(repaired.geoms) if isinstance(repaired, MultiPolygon) else [repaired]
    large = [part for part in parts if not part.buffer(-0.5 * CRACK).is_empty]
    if len(large) == 1:
        holes = [ring for ring in large[0].interiors if not Polygon(ring).buffer(-0.5 * CRACK).is_empty]
        return Polygon(large[0].exterior, holes), None
    place = shapely.is_valid_reason(polygon).partition("[")[2].rstrip("]").split()
    return repaired, (float(place[0]), float(place[1])) if len(place) == 2 else (0.0, 0.0)


def _together(regions: list[Any]) -> tuple[Any, bool]:
    """Material of several surfaces: one within another is a hole; those that cut each other join."""
    together, joined = Polygon(), False
    for region in sorted(regions, key=lambda region: -region.area):
        if together.boundary.intersects(region.boundary):
            together, joined = together.union(region), True
        else:
            together = together.symmetric_difference(region)
    return together, joined


def _areas(shape: Any) -> Region:
    """Areas of a shape, lines and points left out."""
    if isinstance(shape, Polygon | MultiPolygon):
        return shape
    parts = [part for part in getattr(shape, "geoms", ()) if isinstance(part, Polygon | MultiPolygon)]
    return _areas(shapely.union_all(parts)) if parts else Polygon()


def polygons_of(region: Region) -> list[Polygon]:
    """Connected pieces of a region."""
    if region.is_empty:
        return []
    return list(region.geoms) if isinstance(region, MultiPolygon) else [region]


def outlines_of(region: Region) -> list[Array]:
    """Outlines (N, 2) of a region, not closed: the outside of each piece, then its holes."""
    rings = [ring for piece in polygons_of(region) for ring in (piece.exterior, *piece.interiors)]
    return [shapely.get_coordinates(ring)[:-1] for ring in rings]


def boundary_points(region: Region) -> Array:
    """Points (N, 2) along the boundary of a region, at most ``SPACING`` apart."""
    return np.asarray(shapely.get_coordinates(shapely.segmentize(region.boundary, SPACING)), dtype=np.float64)


def distances_to(region: Region, points: Array) -> Array:
    """Distances (N,) of points (N, 2) from the boundary of a region."""
    boundary = region.boundary
    shapely.prepare(boundary)
    return np.asarray(shapely.distance(shapely.points(points), boundary), dtype=np.float64)


def deviation(first: Region, second: Region) -> float:
    """Largest distance between the boundaries of two regions (Hausdorff); infinite if one is empty."""
    if first.is_empty or second.is_empty:
        return 0.0 if first.is_empty and second.is_empty else float("inf")
    return max(
        float(distances_to(second, boundary_points(first)).max()),
        float(distances_to(first, boundary_points(second)).max()),
    )

"""Plane polygons: cleaning, exact mitre offset and exact convex partition.

An outline is an (N, 2) float64 array of vertices [m], counter-clockwise and not closed; edge ``i`` runs from
vertex ``i`` to vertex ``i + 1``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPoint, Polygon

from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]

MAX_LENGTH = 0.5
"""Largest accepted length [m]; anything longer is a number in millimetres."""

TOLERANCE = 1e-9
"""Vertices closer than this [m] to each other, or to the line through their neighbours, are dropped."""


class LengthError(InputError):
    """Refusal of lengths or places; the message is in metres, or in millimetres for a file that is.

    Args:
        template: Message with the names of the lengths in braces; ``{unit}`` becomes the name of their unit.
        **lengths: Lengths [m] and places (x, y) [m].
    """

    def __init__(self, template: str, **lengths: Any):
        self._template, self._lengths = template, lengths
        super().__init__(self._text(1.0, "m", "metres"))

    def in_millimetres(self) -> str:
        """Return the message with lengths in millimetres."""
        return self._text(1e3, "mm", "millimetres")

    def _text(self, scale: float, symbol: str, unit: str) -> str:
        texts = {}
        for name, value in self._lengths.items():
            if np.ndim(value) == 0:
                texts[name] = f"{scale * value:.3g} {symbol}"
            else:
                x, y = (scale * np.round(value, 6) + 0.0).tolist()
                texts[name] = f"x = {x:g} {symbol}, y = {y:g} {symbol}"
        return self._template.format(unit=unit, **texts)


def vertex_array(vertices: Any) -> Array:
    """Convert vertices to an (N, 2) array [m].

    Args:
        vertices: ``[x, y]`` pairs of finite numbers [m].

    Raises:
        ValueError: The vertices are anything else.
    """
    try:
        points = np.array(vertices, dtype=np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2:
        shown = f"{vertices!r:.80}"
        raise InputError(f"vertices must be a list of [x, y] pairs of numbers in metres, got {shown}")
    if not np.isfinite(points).all():
        row = int(np.argmin(np.isfinite(points).all(axis=1)))
        raise InputError(f"vertices must be finite, vertex {row} is {points[row].tolist()}")
    return points


def area(outline: Array) -> float:
    """Signed area [m^2] of an outline: positive when counter-clockwise."""
    following = np.roll(outline, -1, axis=0)
    return 0.5 * float(np.sum(outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]))


def clean(vertices: Sequence[Sequence[float]] | Array) -> Array:
    """Check the vertices of a simple polygon and bring them into standard form.

    Repeated and collinear vertices are dropped, a clockwise polygon is reversed, and the polygon is moved so
    that its area centroid is the origin: coordinates relative to the user's own origin are not kept.

    Args:
        vertices: ``[x, y]`` pairs [m] in order around the polygon, in any frame.

    Returns:
        The outline [m], counter-clockwise and centred.

    Raises:
        ValueError: The vertices do not describe a simple polygon of usable size.
    """
    points = vertex_array(vertices)
    size = float(np.max(np.ptp(points, axis=0), initial=0.0))
    if size > MAX_LENGTH:
        raise LengthError(
            "the section is {size} across, at most {most} is accepted: use {unit}", size=size, most=MAX_LENGTH
        )
    points = points[np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1) > TOLERANCE]
    distinct = len(np.unique(points.round(9), axis=0))
    if distinct < 3:
        raise InputError(f"the section needs at least 3 distinct vertices, got {distinct}")
    if MultiPoint(points).convex_hull.area <= TOLERANCE * size:
        raise InputError(f"the section has zero area: its {len(points)} vertices lie on one line")
    if not Polygon(points).is_valid:
        reason, _, place = shapely.is_valid_reason(Polygon(points)).partition("[")
        raise LengthError(
            f"the section must not cross or touch itself: {reason} near {{place}}",
            place=[float(value) for value in place.rstrip("]").split()],
        )
    points = points[_distance_from_chord(points) > TOLERANCE]
    if area(points) < 0:
        points = points[::-1]
    centroid = Polygon(points).centroid
    return points - [centroid.x, centroid.y]


def offset(outline: Array, distance: float) -> Array:
    """Move every edge outward by ``distance`` [m] with mitred corners, vertex for vertex."""
    return outline + distance * _mitres(outline)


def narrowest_gap(outline: Array) -> tuple[float, Array]:
    """Largest outward offset of the outline, and the place (2,) that limits it [m].

    There an edge vanishes or two edges meet. The offset is infinite for a convex outline.
    """
    normals, mitres = _normals(outline), _mitres(outline)
    edges = np.roll(outline, -1, axis=0) - outline
    lengths = np.linalg.norm(edges, axis=1)
    tangents = edges / lengths[:, None]
    growth = np.sum((np.roll(mitres, -1, axis=0) - mitres) * tangents, axis=1)  # per edge and offset
    shrinking = growth < -TOLERANCE
    vanishes = np.full(len(outline), np.inf)
    vanishes[shrinking] = -lengths[shrinking] / growth[shrinking]

    # Vertex i reaches the line of edge j, in front of which it lies, at the offset times[i, j].
    gaps = np.sum((outline[:, None] - outline) * normals, axis=2)
    closing = 1.0 - mitres @ normals.T
    meets = (gaps > TOLERANCE) & (closing > TOLERANCE)
    times = np.where(meets, gaps / np.where(meets, closing, 1.0), 0.0)
    reached = outline[:, None] - outline + times[..., None] * (mitres[:, None] - mitres)
    along = np.sum(reached * tangents, axis=2)
    meets &= (along >= -TOLERANCE) & (along <= lengths + times * growth + TOLERANCE)
    soonest = np.minimum(vanishes, np.where(meets, times, np.inf).min(1))
    vertex = int(np.argmin(soonest))
    limit = float(soonest[vertex])
    return limit, outline[vertex] + (limit * mitres[vertex] if np.isfinite(limit) else 0.0)


def thin_place(outline: Array, width: float) -> Array | None:
    """Find a place (2,) [m] where the section is narrower than ``width`` [m]; None if there is none."""
    section = Polygon(outline)
    shrunk = section.buffer(-0.5 * width, join_style="mitre", mitre_limit=1e3)
    opened = shrunk.buffer(0.5 * width, join_style="mitre", mitre_limit=1e3)
    lost = section.difference(opened.buffer(0.01 * width))
    if lost.is_empty:
        return None
    parts = [lost] if isinstance(lost, Polygon) else list(lost.geoms)
    return np.array(max(parts, key=lambda part: part.area).representative_point().coords[0])


def is_convex(outline: Array) -> bool:
    """Return True if no corner of the outline turns right (collinear vertices are accepted)."""
    return bool(np.all(_turns(outline) >= -TOLERANCE))


def convex_partition(outline: Array) -> list[tuple[int, ...]]:
    """Split an outline into convex parts without new vertices (Hertel-Mehlhorn).

    It starts from the constrained Delaunay triangulation and drops diagonals, longest first, while the two
    parts that a diagonal divides stay convex together.

    Returns:
        One tuple of vertex indices, counter-clockwise, per part; vertices on a straight side are left out.
    """
    if is_convex(outline):
        return [tuple(range(len(outline)))]
    index = {tuple(vertex): i for i, vertex in enumerate(outline.tolist())}
    triangles = shapely.constrained_delaunay_triangles(Polygon(outline)).geoms
    parts = [tuple(index[c] for c in shapely.orient_polygons(t).exterior.coords[:-1]) for t in triangles]
    sides = {(a, b) for part in parts for a, b in _sides(part)}
    diagonals = [(a, b) for a, b in sides if a < b and (b, a) in sides]
    diagonals.sort(key=lambda d: (-float(np.linalg.norm(outline[d[0]] - outline[d[1]])), d))
    for a, b in diagonals:
        left = next(part for part in parts if (a, b) in _sides(part))
        right = next(part for part in parts if (b, a) in _sides(part))
        merged = _starting_at(left, b)[:-1] + _starting_at(right, a)[:-1]
        if is_convex(outline[list(merged)]):
            parts = [part for part in parts if part not in (left, right)] + [merged]
    return [tuple(np.array(part)[_turns(outline[list(part)]) > TOLERANCE].tolist()) for part in parts]


def _normals(outline: Array) -> Array:
    """Outward unit normal of every edge."""
    edges = np.roll(outline, -1, axis=0) - outline
    return np.column_stack((edges[:, 1], -edges[:, 0])) / np.linalg.norm(edges, axis=1, keepdims=True)


def _turns(outline: Array) -> Array:
    """Sine of the left turn at every vertex."""
    normals = _normals(outline)
    before = np.roll(normals, 1, axis=0)
    return before[:, 0] * normals[:, 1] - before[:, 1] * normals[:, 0]


def _mitres(outline: Array) -> Array:
    """Velocity of every vertex per unit of outward offset: its product with both edge normals is 1."""
    normals = _normals(outline)
    before = np.roll(normals, 1, axis=0)
    return (before + normals) / (1.0 + np.sum(before * normals, axis=1, keepdims=True))


def _distance_from_chord(points: Array) -> Array:
    """Distance of every vertex from the line through its two neighbours."""
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    chord, arm = after - before, points - before
    return np.abs(chord[:, 0] * arm[:, 1] - chord[:, 1] * arm[:, 0]) / np.linalg.norm(chord, axis=1)


def _sides(part: tuple[int, ...]) -> list[tuple[int, int]]:
    return list(zip(part, part[1:] + part[:1], strict=True))


def _starting_at(part: tuple[int, ...], vertex: int) -> tuple[int, ...]:
    start = part.index(vertex)
    return part[start:] + part[:start]

"""Plane polygons: cleaning, exact mitre offset and exact convex partition.

An outline is an (N, 2) float64 array of vertices [m], not closed; edge ``i`` runs from vertex ``i`` to vertex
``i + 1``. A section has one outline or several, with its material on the left of every edge: the outside of a
pin is counter-clockwise, the bore of a tube clockwise. So an outward offset widens a pin and narrows a bore.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPoint, MultiPolygon, Polygon

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


def clean(outlines: Sequence[Any]) -> tuple[Array, ...]:
    """Check the outlines of a section and bring them into standard form.

    Repeated and collinear vertices are dropped; an outline within another one is a hole in it, and one within
    a hole is a pin again; outsides become counter-clockwise and holes clockwise. The section is moved so that
    its area centroid is the origin: coordinates relative to the user's own origin are not kept.

    Args:
        outlines: Outlines, each of ``[x, y]`` pairs [m] in order around it, in any frame.

    Returns:
        Outlines [m] in the given order, the material on the left of their edges, centred.

    Raises:
        ValueError: An outline is no simple polygon of usable size, or two cross or touch.
    """
    if len(outlines) == 0:
        raise InputError("the section needs at least one outline, got none")
    names = (
        ["the section"]
        if len(outlines) == 1
        else [f"outline {i} of the section" for i in range(len(outlines))]
    )
    rings = [_simple(vertices, name) for vertices, name in zip(outlines, names, strict=True)]
    size = float(np.max(np.ptp(np.concatenate(rings), axis=0)))
    if size > MAX_LENGTH:
        raise LengthError(
            "the section is {size} across, at most {most} is accepted: use {unit}", size=size, most=MAX_LENGTH
        )
    is_hole = [level % 2 == 1 for level in _levels(rings)]
    turned = [
        ring[::-1] if (area(ring) < 0.0) != hole else ring for ring, hole in zip(rings, is_hole, strict=True)
    ]
    centroid = region(turned).centroid
    return tuple(ring - [centroid.x, centroid.y] for ring in turned)


def _simple(vertices: Any, name: str) -> Array:
    """Outline without needless vertices, in its own direction; errors begin with a name."""
    points = vertex_array(vertices)
    size = float(np.max(np.ptp(points, axis=0), initial=0.0))
    if size > MAX_LENGTH:
        raise LengthError(
            f"{name} is {{size}} across, at most {{most}} is accepted: use {{unit}}",
            size=size,
            most=MAX_LENGTH,
        )
    points = points[np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1) > TOLERANCE]
    distinct = len(np.unique(points.round(9), axis=0))
    if distinct < 3:
        raise InputError(f"{name} needs at least 3 distinct vertices, got {distinct}")
    if MultiPoint(points).convex_hull.area <= TOLERANCE * size:
        raise InputError(f"{name} has zero area: its {len(points)} vertices lie on one line")
    if not Polygon(points).is_valid:
        reason, _, place = shapely.is_valid_reason(Polygon(points)).partition("[")
        raise LengthError(
            f"{name} must not cross or touch itself: {reason} near {{place}}",
            place=[float(value) for value in place.rstrip("]").split()],
        )
    return points[_distance_from_chord(points) > TOLERANCE]


def _levels(rings: list[Array]) -> list[int]:
    """Number of outlines around each outline.

    Raises:
        ValueError: Two outlines cross or touch.
    """
    polygons = [Polygon(ring) for ring in rings]
    for i, first in enumerate(polygons):
        for j, second in enumerate(polygons[:i]):
            common = first.exterior.intersection(second.exterior)
            if not common.is_empty:
                raise LengthError(
                    f"outlines {j} and {i} of the section must not cross or touch: they do near {{place}}",
                    place=common.representative_point().coords[0],
                )
    return [sum(p.contains(own) for p in polygons if p is not own) for own in polygons]


def region(outlines: Iterable[Array]) -> Polygon | MultiPolygon:
    """Area within outlines, holes left out."""
    polygons = [Polygon(outline) for outline in outlines]
    return polygons[0] if len(polygons) == 1 else reduce(shapely.symmetric_difference, polygons)


def pieces(outlines: Sequence[Array]) -> list[tuple[Array, ...]]:
    """Divide a section into its connected pieces: an outside with its holes each, in the given order."""
    polygons = [Polygon(outline) for outline in outlines]
    outsides = [i for i, outline in enumerate(outlines) if area(outline) > 0.0]
    found = {i: [outlines[i]] for i in outsides}
    for j, outline in enumerate(outlines):
        if j not in found:
            around = [i for i in outsides if polygons[i].contains(polygons[j])]
            found[min(around, key=lambda i: polygons[i].area)].append(outline)
    return [tuple(rings) for rings in found.values()]


def offset(outline: Array, distance: float) -> Array:
    """Move every edge outward by ``distance`` [m] with mitred corners, vertex for vertex."""
    return outline + distance * _mitres(outline)


def narrowest_gap(outlines: Sequence[Array]) -> tuple[float, Array]:
    """Largest outward offset of the outlines, and the place (2,) that limits it [m].

    There an edge vanishes or two edges meet. The offset is infinite for a single convex outline.
    """
    points = np.concatenate(outlines)
    normals, mitres = (np.concatenate([of(ring) for ring in outlines]) for of in (_normals, _mitres))
    edges, bend = (_to_following(values, outlines) for values in (points, mitres))
    lengths = np.linalg.norm(edges, axis=1)
    tangents = edges / lengths[:, None]
    growth = np.sum(bend * tangents, axis=1)  # per edge and offset
    shrinking = growth < -TOLERANCE
    vanishes = np.full(len(points), np.inf)
    vanishes[shrinking] = -lengths[shrinking] / growth[shrinking]

    # Vertex i reaches the line of edge j, in front of which it lies, at the offset times[i, j].
    gaps = np.sum((points[:, None] - points) * normals, axis=2)
    closing = 1.0 - mitres @ normals.T
    meets = (gaps > TOLERANCE) & (closing > TOLERANCE)
    times = np.where(meets, gaps / np.where(meets, closing, 1.0), 0.0)
    reached = points[:, None] - points + times[..., None] * (mitres[:, None] - mitres)
    along = np.sum(reached * tangents, axis=2)
    meets &= (along >= -TOLERANCE) & (along <= lengths + times * growth + TOLERANCE)
    soonest = np.minimum(vanishes, np.where(meets, times, np.inf).min(1))
    vertex = int(np.argmin(soonest))
    limit = float(soonest[vertex])
    return limit, points[vertex] + (limit * mitres[vertex] if np.isfinite(limit) else 0.0)


def _to_following(values: Array, outlines: Sequence[Array]) -> Array:
    """Difference of the value (N, 2) of each vertex's follower on its outline, and its own."""
    ends = np.cumsum([len(ring) for ring in outlines])[:-1]
    return np.concatenate([np.roll(ring, -1, axis=0) - ring for ring in np.split(values, ends)])


def thin_place(outlines: Sequence[Array], width: float) -> Array | None:
    """Find a place (2,) [m] where the section is narrower than ``width`` [m]; None if there is none."""
    section = region(outlines)
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


def convex_partition(outlines: Sequence[Array]) -> list[Array]:
    """Split a connected section into convex outlines without new vertices (Hertel-Mehlhorn).

    It starts from the constrained Delaunay triangulation and drops diagonals, longest first, while the two
    parts that a diagonal divides stay convex together.

    Args:
        outlines: Outside [m], and any holes in it.

    Returns:
        Convex outlines [m], counter-clockwise; vertices on a straight side are left out.
    """
    if len(outlines) == 1 and is_convex(outlines[0]):
        return [outlines[0]]
    points = np.concatenate(outlines)
    index = {tuple(vertex): i for i, vertex in enumerate(points.tolist())}
    triangles = shapely.constrained_delaunay_triangles(Polygon(outlines[0], outlines[1:])).geoms
    parts = [tuple(index[c] for c in shapely.orient_polygons(t).exterior.coords[:-1]) for t in triangles]
    sides = {(a, b) for part in parts for a, b in _sides(part)}
    diagonals = [(a, b) for a, b in sides if a < b and (b, a) in sides]
    diagonals.sort(key=lambda d: (-float(np.linalg.norm(points[d[0]] - points[d[1]])), d))
    for a, b in diagonals:
        left = next(part for part in parts if (a, b) in _sides(part))
        right = next(part for part in parts if (b, a) in _sides(part))
        if left == right:
            continue  # the diagonal joins a hole to the outside of one part
        merged = _starting_at(left, b)[:-1] + _starting_at(right, a)[:-1]
        if is_convex(points[list(merged)]):
            parts = [part for part in parts if part not in (left, right)] + [merged]
    corners = (points[list(part)] for part in parts)
    return [part[_turns(part) > TOLERANCE] for part in corners]


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

"""Measures of a section: its symmetry, and its narrowest place."""

import math
from collections.abc import Sequence

import numpy as np
import shapely
from scipy.spatial import cKDTree
from shapely import affinity
from shapely.geometry import LineString, Point

from assembly_rl.envs.geometry.part import MAX_WALL, PegHole
from assembly_rl.envs.geometry.polygons import Array, region, thin_place

ALIKE = 1e-6
"""Largest distance [m] of corners that count as the same."""


def rotational_order(outlines: Sequence[Array]) -> int:
    """Return the number of turns about the origin, up to a whole one, that map a section to itself.

    Args:
        outlines: Section [m], centred.
    """
    edges = _edges(outlines)
    tree = cKDTree(edges)
    for order in range(len(edges), 1, -1):
        if len(edges) % order == 0 and _same(tree, edges @ _on_both_ends(_turn(2.0 * math.pi / order))):
            return order
    return 1


def has_mirror(outlines: Sequence[Array]) -> bool:
    """Return True if a reflection at a line through the origin maps a section (centred, [m]) to itself."""
    edges = _edges(outlines)
    tree = cKDTree(edges)
    radii, angles = np.hypot(edges[:, 0], edges[:, 1]), np.arctan2(edges[:, 1], edges[:, 0])
    far = int(np.argmax(radii))  # its image is another corner at the same distance
    for angle in angles[np.abs(radii - radii[far]) < ALIKE].tolist():
        c, s = math.cos(angle + angles[far]), math.sin(angle + angles[far])
        reflected = edges @ _on_both_ends(np.array([[c, s], [s, -c]]))
        if _same(tree, np.roll(reflected, 2, axis=1)):  # a reflected edge runs the other way
            return True
    return False


def fits_turned(part: PegHole, angle: float) -> bool:
    """Return True if the peg fits its hole after a turn about their axis by an angle [rad]."""
    turned = affinity.rotate(region(part.peg_outlines), angle, origin=(0.0, 0.0), use_radians=True)
    return bool(region(part.hole_outlines).covers(turned))


def narrowest_place(outlines: Sequence[Array]) -> tuple[float, Array]:
    """Find the narrowest place of a section.

    Its width is the largest diameter of a disc that can be everywhere in the section but for its corners.

    Args:
        outlines: Section [m].

    Returns:
        Width [m], and the ends (2, 2) [m] of a straight line across the section near that place.
    """
    low, high = 0.0, 1.01 * float(np.min(np.ptp(np.concatenate(outlines), axis=0)))
    place = thin_place(outlines, high)
    while high - low > 1e-4 * high:
        middle = 0.5 * (low + high)
        found = thin_place(outlines, middle)
        if found is None:
            low = middle
        else:
            high, place = middle, found
    assert place is not None  # nothing is as wide as its extent and a bit more
    return low, _across(outlines, place)


def narrowest_wall(part: PegHole) -> tuple[float, Array]:
    """Find the narrowest place of a plate that goes on for 10 mm around the hole.

    The plate of the simulator can be smaller: it ends behind the walls of a hole with a single outline.

    Returns:
        Width [m], and the ends (2, 2) [m] of a straight line across the plate near that place.
    """
    around = region(part.hole_outlines).convex_hull.buffer(MAX_WALL, join_style="mitre", mitre_limit=1e3)
    return narrowest_place([np.array(around.exterior.coords[:-1]), *part.hole_outlines])


def _across(outlines: Sequence[Array], place: Array) -> Array:
    """Line through a place, from the nearest edge to the opposite one: its ends (2, 2)."""
    section = region(outlines)
    foot = np.array(shapely.shortest_line(section.boundary, Point(place)).coords[0])
    direction = (place - foot) / np.linalg.norm(place - foot)
    far = foot + 4.0 * float(np.ptp(np.concatenate(outlines), axis=0).max()) * direction
    pieces = shapely.get_parts(LineString([foot + 1e-9 * direction, far]).intersection(section))
    inside = min(pieces, key=lambda piece: piece.distance(Point(foot)))
    return np.array([foot, max(inside.coords, key=lambda end: math.dist(end, foot))])


def _edges(outlines: Sequence[Array]) -> Array:
    """Edges (N, 4) of a section: x, y of their start, and of their end."""
    return np.concatenate([np.hstack((ring, np.roll(ring, -1, axis=0))) for ring in outlines])


def _turn(angle: float) -> Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, s], [-s, c]])  # acts on rows


def _on_both_ends(matrix: Array) -> Array:
    return np.asarray(np.kron(np.eye(2), matrix), dtype=np.float64)


def _same(tree: cKDTree, edges: Array) -> bool:
    return bool(np.all(tree.query(edges, p=np.inf)[0] < ALIKE))

"""Sections of few vertices, from regions of many; millimetres."""

import numpy as np
import shapely
from shapely.geometry import Polygon

from assembly_rl.envs.geometry.outline import FLATNESS, TOLERANCE
from assembly_rl.envs.geometry.polygons import Array
from assembly_rl.envs.geometry.simplification import simplified
from assembly_rl.envs.geometry.slices import Region, deviation, outlines_of, polygons_of

CORNER = 0.4
"""Least angle [rad] by which an outline turns at a corner, which is kept; a circle of 16 chords has none."""


def few_vertices(region: Region) -> list[Array]:
    """Choose the fewest vertices that stand for a region within ``TOLERANCE``.

    Vertices on straight lines are dropped, corners are kept. The tolerance holds for the distance of the
    boundaries, both centred.

    Args:
        region: Section [mm].

    Returns:
        Outlines (N, 2) [mm], the outside of each piece and then its holes.
    """
    exact = straightened(region)
    for share in (1.0, 0.5, 0.25):
        outlines = [simplified(points, _corners(points), share * (TOLERANCE - FLATNESS)) for points in exact]
        few = _region(outlines, region)
        if few is None:
            continue
        shift = few.centroid.distance(region.centroid)
        if deviation(few, region) + shift <= TOLERANCE:
            return outlines
    return exact


def straightened(region: Region) -> list[Array]:
    """Return the outlines (N, 2) [mm] of a region, without vertices on straight lines."""
    return [_straightened(outline) for outline in outlines_of(region)]


def _straightened(outline: Array) -> Array:
    """Outline without the vertices that lie within ``FLATNESS`` of the line through others."""
    start = int(np.argmax(np.abs(_turns(outline))))
    ring = np.roll(outline, -start, axis=0)
    closed = np.concatenate((ring, ring[:1]))
    kept = shapely.get_coordinates(
        shapely.simplify(shapely.linestrings(closed), 0.5 * FLATNESS, preserve_topology=False)
    )
    return np.asarray(kept[:-1] if len(kept) > 3 else ring, dtype=np.float64)


def _corners(outline: Array) -> list[int]:
    return np.flatnonzero(np.abs(_turns(outline)) > CORNER).tolist()


def _turns(outline: Array) -> Array:
    """Angle [rad] by which the outline turns at each vertex."""
    before = outline - np.roll(outline, 1, axis=0)
    after = np.roll(outline, -1, axis=0) - outline
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return np.asarray(np.arctan2(cross, np.sum(before * after, axis=1)))


def _region(outlines: list[Array], region: Region) -> Region | None:
    """Region of outlines in the order of another region; None if they cross or touch."""
    pieces, i = [], 0
    for piece in polygons_of(region):
        count = 1 + len(piece.interiors)
        own = Polygon(outlines[i], outlines[i + 1 : i + count])
        if not own.is_valid:
            return None
        pieces.append(own)
        i += count
    together = shapely.union_all(pieces)
    same = len(polygons_of(together)) == len(pieces)
    return together if same and np.isclose(together.area, sum(p.area for p in pieces)) else None

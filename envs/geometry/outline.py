"""Closed outline of a drawing: strokes joined end to end, curves replaced by chords; millimetres."""

import math
import warnings
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.curves import MAX_POINTS, control_points, flatten, transformed
from assembly_rl.envs.geometry.drawing import Drawing, PartWarning, Stroke, file_content
from assembly_rl.envs.geometry.dxf import read_dxf
from assembly_rl.envs.geometry.polygons import MAX_LENGTH, Array
from assembly_rl.envs.geometry.simplification import FEW, simplified
from assembly_rl.envs.geometry.svg import read_svg

DRAWINGS = (".dxf", ".svg")
"""Suffixes of drawings."""

TOLERANCE = 0.2
"""Largest distance [mm] of the outline from the drawn line: a circle of 20 mm becomes a polygon of 16 sides;
more would cost more than half of the simulation's speed."""

FLATNESS = 0.002
"""Part of the tolerance [mm] for the chords of a curve; the rest is for leaving out vertices."""

JOINED = 0.01
"""Largest gap between lines of a drawing that counts as joined [mm]."""

NEGLIGIBLE = 1e-9
"""Distance [mm] that comes from rounding."""

MAX_COORDINATE = 1e9
"""Largest coordinate [mm] that is read without a loss of accuracy."""

MAX_CROWD = 64
"""Largest number of ends of lines within ``JOINED`` of each other."""


def drawn_outline(path: Path) -> Array:
    """Read the closed line of a DXF or SVG file.

    Returns:
        Vertices (N, 2) [mm], y up, not closed; within ``TOLERANCE`` of the drawn line.

    Raises:
        ValueError: The drawing is refused.
        ImportError: The library that reads it is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in DRAWINGS:
        raise InputError(f"{path} is no drawing that can be read; known: {', '.join(DRAWINGS)}")
    content = file_content(path)
    try:
        drawing = read_dxf(content) if suffix == ".dxf" else read_svg(content)
        loop = _closed_loop(drawing)
        outline = _vertices(loop)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if drawing.skipped:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(drawing.skipped.items()))
        _remark(f"{path}: not part of the outline: {kinds}")
    if not _straight(loop):
        _remark(f"{path}: curves became chords, {len(outline)} vertices within {TOLERANCE:g} mm")
    elif len(outline) < len(loop):
        _remark(f"{path}: {len(loop)} vertices simplified to {len(outline)} within {TOLERANCE:g} mm")
    return outline


def _remark(text: str) -> None:
    warnings.warn(text, PartWarning, stacklevel=4)


def _straight(loop: Stroke) -> bool:
    return all(len(curve) == 2 for curve in loop)


def _smooth(first: Array, second: Array) -> bool:
    """Return True if two curves, no straight lines, meet without a corner."""
    if len(first) == 2 or len(second) == 2:
        return False
    before, after = (np.diff(control_points(curve), axis=0) for curve in (first[-2:], second[:2]))
    (x, y), (u, v) = before[0], after[0]
    return bool(abs(x * v - y * u) <= 1e-3 * (x * u + y * v))


def _vertices(loop: Stroke) -> Array:
    """Vertices [mm] of a closed loop."""
    corners: list[int] = []
    points: list[Array] = []
    for before, curve in zip([loop[-1], *loop], loop, strict=False):
        polyline = flatten(curve, FLATNESS)
        again = bool(points) and math.dist(points[-1], polyline[0]) <= NEGLIGIBLE
        near = bool(corners) and math.dist(points[corners[-1]], polyline[0]) <= JOINED
        if not near and not _smooth(before, curve):
            corners.append(len(points) - again)
        points += list(polyline[int(again) :])
        if len(points) > MAX_POINTS:
            raise InputError(f"the outline needs more than {MAX_POINTS} chords: draw it with fewer curves")
    if len(corners) > 1 and math.dist(points[corners[-1]], points[corners[0]]) <= JOINED:
        corners.pop()
    if math.dist(points[-1], points[0]) <= NEGLIGIBLE:
        points.pop()
    outline = np.array(points)
    if _straight(loop) and len(corners) <= FEW:
        return outline[corners]
    return simplified(outline, corners, TOLERANCE - 2.0 * FLATNESS)


def _closed_loop(drawing: Drawing) -> Stroke:
    """Only closed loop of a drawing [mm], its curves in order."""
    strokes = [_visible(transformed(stroke, drawing.scale)) for stroke in drawing.strokes]
    strokes = [stroke for stroke in strokes if stroke]
    if not strokes:
        raise InputError("it has no lines")
    _check_size(strokes)
    loops = _joined(strokes)
    if len(loops) > 1:
        centres = [np.vstack([control_points(c) for c in loop]) for loop in loops]
        places = ", ".join(
            "({:g}, {:g})".format(*(0.5 * (p.min(0) + p.max(0))).round(3)) for p in centres[:5]
        )
        raise InputError(f"it has {len(loops)} closed lines, about {places} mm: keep one, the section")
    return loops[0]


def _visible(stroke: Stroke) -> Stroke:
    """Curves of a stroke that have a length."""
    return [curve for curve in stroke if np.ptp(control_points(curve), axis=0).max() > NEGLIGIBLE]


def _check_size(strokes: list[Stroke]) -> None:
    points = np.vstack([control_points(curve) for stroke in strokes for curve in stroke])
    if not np.isfinite(points).all() or np.abs(points).max() > MAX_COORDINATE:
        raise InputError(f"a coordinate is beyond {MAX_COORDINATE:g} mm: check the unit of the file")
    size, largest = float(np.ptp(points, axis=0).max()), 1e3 * MAX_LENGTH
    if size > 10.0 * largest:  # control points may be outside the curve: the exact size is checked afterwards
        raise InputError(
            f"the drawing is {size:g} mm across, at most {largest:g} mm is accepted: check its unit"
        )


def _joined(strokes: list[Stroke]) -> list[Stroke]:
    """Join strokes end to end into closed loops; every end meets exactly one other."""
    ends = np.array([control_points(curve)[i] for s in strokes for curve, i in ((s[0], 0), (s[-1], -1))])
    partner = _partners(ends)
    loops, done = [], set()
    for first in range(len(strokes)):
        loop: Stroke = []
        end = 2 * first
        while end // 2 not in done:  # enter a stroke at one end, leave it at the other
            done.add(end // 2)
            stroke = strokes[end // 2]
            loop += stroke if end % 2 == 0 else [curve[::-1] for curve in reversed(stroke)]
            end = partner[end ^ 1]
        if loop:
            loops.append(loop)
    return loops


def _partners(ends: Array) -> dict[int, int]:
    """Pair the ends of strokes, 2 i and 2 i + 1 of stroke i: nearest first, those of one stroke last."""
    partner: dict[int, int] = {}
    cells, counts = np.unique(np.floor(ends / JOINED), axis=0, return_counts=True)
    if counts.max() > MAX_CROWD:
        x, y = (cells[counts.argmax()] * JOINED).round(6) + 0.0
        raise InputError(f"more than two lines meet near x = {x:g} mm, y = {y:g} mm: keep the outline alone")
    pairs = cKDTree(ends).query_pairs(JOINED, output_type="ndarray")
    distances = np.linalg.norm(ends[pairs[:, 0]] - ends[pairs[:, 1]], axis=1)
    itself = (pairs[:, 0] // 2 == pairs[:, 1] // 2) & (distances > 0.0)
    for a, b in pairs[np.lexsort((distances, itself))].tolist():
        if a not in partner and b not in partner:
            partner[a], partner[b] = b, a
    alone = [i for i in range(len(ends)) if i not in partner]
    if alone:
        x, y = ends[alone[-1]].round(6) + 0.0
        if alone[-1] in pairs:
            raise InputError(
                f"more than two lines meet near x = {x:g} mm, y = {y:g} mm: keep the outline alone"
            )
        raise InputError(f"the outline is open near x = {x:g} mm, y = {y:g} mm")
    return partner

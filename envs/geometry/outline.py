"""Closed outlines of a drawing: strokes joined end to end, curves replaced by chords; millimetres."""

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
from assembly_rl.envs.geometry.simplification import FEW, MAX_SIMPLIFIED, simplified
from assembly_rl.envs.geometry.svg import read_svg

DRAWINGS = (".dxf", ".svg")
"""Suffixes of drawings."""

TOLERANCE = 0.2
"""Largest distance [mm] of an outline from the drawn line: a circle of 20 mm becomes a polygon of 16 sides;
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

MAX_CHORDS = 2 * MAX_POINTS
"""Largest number of chords of all curves of a drawing, before vertices are left out."""

MAX_OUTLINES = 128
"""Largest number of closed lines of a section from a file."""


def outlines_of(path: Path) -> list[Array]:
    """Read the closed lines of a DXF or SVG file.

    Returns:
        Vertices (N, 2) [mm] of each, y up, not closed; within ``TOLERANCE`` of the drawn line.

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
        loops = _closed_loops(drawing)
        outlines = _simplified(loops)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if drawing.skipped:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(drawing.skipped.items()))
        _remark(f"{path}: not part of the outline: {kinds}")
    drawn, made = sum(map(len, loops)), sum(map(len, outlines))
    if not all(map(_straight, loops)):
        _remark(f"{path}: curves became chords, {made} vertices within {TOLERANCE:g} mm")
    elif made < drawn:
        _remark(f"{path}: {drawn} vertices simplified to {made} within {TOLERANCE:g} mm")
    return outlines


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


def _simplified(loops: list[Stroke]) -> list[Array]:
    """Vertices [mm] of closed loops, within ``TOLERANCE``."""
    flattened, count = [], 0
    for loop in loops:
        points, corners = _polyline(loop)
        count += len(points)
        if count > MAX_CHORDS:
            raise InputError(f"the outline needs more than {MAX_CHORDS} chords: draw it with fewer curves")
        flattened.append((points, corners, _straight(loop) and len(corners) <= FEW))
    outlines, count = [], 0
    for points, corners, few in flattened:
        outline = points[corners] if few else simplified(points, corners, TOLERANCE - 2.0 * FLATNESS)
        count += len(outline)
        if count > MAX_SIMPLIFIED:  # at once: every further outline would cost time
            raise InputError(
                f"more than {MAX_SIMPLIFIED} vertices are needed within {TOLERANCE:g} mm: leave out details"
            )
        outlines.append(outline)
    return outlines


def _polyline(loop: Stroke) -> tuple[Array, list[int]]:
    """Points (N, 2) [mm] on a closed loop, within ``FLATNESS``, and the indices of its corners."""
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
    return np.array(points), corners


def _closed_loops(drawing: Drawing) -> list[Stroke]:
    """Closed loops of a drawing [mm], the curves of each in order."""
    strokes = [_visible(transformed(stroke, drawing.scale)) for stroke in drawing.strokes]
    strokes = [stroke for stroke in strokes if stroke]
    if not strokes:
        raise InputError("it has no lines")
    _check_size(strokes)
    loops = _joined(strokes)
    if len(loops) > MAX_OUTLINES:
        raise InputError(f"it has {len(loops)} closed lines, at most {MAX_OUTLINES} make a section")
    return loops


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

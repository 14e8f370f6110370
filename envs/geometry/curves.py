"""Plane curves as rational Bézier curves: lines, circular arcs and their affine images, all exact.

A curve of degree n is an (n + 1, 3) array of homogeneous control points (w x, w y, w) with weights w > 0; it
lies in the convex hull of its control points (x, y). Source: Piegl and Tiller, The NURBS Book, chapters 1, 7.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.polygons import Array

Point = Sequence[float] | Array

QUARTER = math.tan(math.pi / 8.0)
"""Bulge of a quarter of a circle."""

MAX_POINTS = 8192
"""Largest number of points of a flattened curve."""


def line(start: Point, end: Point) -> Array:
    """Straight line between two points."""
    return bezier(start, end)


def bezier(*points: Point) -> Array:
    """Bézier curve with the given control points."""
    return np.column_stack((np.array(points, dtype=np.float64), np.ones(len(points))))


def arc(start: Point, end: Point, bulge: float) -> list[Array]:
    """Circular arc, in pieces of at most a quarter of a circle.

    Args:
        start: First point (x, y).
        end: Last point (x, y), another one.
        bulge: Tangent of a quarter of the arc's angle; positive for an arc that turns left (as in DXF).
    """
    (x, y), (dx, dy) = 0.5 * np.add(start, end), 0.5 * np.subtract(end, start)
    if abs(bulge) > 1.001 * QUARTER:
        half, apex = math.tan(0.5 * math.atan(bulge)), (x + bulge * dy, y - bulge * dx)
        return [*arc(start, apex, half), *arc(apex, end, half)]
    angle = 2.0 * math.atan(bulge)
    height, weight = math.tan(angle), math.cos(angle)
    middle = [weight * (x + height * dy), weight * (y - height * dx), weight]
    return [np.array([[*start, 1.0], middle, [*end, 1.0]], dtype=np.float64)]


def circular_arc(start: float, sweep: float) -> list[Array]:
    """Arc of the unit circle about the origin.

    Args:
        start: Angle of its first point [rad].
        sweep: Angle over which it turns left [rad], at most 2 pi in size.
    """
    pieces = max(1, math.ceil(abs(sweep) / math.pi - 1e-9))
    angles = start + sweep * np.arange(pieces + 1) / pieces
    points = np.column_stack((np.cos(angles), np.sin(angles)))
    if abs(sweep) == 2.0 * math.pi:
        points[-1] = points[0]
    bulge = math.tan(0.25 * sweep / pieces)
    return [part for a, b in zip(points, points[1:], strict=False) for part in arc(a, b, bulge)]


def transformed(curves: Sequence[Array], matrix: Any) -> list[Array]:
    """Map curves by an affine matrix (3, 3) that acts on columns (x, y, 1)."""
    return [curve @ np.transpose(matrix) for curve in curves]


def control_points(curve: Array) -> Array:
    """Control points (n + 1, 2) of a curve."""
    return curve[:, :2] / curve[:, 2:]


def flatten(curve: Array, tolerance: float) -> Array:
    """Convert a curve to a polyline (N, 2) that starts and ends with it.

    A piece is replaced by its chord when all its control points are within the tolerance of it: the convex
    hull then bounds the distance between the two, in both directions, whatever the form of the curve.

    Args:
        curve: Curve with finite control points.
        tolerance: Largest distance between curve and polyline, in the unit of the curve.

    Raises:
        ValueError: The polyline would have more than ``MAX_POINTS`` points.
    """
    points = [control_points(curve)[0]]
    for piece in _flat_pieces(curve, tolerance):
        points.append(control_points(piece)[-1])
        if len(points) > MAX_POINTS:
            raise InputError(f"a curve needs more than {MAX_POINTS} chords")
    points[-1] = control_points(curve)[-1]
    return np.array(points)


def _flat_pieces(curve: Array, tolerance: float) -> Iterator[Array]:
    pending = [(curve, 0)]
    while pending:
        piece, depth = pending.pop()
        points = control_points(piece)
        if depth == 40 or np.max(segment_distances(points, points[0], points[-1])) <= tolerance:
            yield piece
            continue
        first, second = [piece[0]], [piece[-1]]
        while len(piece) > 1:  # de Casteljau's algorithm at the middle
            piece = 0.5 * (piece[:-1] + piece[1:])
            first.append(piece[0])
            second.append(piece[-1])
        pending += [(_balanced(np.array(half)), depth + 1) for half in (second[::-1], first)]


def _balanced(curve: Array) -> Array:
    """Curve of the same form with equal weights at its ends: its halves are then of similar length."""
    degree = len(curve) - 1
    ratio = (curve[0, 2] / curve[-1, 2]) ** (1.0 / degree)
    return curve * (ratio ** np.arange(degree + 1))[:, None]


def segment_distances(points: Array, start: Array, end: Array) -> Array:
    """Distances of points (..., 2) from the line segments between start (..., 2) and end (..., 2)."""
    along = end - start
    square = np.sum(along * along, axis=-1)
    position = np.sum((points - start) * along, axis=-1) / np.where(square > 0.0, square, 1.0)
    nearest = start + np.clip(position, 0.0, 1.0)[..., None] * along
    return np.hypot(*np.moveaxis(points - nearest, -1, 0))

"""Curves as chords, and outlines with few vertices: the tolerance holds by construction."""

import math

import numpy as np
import pytest

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.curves import (
    arc,
    bezier,
    circular_arc,
    control_points,
    flatten,
    segment_distances,
)
from assembly_rl.envs.geometry.simplification import FEW, simplified


def sampled(curve: np.ndarray, count: int = 500) -> np.ndarray:
    """Points of a rational Bezier curve from its Bernstein polynomials."""
    n, t = len(curve) - 1, np.linspace(0.0, 1.0, count)[:, None]
    homogeneous = sum(math.comb(n, k) * t**k * (1 - t) ** (n - k) * curve[k] for k in range(n + 1))
    return homogeneous[:, :2] / homogeneous[:, 2:]


def farthest(points: np.ndarray, polyline: np.ndarray) -> float:
    distances = segment_distances(points[:, None], polyline[:-1], polyline[1:])
    return float(np.max(np.min(distances, axis=1)))


@pytest.mark.parametrize(
    "points",
    [
        [(40, 20), (25, 35), (15, 5), (0, 20)],  # an S: its middle is on the chord
        [(0, 0), (30, 0), (-10, 0), (20, 0)],  # back and forth on a line
        [(0, 0), (20, 20), (0, 20), (20, 0)],  # a cusp
        [(0, 0), (10, 30), (0, 0)],
        [(0, 0), (9, 9), (3, -20), (12, 20), (6, -9), (15, 0)],
    ],
)
def test_a_curve_with_an_inflection_stays_within_its_tolerance(points: list) -> None:
    curve = bezier(*points)
    polyline = flatten(curve, 0.02)
    assert farthest(sampled(curve), polyline) <= 0.02
    assert farthest(polyline, sampled(curve, 5000)) <= 0.02
    assert len(polyline) < 200


@pytest.mark.parametrize("bulge", [1e-9, 0.2, -0.7, 1.0, -1.0, 5.0, 1e4])
def test_an_arc_lies_on_its_circle(bulge: float) -> None:
    start, end = np.array([1.0, 2.0]), np.array([4.0, -1.0])
    pieces = arc(start, end, bulge)
    np.testing.assert_array_equal(control_points(pieces[0])[0], start)
    np.testing.assert_array_equal(control_points(pieces[-1])[-1], end)
    chord = float(np.linalg.norm(end - start))
    radius = chord * (1.0 + bulge**2) / (4.0 * abs(bulge))
    left = np.array([start[1] - end[1], end[0] - start[0]]) / chord
    centre = 0.5 * (start + end) + left * (chord * (1.0 - bulge**2) / (4.0 * bulge))
    for piece in pieces:
        distances = np.linalg.norm(sampled(piece) - centre, axis=1)
        np.testing.assert_allclose(distances, radius, rtol=1e-9)


def test_the_unit_circle_is_closed_and_of_four_pieces() -> None:
    pieces = circular_arc(0.3, 2.0 * math.pi)
    assert len(pieces) == 4
    np.testing.assert_array_equal(control_points(pieces[0])[0], control_points(pieces[-1])[-1])


def test_a_curve_of_endless_length_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(InputError, match="needs more than"):
        flatten(bezier((0, 0), (1e12, 1e12), (0, 1e12)), 1e-6)


def circle(count: int, radius: float = 10.0) -> np.ndarray:
    angles = 2.0 * np.pi * np.arange(count) / count
    return radius * np.column_stack((np.cos(angles), np.sin(angles)))


def closed(points: np.ndarray) -> np.ndarray:
    return np.vstack((points, points[:1]))


def test_a_circle_of_240_vertices_keeps_16_within_the_tolerance() -> None:
    points = circle(240)
    few = simplified(points, range(240), 0.196)
    assert len(few) == 16
    assert farthest(points, closed(few)) <= 0.196


@pytest.mark.parametrize("seed", range(8))
def test_few_vertices_stay_within_the_tolerance_also_when_centred(seed: int) -> None:
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, 400))
    radii = 10.0 + 3.0 * np.cos(3 * angles + random.uniform(0, 6)) + random.normal(0, 0.02, 400)
    points = radii[:, None] * np.column_stack((np.cos(angles), np.sin(angles)))
    few = simplified(points, range(400), 0.196)
    from shapely.geometry import Polygon

    shapes = Polygon(points), Polygon(few)
    assert shapes[1].is_valid and len(few) < 60
    shift = shapes[0].centroid.distance(shapes[1].centroid)
    assert farthest(points, closed(few)) + shift <= 0.196
    assert {tuple(p) for p in few} <= {tuple(p) for p in points}


def test_simplification_does_not_let_a_narrow_slot_cross_itself() -> None:
    angles = np.linspace(0.0, 1.5 * np.pi, 200)
    rings = [r * np.column_stack((np.cos(angles), np.sin(angles))) for r in (10.0, 10.12)]
    points = np.vstack((rings[0], rings[1][::-1]))
    from shapely.geometry import Polygon

    assert Polygon(simplified(points, range(400), 0.196)).is_valid


def test_the_corners_of_a_drawing_with_few_of_them_are_kept() -> None:
    points = circle(240)
    corners = list(range(0, 240, 240 // FEW + 1))
    few = simplified(points, corners, 0.196)
    assert {tuple(points[i]) for i in corners} <= {tuple(p) for p in few}

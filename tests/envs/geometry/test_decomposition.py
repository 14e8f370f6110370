import dataclasses

import numpy as np
import pytest
from convex import TOUCHING, largest_overlap
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from shapely.geometry import MultiPoint, Point, Polygon, polygon

from assembly_rl.envs.geometry import ConvexPart, PegHole, hole_parts, hole_volume, peg_parts, peg_volume
from assembly_rl.envs.geometry.decomposition import prism
from assembly_rl.envs.geometry.polygons import area, offset

chamfers = pytest.mark.parametrize("chamfer", [0.0, 3e-4, 1e-3])


def plan(piece: ConvexPart, z: float) -> Polygon:
    """The face of a part in the plane z."""
    return MultiPoint(piece.vertices[np.isclose(piece.vertices[:, 2], z, atol=1e-12)][:, :2]).convex_hull


def corners(face: Polygon) -> np.ndarray:
    """Corners (n, 2), counter-clockwise."""
    return np.array(polygon.orient(face).exterior.coords[:-1])


def check_exact(part: PegHole) -> None:
    """Convex parts, each equal to its hull, with the right volume and no overlap, for peg and hole."""
    for pieces, volume in ((peg_parts(part), peg_volume(part)), (hole_parts(part), hole_volume(part))):
        assert all(piece.excess < 1e-12 for piece in pieces)
        for piece in pieces:
            assert piece.volume == pytest.approx(
                ConvexHull(piece.vertices, qhull_options="QJ Pp").volume, rel=1e-6
            )
        assert sum(piece.volume for piece in pieces) / volume == pytest.approx(1.0, abs=1e-9)
    top, bottom = -0.0, -part.hole_depth
    for z, inner in ((bottom, part.hole_outlines[0]), (top, offset(part.hole_outlines[0], part.chamfer))):
        ring = Polygon(offset(part.hole_outlines[0], part.wall), [inner])
        plans = [plan(piece, z) for piece in hole_parts(part)]
        assert sum(p.area for p in plans) == pytest.approx(ring.area, rel=1e-9)
        assert largest_overlap([corners(p) for p in plans]) < TOUCHING
        assert all(ring.distance(Point(corner)) < 1e-12 for p in plans for corner in corners(p))
        assert all(ring.buffer(1e-9).covers(p) for p in plans)
    plans = [plan(piece, 0.0) for piece in peg_parts(part)]
    assert sum(p.area for p in plans) == pytest.approx(area(part.peg_outlines[0]), rel=1e-9)
    assert largest_overlap([corners(p) for p in plans]) < TOUCHING


@chamfers
def test_parts_are_exact(part: PegHole, chamfer: float) -> None:
    check_exact(dataclasses.replace(part, chamfer=chamfer))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_random_sections_are_exact(data: st.DataObject) -> None:
    count = data.draw(st.integers(3, 9))
    shifts = data.draw(st.lists(st.floats(0.0, 0.8), min_size=count, max_size=count))
    radii = data.draw(st.lists(st.floats(0.005, 0.015), min_size=count, max_size=count))
    angles = 2.0 * np.pi * (np.arange(count) + shifts) / count
    vertices = np.array(radii)[:, None] * np.column_stack((np.cos(angles), np.sin(angles)))
    assume(Polygon(vertices).area > 1e-5)
    try:
        part = PegHole("polygon", {"vertices": vertices.tolist()}, clearance=5e-5, chamfer=1e-4)
    except ValueError as error:
        assert "wall" in str(error)
        assume(False)
    check_exact(part)


def test_known_volumes() -> None:
    part = PegHole("square", {"width": 0.02}, clearance=1e-4, chamfer=1e-3, hole_depth=0.02)
    assert peg_volume(part) == pytest.approx(0.02**2 * 0.04, rel=1e-12)
    a, b, h = 0.0202, 0.0222, 0.001
    frustum = h * (a**2 + a * b + b**2) / 3
    assert hole_volume(part) == pytest.approx(0.0402**2 * 0.02 - a**2 * 0.019 - frustum, rel=1e-12)


@chamfers
def test_frames_and_number_of_parts(part: PegHole, chamfer: float) -> None:
    part = dataclasses.replace(part, chamfer=chamfer)
    peg = np.concatenate([piece.vertices for piece in peg_parts(part)])
    assert (peg[:, 2].min(), peg[:, 2].max()) == (0.0, part.peg_length)
    pieces = hole_parts(part)
    assert len(pieces) == len(part.hole_outlines[0])
    for piece, corner in zip(pieces, part.hole_outlines[0], strict=True):
        assert (piece.vertices[:, 2].min(), piece.vertices[:, 2].max()) == (-part.hole_depth, 0.0)
        np.testing.assert_array_equal(piece.vertices[0], [*corner, -part.hole_depth])
        assert len(piece.vertices) == (8 if chamfer == 0.0 else 10)
    convex = {"L": 2, "T": 2, "polygon": 3}
    assert len(peg_parts(part)) == convex.get(part.section, 1)


def test_a_concave_prism_is_refused(part: PegHole) -> None:
    if part.section in ("L", "T", "polygon"):
        with pytest.raises(ValueError, match="no exact convex parts: one bulges by 0.01|0.02"):
            prism(part.peg_outlines[0], 0.0, 0.01)
    with pytest.raises(ValueError, match="no exact convex parts"):
        prism(part.peg_outlines[0][::-1], 0.0, 0.01)

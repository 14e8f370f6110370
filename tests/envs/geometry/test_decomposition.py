import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from convex import TOUCHING, largest_overlap
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from shapely.geometry import MultiPoint, Point, Polygon, polygon
from shapely.geometry.base import BaseGeometry

from assembly_rl.envs.geometry import ConvexPart, PegHole, hole_parts, hole_volume, peg_parts, peg_volume
from assembly_rl.envs.geometry.decomposition import prism
from assembly_rl.envs.geometry.polygons import offset, region

chamfers = pytest.mark.parametrize("chamfer", [0.0, 3e-4, 1e-3])


def plans(pieces: list[ConvexPart], z: float) -> list[Polygon]:
    """The faces of parts in the plane z."""
    at = (piece.vertices[np.isclose(piece.vertices[:, 2], z, atol=1e-12)] for piece in pieces)
    hulls = (MultiPoint(points[:, :2]).convex_hull for points in at)
    return [hull for hull in hulls if hull.area > 0.0]


def corners(face: Polygon) -> np.ndarray:
    """Corners (n, 2), counter-clockwise."""
    return np.array(polygon.orient(face).exterior.coords[:-1])


def moved(outlines: Sequence[np.ndarray], distance: float) -> BaseGeometry:
    """Section with every edge moved outward, by GEOS."""
    return region(outlines).buffer(distance, join_style="mitre", mitre_limit=1e4)


def check_covered(faces: list[Polygon], section: BaseGeometry) -> None:
    """Check that faces cover a section, without overlap."""
    assert sum(face.area for face in faces) == pytest.approx(section.area, rel=1e-9)
    assert largest_overlap([corners(face) for face in faces]) < TOUCHING
    assert all(section.distance(Point(corner)) < 1e-12 for face in faces for corner in corners(face))
    assert all(section.buffer(1e-9).covers(face) for face in faces)


def check_exact(part: PegHole) -> None:
    """Convex parts, each equal to its hull, with the right volume and no overlap, for peg and hole."""
    peg, hole = peg_parts(part), hole_parts(part)
    for pieces, volume in ((peg, peg_volume(part)), (hole, hole_volume(part))):
        assert all(piece.excess < 1e-12 for piece in pieces)
        for piece in pieces:
            assert piece.volume == pytest.approx(
                ConvexHull(piece.vertices, qhull_options="QJ Pp").volume, rel=1e-6
            )
        assert sum(piece.volume for piece in pieces) / volume == pytest.approx(1.0, abs=1e-9)
    plate, depth, tip = Polygon(part.plate_outline), part.hole_depth, part.tip_chamfer
    floor = [piece for piece in hole if piece.vertices[:, 2].max() < -0.5 * depth]
    assert len(floor) == 0 or part.blind
    beside = [piece for piece in hole if piece not in floor]
    for z, distance in ((-depth, 0.0), (0.0, part.chamfer)):
        opening = region([offset(outline, distance) for outline in part.hole_outlines])
        check_covered(plans(beside, z), plate.difference(opening))
    for z in (-depth - part.floor, -depth) if part.blind else ():
        check_covered(plans(floor, z), plate)
    for z, distance in ((0.0, -tip), (part.peg_length, 0.0)):
        check_covered(plans(peg, z), region([offset(outline, distance) for outline in part.peg_outlines]))


@chamfers
@pytest.mark.parametrize(("tip_chamfer", "blind"), [(0.0, False), (7e-4, True)])
def test_parts_are_exact(part: PegHole, chamfer: float, tip_chamfer: float, blind: bool) -> None:
    check_exact(dataclasses.replace(part, chamfer=chamfer, tip_chamfer=tip_chamfer, blind=blind))


def test_volumes_agree_with_areas_by_geos(part: PegHole) -> None:
    """The volume of a chamfer is that of a prismatoid, from its areas at the ends and in the middle."""
    part = dataclasses.replace(part, chamfer=6e-4, tip_chamfer=7e-4, blind=True)

    def chamfered(outlines: Sequence[np.ndarray], width: float) -> float:
        ends, middle = (0.0, width), 0.5 * width
        areas = sum(moved(outlines, d).area for d in ends) + 4.0 * moved(outlines, middle).area
        return abs(width) * areas / 6.0

    straight = region(part.peg_outlines).area * (part.peg_length - 7e-4)
    assert peg_volume(part) == pytest.approx(straight + chamfered(part.peg_outlines, -7e-4), rel=1e-7)
    opening = region(part.hole_outlines).area * (part.hole_depth - 6e-4) + chamfered(part.hole_outlines, 6e-4)
    plate = Polygon(part.plate_outline).area * (part.hole_depth + 0.005)
    assert hole_volume(part) == pytest.approx(plate - opening, rel=1e-7)


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


@st.composite
def pins_and_tubes(draw: st.DrawFn) -> list[np.ndarray]:
    """Outlines [m] in cells of a grid: regular polygons; some have a bore, and some bores a pin."""
    outlines = []
    pitch = draw(st.floats(0.012, 0.04))
    cells = st.tuples(st.integers(0, 2), st.integers(0, 1))
    for cell in draw(st.lists(cells, min_size=1, max_size=4, unique=True)):
        radius = draw(st.floats(0.3, 0.45))
        for _ in range(draw(st.integers(1, 3))):
            sides, turn = draw(st.integers(3, 8)), draw(st.floats(0.0, 1.0))
            angles = draw(st.sampled_from([1.0, -1.0])) * 2.0 * np.pi * (np.arange(sides) + turn) / sides
            circle = np.column_stack((np.cos(angles), np.sin(angles)))
            outlines.append(pitch * (cell + radius * circle))
            radius *= np.cos(np.pi / sides) * draw(st.floats(0.4, 0.75))
    return draw(st.permutations(outlines))


@settings(max_examples=15, deadline=None)
@given(pins_and_tubes(), st.sampled_from([0.0, 2e-4]), st.booleans())
def test_random_pins_and_tubes_are_exact(outlines: list[np.ndarray], tip_chamfer: float, blind: bool) -> None:
    parameters = {"outlines": [outline.tolist() for outline in outlines]}
    try:
        part = PegHole(
            "polygons", parameters, clearance=5e-5, chamfer=1e-4, tip_chamfer=tip_chamfer, blind=blind
        )
    except ValueError as error:
        assert "wall" in str(error) or "narrower than" in str(error)
        assume(False)
    assert len(part.hole_outlines) == len(outlines)
    check_exact(part)


def test_known_volumes() -> None:
    part = PegHole("square", {"width": 0.02}, clearance=1e-4, chamfer=1e-3, hole_depth=0.02)
    assert peg_volume(part) == pytest.approx(0.02**2 * 0.04, rel=1e-12)
    a, b, h = 0.0202, 0.0222, 0.001
    frustum = h * (a**2 + a * b + b**2) / 3
    assert hole_volume(part) == pytest.approx(0.0402**2 * 0.02 - a**2 * 0.019 - frustum, rel=1e-12)


def test_known_volumes_of_a_tube_with_a_chamfered_tip_and_a_blind_hole() -> None:
    outlines = [[(0, 0), (w, 0), (w, w), (0, w)] for w in (0.02, 0.01)]
    outlines[1] = [(x + 0.005, y + 0.005) for x, y in outlines[1]]
    lengths = {"clearance": 1e-4, "chamfer": 0.0, "hole_depth": 0.02, "peg_length": 0.03}
    part = PegHole("polygons", {"outlines": outlines}, **lengths, tip_chamfer=1e-3, blind=True)

    def frustum(a: float, b: float) -> float:
        return 1e-3 * (a**2 + a * b + b**2) / 3

    tip = frustum(0.018, 0.02) - frustum(0.010, 0.012)
    assert peg_volume(part) == pytest.approx((0.02**2 - 0.01**2) * 0.029 + tip, rel=1e-12)
    width = 0.0202 + 2 * 0.01
    opening = (0.0202**2 - 0.0098**2) * 0.02
    assert hole_volume(part) == pytest.approx(width**2 * 0.025 - opening, rel=1e-12)


@chamfers
@pytest.mark.parametrize("blind", [False, True])
def test_frames_and_number_of_parts(part: PegHole, chamfer: float, blind: bool) -> None:
    part = dataclasses.replace(part, chamfer=chamfer, blind=blind)
    peg = np.concatenate([piece.vertices for piece in peg_parts(part)])
    assert (peg[:, 2].min(), peg[:, 2].max()) == (0.0, part.peg_length)
    pieces = hole_parts(part)
    edges = np.concatenate(part.hole_outlines)
    for piece, corner in zip(pieces, edges, strict=False):  # those behind the edges are the first ones
        assert (piece.vertices[:, 2].min(), piece.vertices[:, 2].max()) == (-part.hole_depth, 0.0)
        np.testing.assert_array_equal(piece.vertices[0], [*corner, -part.hole_depth])
        assert len(piece.vertices) == (8 if chamfer == 0.0 else 10)
    if len(part.hole_outlines) == 1 and part.ends_with_wall and not blind:
        assert len(pieces) == len(edges)
    assert min(piece.vertices[:, 2].min() for piece in pieces) == -part.hole_depth - (0.005 if blind else 0.0)
    convex = {"L": 2, "T": 2, "U": 3, "cross": 3, "keyed": 2, "tube": 12, "pins": 2, "polygon": 3}
    assert len(peg_parts(part)) == (convex | {"polygons": 4 + 1 + 2}).get(part.section, 1)


CHAMFERED = [("square", 1), ("pins", 2), ("U", 3 + 3 + 8), ("tube", 12 + 12 + 24)]


@pytest.mark.parametrize(("section", "count"), CHAMFERED)
def test_a_chamfered_convex_pin_is_one_part(section: str, count: int) -> None:
    """Of any other one there are prisms at the tip and above it, and a part behind each edge."""
    assert len(peg_parts(PegHole(section, tip_chamfer=5e-4))) == count


def test_a_concave_prism_is_refused(part: PegHole) -> None:
    if part.section in ("L", "T", "U", "cross", "keyed", "polygon"):
        with pytest.raises(ValueError, match=r"no exact convex parts: one bulges by 0\.0"):
            prism(part.peg_outlines[0], 0.0, 0.01)
    with pytest.raises(ValueError, match="no exact convex parts"):
        prism(part.peg_outlines[0][::-1], 0.0, 0.01)

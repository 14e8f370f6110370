import numpy as np
import pytest
from convex import TOUCHING, largest_overlap
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from assembly_rl.envs.geometry import section_outlines
from assembly_rl.envs.geometry.polygons import (
    area,
    clean,
    convex_partition,
    is_convex,
    narrowest_gap,
    offset,
    pieces,
    region,
    thin_place,
)

SQUARE = [[0.0, 0.0], [0.02, 0.0], [0.02, 0.02], [0.0, 0.02]]


@st.composite
def star_polygons(draw: st.DrawFn) -> np.ndarray:
    """Random simple polygon of 3 to 9 corners, 8 to 30 mm across."""
    count = draw(st.integers(3, 9))
    shifts = draw(st.lists(st.floats(0.0, 0.8), min_size=count, max_size=count))
    radii = draw(st.lists(st.floats(0.004, 0.015), min_size=count, max_size=count))
    angles = 2.0 * np.pi * (np.arange(count) + shifts) / count
    points = np.array(radii)[:, None] * np.column_stack((np.cos(angles), np.sin(angles)))
    assume(Polygon(points).is_valid and Polygon(points).area > 1e-5)
    return clean([points])[0]


def quads(outline: np.ndarray, width: float) -> list[np.ndarray]:
    """The strip of ``width`` outside every edge."""
    outer = offset(outline, width)
    following = np.roll(np.arange(len(outline)), -1)
    return [np.array([outer[i], outer[j], outline[j], outline[i]]) for i, j in enumerate(following)]


@settings(max_examples=100, deadline=None)
@given(star_polygons())
def test_partition_is_exact(outline: np.ndarray) -> None:
    parts = convex_partition([outline])
    assert all(is_convex(part) for part in parts)
    assert sum(area(part) for part in parts) == pytest.approx(area(outline), rel=1e-9)
    assert largest_overlap(parts) < TOUCHING
    turns = np.roll(outline, -1, axis=0) - outline
    reflex = sum(
        np.cross([*a, 0], [*b, 0])[2] < 0 for a, b in zip(np.roll(turns, 1, axis=0), turns, strict=True)
    )
    assert len(parts) <= 2 * reflex + 1  # the bound of Hertel and Mehlhorn


@settings(max_examples=100, deadline=None)
@given(star_polygons())
def test_offset_up_to_its_limit(outline: np.ndarray) -> None:
    limit = narrowest_gap([outline])[0]
    if is_convex(outline):
        assert limit == np.inf
    width = 0.999 * min(limit, 0.01)
    strips, outer = quads(outline, width), offset(outline, width)
    assert all(area(strip) > 0 and is_convex(strip) for strip in strips)
    assert largest_overlap(strips) < TOUCHING
    expected = Polygon(outline).buffer(width, join_style="mitre", mitre_limit=1e4)
    for vertices in (outer, np.roll(outer, -1, axis=0)):  # both ends of each edge are as far out as asked for
        edges = np.roll(outline, -1, axis=0) - outline
        normals = np.column_stack((edges[:, 1], -edges[:, 0])) / np.linalg.norm(edges, axis=1)[:, None]
        np.testing.assert_allclose(np.sum((vertices - outline) * normals, axis=1), width, rtol=1e-9)
    # GEOS simplifies what it offsets: the same polygon, but for vertices that hardly turn.
    assert Polygon(outer).is_valid
    assert area(outer) == pytest.approx(expected.area, rel=1e-6)
    assert Polygon(outer).boundary.hausdorff_distance(expected.boundary) < 1e-6
    if limit < np.inf:
        beyond, edges = offset(outline, 1.01 * limit), np.roll(outline, -1, axis=0) - outline
        reversed_edge = np.any(np.sum((np.roll(beyond, -1, axis=0) - beyond) * edges, axis=1) < 0)
        assert reversed_edge or not Polygon(beyond).is_valid


def test_limit_of_a_slot_is_half_its_width() -> None:
    millimetres = [(0, 0), (30, 0), (30, 20), (21, 20), (21, 8), (10, 8), (10, 20), (0, 20)]
    assert narrowest_gap(clean([0.001 * np.array(millimetres)]))[0] == pytest.approx(0.0055, rel=1e-12)


def test_limit_where_a_corner_meets_an_edge() -> None:
    # A C whose upper lip ends in a point 4 mm above the middle of the lower arm.
    millimetres = [(0, 0), (30, 0), (30, 6), (5, 6), (5, 20), (12, 20), (15, 10), (18, 25), (0, 25)]
    (outline,) = clean([0.001 * np.array(millimetres)])
    limit = narrowest_gap([outline])[0]
    assert 0.0005 < limit < 0.002
    assert Polygon(offset(outline, 0.999 * limit)).is_valid
    assert not Polygon(offset(outline, 1.001 * limit)).is_valid


@pytest.mark.parametrize("section, count", [("L", 2), ("T", 2), ("square", 1), ("circle", 1), ("tube", 12)])
def test_number_of_parts(section: str, count: int) -> None:
    assert len(convex_partition(section_outlines(section))) == count


@pytest.mark.parametrize(
    "vertices",
    [
        SQUARE[::-1],
        [*SQUARE, SQUARE[0]],
        [SQUARE[0], SQUARE[0], *SQUARE[1:]],
        [[0.01, 0.0], *SQUARE[1:], SQUARE[0]],
        np.array(SQUARE) + 0.1,
    ],
    ids=["clockwise", "closed", "repeated", "collinear", "moved"],
)
def test_clean_gives_the_same_square(vertices: list) -> None:
    (outline,) = clean([vertices])
    assert area(outline) == pytest.approx(4e-4)
    assert {tuple(v) for v in outline.round(9).tolist()} == {
        (x, y) for x in (-0.01, 0.01) for y in (-0.01, 0.01)
    }
    assert len(outline) == 4


@pytest.mark.parametrize(
    ("vertices", "message"),
    [
        (
            [[0, 0], [0.02, 0.02], [0.02, 0], [0, 0.02]],
            r"cross or touch itself: Self-intersection near x = 0.01 m, y = 0.01 m",
        ),
        ([[0, 0], [0.02, 0], [0, 0], [0.02, 0]], "at least 3 distinct vertices, got 2"),
        ([[0.01, 0.01]] * 4, "at least 3 distinct vertices, got"),
        ([[0, 0], [0.01, 0.01], [0.02, 0.02]], "zero area: its 3 vertices lie on one line"),
        ([[0, 0], [0.02, 0], [0.02, float("inf")]], r"vertices must be finite, vertex 2 is \[0.02, inf\]"),
        ([[0, 0], [20, 0], [20, 20]], "20 m across, at most 0.5 m is accepted: use metres"),
        ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], r"list of \[x, y\] pairs"),
        ([[0, 0], [1]], r"list of \[x, y\] pairs"),
        ([], r"list of \[x, y\] pairs"),
        ("square", r"list of \[x, y\] pairs"),
    ],
)
def test_clean_refuses(vertices: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clean([vertices])


def box(x: float, y: float, width: float, height: float) -> list[list[float]]:
    """Rectangle from its lower left corner and its sides [mm], in metres."""
    return [
        [1e-3 * a, 1e-3 * b] for a, b in ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    ]


def test_outlines_within_outlines_are_holes_and_pins_in_turn() -> None:
    boxes = [box(8, 8, 4, 4), box(0, 0, 20, 20), box(30, 0, 10, 20), box(4, 4, 12, 12)[::-1]]
    outlines = clean(boxes)
    areas = [area(outline) for outline in outlines]
    np.testing.assert_allclose(areas, [16e-6, 400e-6, 200e-6, -144e-6])
    assert sum(areas) == pytest.approx(region(outlines).area)
    np.testing.assert_allclose(region(outlines).centroid.coords[0], 0.0, atol=1e-15)
    pin, tube, other, bore = outlines
    found = pieces(outlines)
    assert [[id(outline) for outline in one] for one in found] == [
        [id(pin)],
        [id(tube), id(bore)],
        [id(other)],
    ]


@pytest.mark.parametrize(
    ("outlines", "message"),
    [
        ([], "at least one outline, got none"),
        (
            [box(0, 0, 20, 20), box(10, 5, 20, 2)],
            r"outlines 0 and 1 of the section must not cross or touch: .* near x = 0.02 m, y = 0.00[57] m",
        ),
        ([box(0, 0, 9, 9), box(9, 9, 9, 9)], "outlines 0 and 1 .* near x = 0.009 m, y = 0.009 m"),
        ([box(0, 0, 9, 9), box(9, 0, 9, 9)], "outlines 0 and 1 .* near x = 0.009 m, y = (0|0.009) m"),
        ([box(0, 0, 9, 9), box(20, 0, 9, 9), box(0, 4, 9, 1)], "outlines 0 and 2 .* near x = 0(.009)? m"),
        ([box(0, 0, 9, 9)] * 2, "outlines 0 and 1 of the section must not cross or touch"),
        (
            [box(0, 0, 9, 9), [[0, 0], [0.01, 0.01], [0.01, 0], [0, 0.01]]],
            "outline 1 of the section must not",
        ),
        ([box(0, 0, 9, 9), [[0.02, 0], [0.03, 0]]], "outline 1 of the section needs at least 3"),
        ([box(0, 0, 9, 9), box(600, 0, 9, 9)], "the section is 0.609 m across, at most 0.5 m is accepted"),
    ],
)
def test_outlines_that_do_not_go_together_are_refused(outlines: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clean(outlines)


def test_limit_between_outlines_is_half_of_their_distance() -> None:
    limit, place = narrowest_gap(clean([box(0, 0, 10, 10), box(13, 2, 10, 4)]))
    assert limit == pytest.approx(0.0015, rel=1e-12)
    centre = region(clean([box(0, 0, 10, 10), box(13, 2, 10, 4)])).bounds[0]
    assert place[0] - centre == pytest.approx(0.0115)
    assert narrowest_gap(clean([box(0, 0, 20, 20), box(4, 5, 12, 10)]))[0] == pytest.approx(
        0.005
    )  # of the bore


def test_a_thin_place_of_a_tube_is_found() -> None:
    outlines = clean([box(0, 0, 20, 20), box(2, 3, 16, 14)])
    assert thin_place(outlines, 0.0019) is None
    place = thin_place(outlines, 0.0025)
    assert place is not None and 0.008 < abs(place[0]) < 0.01 and abs(place[1]) < 0.007

import copy
import dataclasses
import pickle

import numpy as np
import pytest

from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.geometry.polygons import area, narrowest_gap, offset, region

SQUARE = [(-0.01, -0.01), (0.01, -0.01), (0.01, 0.01), (-0.01, 0.01)]
HOLE = [(0.6 * x, 0.6 * y) for x, y in SQUARE]


def test_clearance_is_exact_on_every_edge(part: PegHole) -> None:
    """Outward: a bore, clockwise, leaves a clearance around a core that is narrower."""
    assert len(part.peg_outlines) == len(part.hole_outlines)
    for peg, hole in zip(part.peg_outlines, part.hole_outlines, strict=True):
        assert peg.shape == hole.shape
        assert area(hole) > area(peg)
        check_clearance(peg, hole)


def check_clearance(peg: np.ndarray, hole: np.ndarray) -> None:
    """Check the distance of every edge of a hole from that of the peg."""
    edges, opposite = np.roll(peg, -1, axis=0) - peg, np.roll(hole, -1, axis=0) - hole
    normals = np.column_stack((edges[:, 1], -edges[:, 0])) / np.linalg.norm(edges, axis=1, keepdims=True)
    np.testing.assert_allclose(np.sum((hole - peg) * normals, axis=1), 1e-4, rtol=1e-11)
    np.testing.assert_allclose(np.sum(opposite * normals, axis=1), 0.0, atol=1e-16)
    assert (np.sum(opposite * edges, axis=1) > 0).all()


def test_defaults() -> None:
    part = PegHole()
    assert (part.section, part.parameters) == ("square", {"width": 0.02})
    assert (part.clearance, part.chamfer, part.hole_depth, part.peg_length) == (1e-4, 3e-4, 0.025, 0.04)
    assert part.circumradius == pytest.approx(0.01 * 2**0.5)
    assert part.wall == 0.01


def test_wall_is_limited_by_the_tongue() -> None:
    vertices = [
        (0, 0),
        (0.03, 0),
        (0.03, 0.02),
        (0.02, 0.02),
        (0.02, 0.008),
        (0.01, 0.008),
        (0.01, 0.02),
        (0, 0.02),
    ]
    part = PegHole("polygon", {"vertices": vertices})
    assert part.wall < narrowest_gap(part.hole_outlines)[0] == pytest.approx(0.0049)
    assert part.wall == pytest.approx(0.9 * 0.0049) and not part.ends_with_wall


def test_equality_copies_and_immutability(part: PegHole) -> None:
    for other in (copy.deepcopy(part), pickle.loads(pickle.dumps(part)), PegHole(**dataclasses.asdict(part))):
        assert other == part and hash(other) == hash(part)
        assert other.content_hash == part.content_hash
        for own, same in zip(other.hole_outlines, part.hole_outlines, strict=True):
            np.testing.assert_array_equal(own, same)
    with pytest.raises(dataclasses.FrozenInstanceError):
        part.clearance = 1.0  # type: ignore[misc]
    for outline in (*part.peg_outlines, *part.hole_outlines, part.plate_outline):
        with pytest.raises(ValueError, match="read-only"):
            outline[0] = 0.0


def test_content_hash_identifies_the_shape() -> None:
    changes = [
        {},
        {"clearance": 2e-4},
        {"chamfer": 0.0},
        {"hole_depth": 0.02},
        {"peg_length": 0.05},
        {"parameters": {"width": 0.021}},
        {"section": "hexagon"},
        {"blind": True},
        {"tip_chamfer": 3e-4},
        {"tip_chamfer": 3e-4, "blind": True},
        {"section": "polygons", "parameters": {"outlines": [SQUARE, HOLE]}},
        {"section": "polygons", "parameters": {"outlines": [SQUARE, [(x / 2, y / 2) for x, y in HOLE]]}},
        {"section": "pins"},
        {"section": "pins", "parameters": {"pitch": 0.013}},
    ]
    hashes = {PegHole(**change).content_hash for change in changes}
    assert len(hashes) == len(changes)
    assert all(len(h) == 64 and set(h) <= set("0123456789abcdef") for h in hashes)
    assert PegHole("polygon", {"vertices": SQUARE}).content_hash == PegHole().content_hash
    assert PegHole("polygons", {"outlines": [SQUARE]}).content_hash == PegHole().content_hash
    assert PegHole(name="a peg").content_hash == PegHole().content_hash


def test_content_hash_is_the_same_everywhere() -> None:
    assert PegHole().content_hash[:16] == "1bd5c023c59ce5d6"  # raise FORMAT_VERSION when this has to change


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clearance": 0.0}, "clearance must be more than 0 and at most 0.5 m, got 0 m"),
        ({"clearance": -1e-4}, "clearance must be more than 0"),
        ({"clearance": float("nan")}, "clearance must be a finite number of metres, got nan"),
        ({"clearance": "0.1"}, "clearance must be a finite number of metres, got '0.1'"),
        ({"clearance": True}, "clearance must be a finite number of metres, got True"),
        ({"clearance": 0.1}, "clearance 0.1 m must be less than the section's radius, 0.0141 m"),
        ({"tip_chamfer": -1e-4}, "tip_chamfer must be 0 or more"),
        ({"tip_chamfer": 1e-6}, "tip_chamfer must be at least 1e-05 m, got 1e-06 m: give it in metres"),
        ({"tip_chamfer": 0.006}, "tip_chamfer 0.006 m must be at most a quarter of the section's width"),
        (
            {"chamfer": 3e-3, "tip_chamfer": 3e-3, "hole_depth": 0.005},
            "chamfer 0.003 m and tip_chamfer 0.003 m together must be less than hole_depth 0.005 m",
        ),
        ({"blind": 1}, "blind must be true or false, got 1"),
        ({"blind": "yes"}, "blind must be true or false, got 'yes'"),
        ({"name": 3}, "name must be a text of at most 80 characters in one line, got 3"),
        ({"name": "a" * 81}, "name must be a text of at most 80 characters"),
        ({"name": "a\nb"}, r"name must be a text .*, got 'a\\nb'"),
        ({"chamfer": -1e-4}, "chamfer must be 0 or more"),
        ({"chamfer": 0.01}, "chamfer 0.01 m must be less than the wall around the hole, 0.01 m"),
        ({"chamfer": 0.005, "hole_depth": 0.005}, "chamfer 0.005 m must be less than hole_depth 0.005 m"),
        ({"hole_depth": 0.0}, "hole_depth must be more than 0"),
        ({"hole_depth": float("inf")}, "hole_depth must be a finite number of metres, got inf"),
        ({"peg_length": 40}, "peg_length must be more than 0 and at most 0.5 m, got 40 m"),
        ({"peg_length": 0.025}, "peg_length 0.025 m must exceed hole_depth 0.025 m: otherwise the flange"),
    ],
)
def test_refusals(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PegHole(**changes)


def slotted(gap: float) -> dict:
    a, b = 0.015 - 0.5 * gap, 0.015 + 0.5 * gap
    return {
        "vertices": [(0, 0), (0.03, 0), (0.03, 0.02), (b, 0.02), (b, 0.008), (a, 0.008), (a, 0.02), (0, 0.02)]
    }


def test_narrow_gaps_are_refused() -> None:
    with pytest.raises(ValueError, match="clearance 0.0001 m leaves a wall of 0 m in the narrowest gap"):
        PegHole("polygon", slotted(1.5e-4))
    with pytest.raises(ValueError, match="leaves a wall of 4.5e-05 m .*at least 0.0002 m is needed"):
        PegHole("polygon", slotted(3e-4), chamfer=0.0)
    with pytest.raises(ValueError, match="chamfer 0.0003 m must be less than the wall .*, 0.00027 m"):
        PegHole("polygon", slotted(8e-4))
    PegHole("polygon", slotted(8e-4), chamfer=2e-4)


def test_the_name_is_no_shape() -> None:
    assert PegHole(name="bracket 12") == PegHole()
    assert [PegHole().label, PegHole(name="bracket 12").label] == ["square", "bracket 12"]


def test_walls_of_pins_meet_in_the_plate_and_thin_ones_are_refused_with_their_place() -> None:
    part = PegHole("pins", {"columns": 2, "rows": 2, "pitch": 0.010, "width": 0.006, "height": 0.004})
    assert part.wall == pytest.approx(0.9 * (0.002 - 1e-4))
    walls = [region([offset(outline, part.wall)]) for outline in part.hole_outlines]
    assert min(a.distance(b) for i, a in enumerate(walls) for b in walls[:i]) > 0.00037
    with pytest.raises(
        ValueError,
        match="clearance 0.0001 m leaves a wall of 0.00018 m in the narrowest gap of the section, "
        r"near x = (-0\.0066|0\.0033|0|-0\.0)\S* m, y = \S+ m: at least 0.0002 m is needed",
    ):
        PegHole("pins", {"pitch": 0.0066})
    boxes = [[(x, 0), (x + 0.006, 0), (x + 0.006, 0.005), (x, 0.005)] for x in (0.1, 0.1066)]
    with pytest.raises(ValueError, match="near x = 0.1063 m, y = "):  # where it was drawn
        PegHole("polygons", {"outlines": boxes})


def test_walls_of_far_pins_stay_clear_of_the_edge_of_the_plate() -> None:
    part = PegHole("pins", {"pitch": 0.1})
    assert part.wall == 0.005
    walls = region([offset(outline, part.wall) for outline in part.hole_outlines])
    assert region([part.plate_outline]).exterior.distance(walls) == pytest.approx(0.005)


def test_a_core_of_no_width_and_a_thin_tube_are_refused() -> None:
    with pytest.raises(ValueError, match="in the narrowest gap of the section, near x = .* at least"):
        PegHole("tube", {"bore": 0.0006})
    with pytest.raises(ValueError, match="narrower than 0.001 m near x = "):
        PegHole("tube", {"bore": 0.0185})

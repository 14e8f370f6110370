import copy
import dataclasses
import pickle

import numpy as np
import pytest

from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.geometry.polygons import narrowest_gap


def test_clearance_is_exact_on_every_edge(part: PegHole) -> None:
    peg, hole = part.peg_outlines[0], part.hole_outlines[0]
    assert peg.shape == hole.shape
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
    assert part.wall > 0.0048


def test_equality_copies_and_immutability(part: PegHole) -> None:
    for other in (copy.deepcopy(part), pickle.loads(pickle.dumps(part)), PegHole(**dataclasses.asdict(part))):
        assert other == part and hash(other) == hash(part)
        assert other.content_hash == part.content_hash
        np.testing.assert_array_equal(other.hole_outlines[0], part.hole_outlines[0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        part.clearance = 1.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        part.peg_outlines[0][0] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        part.hole_outlines[0][0] = 0.0


def test_content_hash_identifies_the_shape() -> None:
    changes = [
        {},
        {"clearance": 2e-4},
        {"chamfer": 0.0},
        {"hole_depth": 0.02},
        {"peg_length": 0.05},
        {"parameters": {"width": 0.021}},
        {"section": "hexagon"},
    ]
    hashes = {PegHole(**change).content_hash for change in changes}
    assert len(hashes) == len(changes)
    assert all(len(h) == 64 and set(h) <= set("0123456789abcdef") for h in hashes)
    square = [(-0.01, -0.01), (0.01, -0.01), (0.01, 0.01), (-0.01, 0.01)]
    assert PegHole("polygon", {"vertices": square}).content_hash == PegHole().content_hash


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
    with pytest.raises(ValueError, match="leaves a wall of 4.9e-05 m .*at least 0.0002 m is needed"):
        PegHole("polygon", slotted(3e-4), chamfer=0.0)
    with pytest.raises(ValueError, match="chamfer 0.0003 m must be less than the wall .*, 0.000294 m"):
        PegHole("polygon", slotted(8e-4))
    PegHole("polygon", slotted(8e-4), chamfer=2e-4)

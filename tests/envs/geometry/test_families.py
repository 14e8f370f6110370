import numpy as np
import pytest

from assembly_rl.envs.geometry import PegHole, hole_parts, hole_volume, peg_parts, peg_volume
from assembly_rl.envs.geometry.families import HELD_OUT, KINDS, THINNEST, random_section
from assembly_rl.envs.geometry.part_family import PartFamily
from assembly_rl.envs.geometry.polygons import area, narrowest_gap, pieces, thin_place

SIZE = 0.025


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1, 2, HELD_OUT])
def test_a_section_of_each_kind_is_a_part_with_exact_volumes(kind: str, seed: int) -> None:
    outlines = random_section(seed, kind, SIZE)
    assert thin_place(outlines, THINNEST * SIZE) is None
    assert 2.0 * narrowest_gap(outlines)[0] >= THINNEST * SIZE
    part = PegHole("family", {"seed": seed, "kind": kind, "size": SIZE})
    for own, expected in zip(part.peg_outlines, outlines, strict=True):
        np.testing.assert_allclose(own, expected, atol=1e-15)
    assert sum(piece.volume for piece in peg_parts(part)) == pytest.approx(peg_volume(part), rel=1e-9)
    assert sum(piece.volume for piece in hole_parts(part)) == pytest.approx(hole_volume(part), rel=1e-9)


def test_kinds_are_what_they_are_called() -> None:
    for seed in range(20):
        assert len(pieces(random_section(seed, "pins"))) in range(2, 7)
        assert [area(outline) > 0.0 for outline in random_section(seed, "tube")] == [True, False]
        for kind in ("rectangle", "trapezoid"):
            assert len(random_section(seed, kind)[0]) == 4


def test_the_seed_alone_decides() -> None:
    first, second = (random_section(7) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    hashes = {PegHole("family", {"seed": seed}).content_hash for seed in range(40)}
    assert len(hashes) == 40
    larger = random_section(7, size=0.04)
    np.testing.assert_allclose(larger[0], 2.0 * first[0], rtol=1e-9, atol=1e-12)


def test_a_family_draws_within_its_ranges() -> None:
    family = PartFamily(kinds=("L", "tube"), size=(0.02, 0.03), clearance=(5e-5, 1e-4), chamfer=(0.0, 3e-4))
    parts = [family.part(seed) for seed in range(30)]
    assert {part.parameters["kind"] for part in parts} == {"L", "tube"}
    assert all(0.02 <= part.parameters["size"] <= 0.03 for part in parts)
    assert all(5e-5 <= part.clearance <= 1e-4 for part in parts)
    assert parts[3].label == f"{parts[3].parameters['kind']}-3"
    assert family.part(3) == parts[3]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kind": "stars"}, "unknown kind of section 'stars'; did you mean 'star'"),
        ({"kind": 3}, "kind must be a name, got 3"),
        ({"seed": -1}, "seed must be an integer of 0 or more, got -1"),
        ({"seed": 1.5}, "seed must be an integer of 0 or more, got 1.5"),
    ],
)
def test_sections_that_are_refused(parameters: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PegHole("family", parameters)


def test_families_that_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind of section 'x'"):
        PartFamily(kinds=("x",))
    with pytest.raises(ValueError, match="kinds must have at least one name"):
        PartFamily(kinds=())
    with pytest.raises(ValueError, match=r"clearance must be a range from low to high, got \[0.2, 0.1\]"):
        PartFamily(clearance=(0.2, 0.1))

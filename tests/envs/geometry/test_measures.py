"""Symmetry and narrowest places of known sections."""

import math

import numpy as np
import pytest

from assembly_rl.envs.geometry import PegHole, section_outlines
from assembly_rl.envs.geometry.measures import (
    fits_turned,
    has_mirror,
    narrowest_place,
    narrowest_wall,
    rotational_order,
)


@pytest.mark.parametrize(
    ("section", "parameters", "order", "mirror"),
    [
        ("square", {}, 4, True),
        ("circle", {"facets": 16}, 16, True),
        ("rectangle", {}, 2, True),
        ("triangle", {}, 3, True),
        ("hexagon", {}, 6, True),
        ("L", {}, 1, True),
        ("L", {"height": 0.024}, 1, False),
        ("pentagon", {}, 1, False),
        ("cross", {}, 4, True),
        ("cross", {"height": 0.03}, 2, True),
        ("tube", {"facets": 12}, 12, True),
        ("pins", {}, 2, True),
        ("pins", {"columns": 3, "rows": 3}, 4, True),
        ("polygon", {"vertices": [[0, 0], [0.02, 0], [0.03, 0.01], [0.01, 0.01]]}, 2, False),
    ],
)
def test_symmetry(section: str, parameters: dict, order: int, mirror: bool) -> None:
    angle = 0.3  # symmetry does not depend on the directions of x and y
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    outlines = section_outlines(section, parameters)
    for drawn in (outlines, [outline @ turn for outline in outlines]):
        assert rotational_order(drawn) == order
        assert has_mirror(drawn) == mirror


@pytest.mark.parametrize(
    ("section", "parameters", "width"),
    [
        ("square", {}, 0.020),
        ("rectangle", {}, 0.016),
        ("triangle", {"width": 0.024}, 0.024 / math.sqrt(3.0)),  # diameter of the inscribed circle
        ("L", {}, 0.008),
        ("U", {"thickness": 0.005}, 0.005),
        ("D", {"height": 0.015, "facets": 64}, 0.015),
        ("pins", {"width": 0.003}, 0.003),
        ("tube", {"facets": 12}, 0.004 * math.cos(math.pi / 12)),
    ],
)
def test_narrowest_place(section: str, parameters: dict, width: float) -> None:
    found, ends = narrowest_place(section_outlines(section, parameters))
    assert found == pytest.approx(width, rel=2e-3)
    if section not in ("triangle", "D"):
        assert math.dist(*ends) == pytest.approx(width, rel=2e-3)


@pytest.mark.parametrize(
    ("part", "wall"),
    [
        (PegHole("square"), 0.010),
        (PegHole("L"), 0.010),
        (PegHole("U", {"width": 0.02, "thickness": 0.006}), 0.0078),
        (PegHole("pins", {"pitch": 0.009}, clearance=2e-4), 0.0026),
        (PegHole("tube", {"bore": 0.008, "facets": 64}), 0.0078 * math.cos(math.pi / 64)),
    ],
)
def test_narrowest_wall(part: PegHole, wall: float) -> None:
    assert narrowest_wall(part)[0] == pytest.approx(wall, rel=2e-3)


def test_a_peg_that_is_nearly_symmetric_fits_turned() -> None:
    nearly = PegHole("rectangle", {"width": 0.0201, "height": 0.02}, clearance=1e-4)
    assert rotational_order(nearly.peg_outlines) == 2
    assert fits_turned(nearly, math.pi / 2) and not fits_turned(nearly, math.pi / 4)
    assert not fits_turned(PegHole("L"), math.pi)

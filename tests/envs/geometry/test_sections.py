import numpy as np
import pytest
from shapely.geometry import Polygon

from assembly_rl.envs.geometry import SECTIONS, PegHole, section_outlines
from assembly_rl.envs.geometry.polygons import area

CORNERS = {
    "circle": 16,
    "square": 4,
    "rectangle": 4,
    "triangle": 3,
    "pentagon": 5,
    "hexagon": 6,
    "L": 6,
    "T": 8,
}


def test_standard_form(part: PegHole) -> None:
    outline = part.peg_outlines[0]
    assert outline.dtype == np.float64
    assert len(outline) == CORNERS.get(part.section, 8)
    assert area(outline) > 0
    np.testing.assert_allclose(Polygon(outline).centroid.coords[0], 0.0, atol=1e-15)
    assert 0.015 < np.ptp(outline, axis=0).max() < 0.031


@pytest.mark.parametrize(
    ("section", "parameters", "size", "expected_area"),
    [
        ("circle", {"diameter": 0.02, "facets": 200}, (0.02, 0.02), np.pi * 1e-4),
        ("square", {"width": 0.02}, (0.02, 0.02), 4e-4),
        ("rectangle", {"width": 0.03, "height": 0.01}, (0.03, 0.01), 3e-4),
        ("triangle", {"width": 0.02}, (0.02, 0.01 * 3**0.5), 3**0.5 * 1e-4),
        ("hexagon", {"width": 0.02}, (0.04 / 3**0.5, 0.02), 2 * 3**0.5 * 1e-4),
        ("pentagon", {"width": 0.02}, (0.02, 0.018), 2.515e-4),
        ("L", {"width": 0.02, "height": 0.03, "thickness": 0.005}, (0.02, 0.03), 2.25e-4),
        ("T", {"width": 0.02, "height": 0.03, "thickness": 0.005}, (0.02, 0.03), 2.25e-4),
    ],
)
def test_dimensions(section: str, parameters: dict, size: tuple, expected_area: float) -> None:
    outline = section_outlines(section, parameters)[0]
    np.testing.assert_allclose(np.ptp(outline, axis=0), size, rtol=3e-4)
    assert area(outline) == pytest.approx(expected_area, rel=3e-4)


def test_pentagon_fits_one_way_only() -> None:
    outline = Polygon(section_outlines("pentagon")[0])
    angles = np.deg2rad(np.arange(10, 360, 10))
    for angle in angles:
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned = Polygon(section_outlines("pentagon")[0] @ turn.T)
        assert turned.difference(outline).area > 0.02 * outline.area


def test_default_section_needs_no_parameters() -> None:
    for name in SECTIONS:
        if name != "polygon":
            assert len(section_outlines(name)[0]) >= 3


@pytest.mark.parametrize(
    ("section", "parameters", "message"),
    [
        ("sqare", {}, "unknown section 'sqare': did you mean 'square'.* circle, square, rectangle"),
        ("l", {}, "did you mean 'L'"),
        ("zzz", {}, "unknown section 'zzz': known sections: circle"),
        (None, {}, "unknown section None"),
        ("square", {"diameter": 0.02}, "'square' has no parameter 'diameter': it takes width"),
        ("polygon", {}, "'polygon' needs the parameter 'vertices'"),
        ("square", {"width": -0.02}, "width must be a positive length in metres, got -0.02"),
        ("square", {"width": float("nan")}, "width must be a positive length in metres, got nan"),
        ("square", {"width": "20 mm"}, "width must be a positive length in metres, got '20 mm'"),
        ("circle", {"facets": 2}, "facets must be an integer from 3 to 256, got 2"),
        ("circle", {"facets": 8.5}, "facets must be an integer from 3 to 256, got 8.5"),
        ("L", {"thickness": 0.02}, "thickness 0.02 m must be less than the width"),
        ("T", {"height": 0.005}, "thickness 0.008 m must be less than the width"),
        ("square", {"width": 20}, "20 m across, at most 0.5 m is accepted: use metres"),
    ],
)
def test_refusals(section: str, parameters: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PegHole(section, parameters)

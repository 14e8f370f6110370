import numpy as np
import pytest
from shapely.geometry import Polygon

from assembly_rl.envs.geometry import SECTIONS, PegHole, section_outlines
from assembly_rl.envs.geometry.polygons import area, region

CORNERS = {
    "circle": 16,
    "square": 4,
    "rectangle": 4,
    "triangle": 3,
    "pentagon": 5,
    "hexagon": 6,
    "L": 6,
    "T": 8,
    "U": 8,
    "cross": 12,
    "slot": 18,
    "D": 17,
    "keyed": 19,
    "tube": 24,
    "pins": 8,
    "polygon": 8,
    "polygons": 18,
}

D_AREA = 1e-4 * (np.pi * 2 / 3 + 0.5 * 0.75**0.5)
"""A disc of 20 mm without the segment of 120 degrees beyond its flat."""
HALF_ANGLE = np.arcsin(0.3)
KEYED_AREA = (
    1e-4 * (np.pi - HALF_ANGLE)
    + 0.5 * 0.006 * 0.01 * np.cos(HALF_ANGLE)
    + 0.006 * (0.012 - 0.01 * np.cos(HALF_ANGLE))
)
"""A disc of 20 mm without the segment below the key, and the key of 6 mm."""


def test_standard_form(part: PegHole) -> None:
    outlines = part.peg_outlines
    assert all(outline.dtype == np.float64 for outline in outlines)
    assert sum(map(len, outlines)) == CORNERS[part.section]
    holes = {"tube": [1], "polygons": [1]}.get(part.section, [])
    assert [i for i, outline in enumerate(outlines) if area(outline) < 0] == holes
    np.testing.assert_allclose(region(outlines).centroid.coords[0], 0.0, atol=1e-15)
    assert 0.015 < np.ptp(np.concatenate(outlines), axis=0).max() < 0.041


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
        ("U", {"width": 0.02, "height": 0.03, "thickness": 0.005}, (0.02, 0.03), 3.5e-4),
        ("cross", {"width": 0.02, "height": 0.03, "thickness": 0.005}, (0.02, 0.03), 2.25e-4),
        ("slot", {"width": 0.03, "height": 0.01, "facets": 200}, (0.03, 0.01), 2e-4 + np.pi * 25e-6),
        ("D", {"diameter": 0.02, "height": 0.015, "facets": 200}, (0.02, 0.015), D_AREA),
        ("keyed", {"height": 0.022, "facets": 200}, (0.02, 0.022), KEYED_AREA),
        ("tube", {"diameter": 0.02, "bore": 0.01, "facets": 200}, (0.02, 0.02), 0.75 * np.pi * 1e-4),
        ("pins", {"columns": 3, "rows": 2, "width": 0.005}, (0.029, 0.018), 6 * 3e-5),
    ],
)
def test_dimensions(section: str, parameters: dict, size: tuple, expected_area: float) -> None:
    outlines = section_outlines(section, parameters)
    np.testing.assert_allclose(np.ptp(np.concatenate(outlines), axis=0), size, rtol=3e-4)
    assert sum(map(area, outlines)) == pytest.approx(expected_area, rel=3e-4)


def test_pentagon_fits_one_way_only() -> None:
    outline = Polygon(section_outlines("pentagon")[0])
    angles = np.deg2rad(np.arange(10, 360, 10))
    for angle in angles:
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned = Polygon(section_outlines("pentagon")[0] @ turn.T)
        assert turned.difference(outline).area > 0.02 * outline.area


def test_default_section_needs_no_parameters() -> None:
    for name in SECTIONS:
        if name not in ("polygon", "polygons"):
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
        ("U", {"thickness": 0.010}, "thickness 0.01 m must be more than 0 m and less than 0.01 m"),
        ("U", {"height": 0.005}, "thickness 0.006 m must be more than 0 m and less than 0.005 m"),
        ("cross", {"thickness": 0.02}, "thickness 0.02 m must be less than the width"),
        ("slot", {"height": 0.024}, "slot's height 0.024 m must be less than its width 0.024 m"),
        ("slot", {"facets": 7}, "section 'slot': facets must be even, got 7"),
        ("D", {"height": 0.01}, "height 0.01 m must be more than 0.01 m and less than 0.02 m"),
        ("D", {"height": 0.02}, "height 0.02 m must be more than 0.01 m and less than 0.02 m"),
        ("keyed", {"key_width": 0.02}, "key_width 0.02 m must be more than 0 m and less than 0.02 m"),
        ("keyed", {"height": 0.02}, "height 0.02 m must be more than 0.02 m and less than 0.04 m"),
        ("tube", {"bore": 0.02}, "bore 0.02 m must be more than 0 m and less than 0.02 m"),
        ("tube", {"bore": 0}, "section 'tube': bore must be a positive length in metres, got 0"),
        ("pins", {"columns": 0}, "section 'pins': columns must be an integer from 1 to 16, got 0"),
        ("pins", {"rows": 17}, "rows must be an integer from 1 to 16, got 17"),
        ("pins", {"columns": 2.0}, "columns must be an integer from 1 to 16, got 2.0"),
        ("pins", {"columns": True}, "columns must be an integer from 1 to 16, got True"),
        ("pins", {"pitch": 0.006}, "outlines 0 and 1 of the section must not cross or touch: they do near"),
        ("polygons", {}, "'polygons' needs the parameter 'outlines'"),
        ("polygons", {"outlines": []}, r"outlines must be a list of outlines, each of .*, got \[\]"),
        ("polygons", {"outlines": "tube"}, "outlines must be a list of outlines"),
        ("polygons", {"outlines": [[0, 0], [1, 0], [1, 1]]}, r"vertices must be a list of \[x, y\] pairs"),
        ("square", {"width": 20}, "20 m across, at most 0.5 m is accepted: use metres"),
    ],
)
def test_refusals(section: str, parameters: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PegHole(section, parameters)

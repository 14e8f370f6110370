"""Parts from files, as an engineer has them: YAML in millimetres, DXF, SVG."""

import builtins
from pathlib import Path
from typing import Any

import ezdxf
import numpy as np
import pytest

from assembly_rl.envs import PegHole
from assembly_rl.envs.geometry.files import read_part
from assembly_rl.envs.geometry.polygons import area
from assembly_rl.envs.library import make_part

L_SHAPE = [[0, 0], [20, 0], [20, 8], [8, 8], [8, 20], [0, 20]]
EXPECTED = PegHole(section="L")


def written(folder: Path, text: str, name: str = "part.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def drawing(folder: Path, units: int = 4) -> Any:
    return ezdxf.new(units=units)


def svg(folder: Path, body: str, size: str = 'width="40mm" height="40mm" viewBox="0 0 400 400"') -> Path:
    text = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{body}</svg>'
    return written(folder, text, "part.svg")


def test_a_polygon_in_millimetres(tmp_path: Path) -> None:
    text = f"polygon: {L_SHAPE}\nclearance: 0.05\nchamfer: 0\ndepth: 20\nlength: 35\n"
    part = PegHole(**read_part(written(tmp_path, text)))
    np.testing.assert_allclose(part.peg_outlines[0], EXPECTED.peg_outlines[0], atol=1e-12)
    assert (part.clearance, part.chamfer, part.hole_depth, part.peg_length) == (5e-5, 0.0, 0.02, 0.035)
    assert read_part(written(tmp_path, f"polygon: {L_SHAPE}")).keys() == {"section", "parameters"}


def test_lines_and_arcs_of_a_dxf_file_are_joined(tmp_path: Path) -> None:
    document = drawing(tmp_path)
    space = document.modelspace()
    space.add_line((0, 0), (20, 0))
    space.add_line((20, 10), (20, 0.005))  # the other way round, with a gap of 5 micrometres
    space.add_arc((10, 10), 10, 0, 180)
    space.add_line((0, 10), (0, 0))
    space.add_text("not a line")
    document.saveas(tmp_path / "part.dxf")
    part = PegHole(**read_part(tmp_path / "part.dxf"))
    assert area(part.peg_outlines[0]) == pytest.approx(200e-6 + 0.5 * np.pi * 100e-6, rel=0.02)
    assert 10 <= len(part.peg_outlines[0]) <= 24


def test_units_of_a_dxf_file_count(tmp_path: Path) -> None:
    document = drawing(tmp_path, units=1)  # inches
    document.modelspace().add_lwpolyline([(0, 0), (1, 0), (1, 0.5), (0, 0.5)], close=True)
    document.saveas(tmp_path / "part.dxf")
    part = PegHole(**read_part(tmp_path / "part.dxf"))
    np.testing.assert_allclose(np.ptp(part.peg_outlines[0], axis=0), [0.0254, 0.0127])


def test_an_svg_path_with_a_transform_and_a_physical_size(tmp_path: Path) -> None:
    body = '<g transform="translate(20 10)"><path d="M 0 0 H 200 V 80 H 80 V 200 H 0 Z"/></g>'
    part = PegHole(**read_part(svg(tmp_path, body)))
    upside_down = EXPECTED.peg_outlines[0] * [1, -1]  # y points down in SVG, so the L is seen upside down
    rows = part.peg_outlines[0].round(9)
    assert {tuple(row) for row in rows} == {tuple(row) for row in upside_down.round(9)}
    plain = svg(tmp_path, '<rect x="0" y="0" width="20" height="10"/>', "")
    np.testing.assert_allclose(np.ptp(PegHole(**read_part(plain)).peg_outlines[0], axis=0), [0.02, 0.01])
    circle = svg(tmp_path, '<circle cx="100" cy="100" r="100"/>')
    part = PegHole(**read_part(circle))
    assert part.circumradius == pytest.approx(0.010)
    assert area(part.peg_outlines[0]) == pytest.approx(np.pi * 1e-4, rel=0.03)


def test_a_yaml_file_may_name_a_drawing(tmp_path: Path) -> None:
    svg(tmp_path, '<rect x="0" y="0" width="200" height="100"/>')
    fields = read_part(written(tmp_path, "outline: part.svg\nclearance: 0.2"))
    assert fields["clearance"] == pytest.approx(2e-4)
    assert PegHole(**fields).circumradius == pytest.approx(0.5 * np.hypot(0.02, 0.01))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("polygon: [[0, 0], [10, 10], [10, 0], [0, 10]]", "Self-intersection near x = 5 mm, y = 5 mm"),
        (
            "polygon: [[0, 0], [20, 0], [20, 0.5], [10, 0.5], [10, 20], [0, 20]]",
            r"narrower than 1 mm near x = 15\.\d* mm, y = 0.25 mm: widen it there",
        ),
        (
            "polygon: [[0, 0], [20, 0], [20, 20], [10.3, 20], [10.3, 5], [9.9, 5], [9.9, 20], [0, 20]]",
            "narrowest gap of the section, near x = 10.1 mm, y = .* at least 0.2 mm is needed",
        ),
        ("polygon: [[0, 0], [9, 0], [9, 9]]\nclearence: 1", "'clearence'; did you mean 'clearance'?"),
        (
            "polygon: [[0, 0], [9, 0], [9, 9]]\ndepth: deep",
            "depth must be a number of millimetres, such as 25 or 0.1, got 'deep'",
        ),
        ("polygon: [1, 2]", r"polygon must be a list of \[x, y\] in millimetres"),
        ("polygon: [[0, 0], [9, 0], [9, 9]]\noutline: part.svg", "either a polygon or an outline"),
        ("clearance: 0.1", "either a polygon or an outline"),
        ("- 1", "must have a polygon or an outline"),
        ("polygon: [[0, 0]", "is not YAML"),
        ("outline: missing.dxf", "missing.dxf does not exist"),
        ("outline: part.yaml", "no drawing that can be read; known: .dxf, .svg"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_part(written(tmp_path, text))


def test_drawings_without_one_closed_line_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "part.dxf"
    document = drawing(tmp_path)
    document.saveas(path)
    with pytest.raises(ValueError, match="has no lines"):
        read_part(path)
    document.modelspace().add_lwpolyline([(0, 0), (10, 0), (10, 10)])
    document.saveas(path)
    with pytest.raises(ValueError, match="the outline is open near x = 10 mm, y = 10 mm"):
        read_part(path)
    document = drawing(tmp_path)
    for radius in (5, 10):
        document.modelspace().add_circle((0, 0), radius)
    document.saveas(path)
    with pytest.raises(ValueError, match=r"has 2 closed lines.*keep one, the section"):
        read_part(path)
    for name in ("part.dxf", "part.svg"):
        with pytest.raises(ValueError, match="is not an? (DXF|SVG) file"):
            read_part(written(tmp_path, "hello", name))


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(module: str, *arguments: Any, **options: Any) -> Any:
        if module.split(".")[0] == "ezdxf":
            raise ImportError(module)
        return real(module, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"needs ezdxf: pip install 'assembly_rl\[drawings\]'"):
        read_part(written(tmp_path, "", "part.dxf"))

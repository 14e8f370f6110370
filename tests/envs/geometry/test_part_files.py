"""Parts from files, as an engineer has them: YAML in millimetres, DXF, SVG."""

import builtins
from pathlib import Path
from typing import Any

import ezdxf
import numpy as np
import pytest

from assembly_rl.envs import PegHole
from assembly_rl.envs.geometry.drawing import PartWarning
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
    assert read_part(written(tmp_path, f"polygon: {L_SHAPE}")).keys() == {"section", "parameters", "name"}


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
        (
            "polygon: [[0, 0], [9, 0], [9, 9]]\noutline: part.svg",
            "either a polygon, polygons, an outline, or solids",
        ),
        ("clearance: 0.1", "either a polygon, polygons, an outline, or solids"),
        (f"polygon: {L_SHAPE}\npolygons: [{L_SHAPE}]", "either a polygon, polygons, an outline, or solids"),
        ("polygons: 3", "polygons must be a list of polygons, got 3"),
        ("polygons: []", r"polygons must be a list of polygons, got \[\]"),
        (f"polygons: {L_SHAPE}", r"polygon 0 must be a list of \[x, y\] in millimetres, vertex 0 is 0"),
        (f"polygons: [{L_SHAPE}, [[0, 0], [1, a], [1, 1]]]", "vertex 1 of polygon 1 must be a number"),
        (f"polygons: [{L_SHAPE}, [[1, 1], [2, 2], [2, 1], [1, 2]]]", "outline 1 of the section must not"),
        (
            f"polygons: [{L_SHAPE}, [[6, 1], [12, 1], [12, 15], [6, 15]]]",
            r"outlines 0 and 1 of the section must not cross or touch: they do near x = \d+ mm, y = \d+ mm",
        ),
        (
            "polygons: [[[0, 0], [9, 0], [9, 9], [0, 9]], [[9.5, 0], [19, 0], [19, 9], [9.5, 9]]]",
            "narrowest gap of the section, near x = 9.25 mm, y = .* at least 0.2 mm is needed",
        ),
        (
            "polygons: [[[0, 0], [9, 0], [9, 9], [0, 9]], [[0.5, 2], [5, 2], [5, 7], [0.5, 7]]]",
            r"narrower than 1 mm near x = 0.2\d* mm, y = \S+ mm: widen it there",
        ),
        (f"polygons: [{', '.join(['[]'] * 129)}]", "129 polygons, at most 128 make a section"),
        (f"polygon: {L_SHAPE}\nblind: yes", "blind must be true or false, got 'yes'"),
        (f"polygon: {L_SHAPE}\nblind: 1", "blind must be true or false, got 1.0"),
        (f"polygon: {L_SHAPE}\nname: 12", "name must be a text .*, got 12.0"),
        (f"polygon: {L_SHAPE}\nname: ''", "name must not be empty"),
        (f"polygon: {L_SHAPE}\nname: {'a' * 81}", "name must be a text of at most 80 characters"),
        (f"polygon: {L_SHAPE}\ntip_chamfer: 3", "tip_chamfer 3 mm must be at most a quarter of the section"),
        ("- 1", "must have a polygon or an outline"),
        ("polygon: [[0, 0]", "is not YAML"),
        ("outline: missing.dxf", "missing.dxf does not exist"),
        ("outline: part.yaml", "no drawing that can be read; known: .dxf, .svg"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_part(written(tmp_path, text))


PIN = [[2, 2], [18, 2], [18, 18], [2, 18]]


def test_polygons_a_chamfered_tip_a_floor_and_a_name(tmp_path: Path) -> None:
    bore = [[6, 6], [6, 14], [14, 14], [14, 6]]
    other = [[30, 0], [36, 0], [36, 6]]
    text = f"polygons: [{PIN}, {bore}, {other}]\ntip_chamfer: 0.5\nblind: true\nname: plug, 'C' of 3\n"
    part = PegHole(**read_part(written(tmp_path, text)))
    assert (part.section, part.tip_chamfer, part.blind) == ("polygons", 5e-4, True)
    assert part.label == "plug, 'C' of 3"
    np.testing.assert_allclose([area(o) for o in part.peg_outlines], [256e-6, -64e-6, 18e-6])
    one = read_part(written(tmp_path, f"polygons: [{L_SHAPE}]\nblind: false", "bracket 12.yaml"))
    assert (one["section"], one["blind"], one["name"]) == ("polygon", False, "bracket 12")
    np.testing.assert_array_equal(PegHole(**one).peg_outlines[0], EXPECTED.peg_outlines[0])


def test_a_part_is_named_after_its_own_file(tmp_path: Path) -> None:
    path = svg(tmp_path, '<rect width="200" height="100"/>')
    assert make_part(path).label == "part"
    assert make_part(written(tmp_path, "outline: part.svg", "lid.yaml")).label == "lid"
    path.rename(tmp_path / ("p" * 200 + ".svg"))
    assert make_part(tmp_path / ("p" * 200 + ".svg")).label == "p" * 80


CIRCLES = [((0, 0), 10.0), ((0, 0), 6.0), ((25, 3), 4.0)]  # a tube and a pin beside it


def check_circles(fields: dict[str, Any]) -> None:
    """Check that a part has the circles, within 0.2 mm each."""
    assert fields["section"] == "polygons"
    for vertices, (centre, radius) in zip(fields["parameters"]["outlines"], CIRCLES, strict=True):
        outline = 1e3 * np.array(vertices) - centre
        np.testing.assert_allclose(np.linalg.norm(outline, axis=1), radius, atol=1e-6)
        middles = 0.5 * (outline + np.roll(outline, -1, axis=0))
        assert np.linalg.norm(middles, axis=1).min() > radius - 0.2
        assert len(outline) <= 16
    part = PegHole(**fields)
    assert [area(outline) > 0 for outline in part.peg_outlines] == [True, False, True]


def test_closed_lines_of_a_drawing_are_pins_and_holes(tmp_path: Path) -> None:
    document = drawing(tmp_path)
    for centre, radius in CIRCLES:
        document.modelspace().add_circle(centre, radius)
    document.saveas(tmp_path / "part.dxf")
    with pytest.warns(PartWarning, match=r"part.dxf: curves became chords, [34]\d vertices within 0.2 mm"):
        check_circles(read_part(tmp_path / "part.dxf"))
    body = "".join(f'<circle cx="{10 * x}" cy="{-10 * y}" r="{10 * r}"/>' for (x, y), r in CIRCLES)
    check_circles(read_part(svg(tmp_path, body)))
    fields = read_part(written(tmp_path, "outline: part.svg\nblind: true"))
    check_circles(fields)
    assert fields["blind"] is True


def test_lines_of_several_outlines_are_joined_each(tmp_path: Path) -> None:
    sides = zip(PIN, [*PIN[1:], PIN[0]], strict=True)
    lines = [(a, b) for a, b in sides] + [((x + 20, y), (u + 20, v)) for (x, y), (u, v) in sides]
    boxes = [[(x + dx, y) for x, y in PIN] for dx in (0, 20)]
    lines = [(box[i], box[(i + 1) % 4]) for i in (2, 0, 3, 1) for box in boxes]
    document = drawing(tmp_path)
    for start, end in lines:
        document.modelspace().add_line(start, end)
    document.saveas(tmp_path / "part.dxf")
    part = PegHole(**read_part(tmp_path / "part.dxf"))
    assert [len(outline) for outline in part.peg_outlines] == [4, 4]
    np.testing.assert_allclose([area(outline) for outline in part.peg_outlines], 256e-6)


def test_lines_that_cross_or_touch_are_refused_with_their_place(tmp_path: Path) -> None:
    document = drawing(tmp_path, units=5)  # centimetres
    for x in (0.0, 1.6):
        document.modelspace().add_lwpolyline([(x, 0), (x + 2, 0), (x + 2, 2), (x, 2 + x)], close=True)
    document.saveas(tmp_path / "part.dxf")
    with pytest.raises(ValueError, match=r"part.dxf: outlines 0 and 1 .* near x = \d+ mm, y = \S+ mm$"):
        read_part(tmp_path / "part.dxf")
    body = '<rect width="100" height="100"/><rect x="100" y="100" width="100" height="100"/>'
    with pytest.raises(ValueError, match="touch.*: .* near x = 10 mm, y = -10 mm"):
        read_part(svg(tmp_path, body))
    body = '<circle r="100"/><circle r="100"/>'
    with pytest.raises(ValueError, match="part.svg: .*(cross or touch|more than two lines)"):
        read_part(svg(tmp_path, body))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("count", "body", "message"),
    [
        (129, '<rect x="{}" width="3" height="3"/>', "it has 129 closed lines, at most 128 make a section"),
        (90, '<circle cx="{}" r="1"/>', "more than 512 vertices are needed within 0.2 mm: leave out"),
        (40, '<circle cx="{}" r="50"/>', "the outline needs more than 16384 chords"),
    ],
)
def test_the_limits_hold_over_all_lines(tmp_path: Path, count: int, body: str, message: str) -> None:
    text = "".join(body.format(10 * i) for i in range(count))
    with pytest.raises(ValueError, match=message):
        read_part(svg(tmp_path, text, ""))


def test_drawings_without_a_closed_line_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "part.dxf"
    document = drawing(tmp_path)
    document.saveas(path)
    with pytest.raises(ValueError, match="has no lines"):
        read_part(path)
    document.modelspace().add_lwpolyline([(0, 0), (10, 0), (10, 10)])
    document.saveas(path)
    with pytest.raises(ValueError, match="the outline is open near x = 10 mm, y = 10 mm"):
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

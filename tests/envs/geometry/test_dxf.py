"""DXF: what the model space shows is what is made, or it is refused by name."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezdxf
import numpy as np
import pytest
from shapely.geometry import LinearRing, Point

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.geometry.drawing import PartWarning
from assembly_rl.envs.geometry.files import read_part

pytestmark = pytest.mark.filterwarnings("ignore::assembly_rl.envs.geometry.drawing.PartWarning")
FRAME = [(0, 0), (20, 0), (20, 10), (0, 10)]


def vertices(folder: Path, draw: Callable[[Any], Any], units: int = 4) -> np.ndarray:
    document = ezdxf.new()
    document.header["$INSUNITS"] = units
    draw(document)
    document.saveas(folder / "part.dxf")
    return 1e3 * np.array(read_part(folder / "part.dxf")["parameters"]["vertices"])


def frame(space: Any, **attributes: Any) -> Any:
    return space.add_lwpolyline(FRAME, close=True, dxfattribs=attributes)


def size(points: np.ndarray) -> list[float]:
    return np.ptp(points, axis=0).round(6).tolist()


@pytest.mark.parametrize(
    ("unit", "millimetres"),
    [(0, 1), (1, 25.4), (8, 25.4e-6), (9, 0.0254), (10, 914.4), (13, 1e-3), (14, 100), (21, 1200e3 / 3937)]
    + [(22, 100e3 / 3937), (23, 3600e3 / 3937), (24, 6336000e3 / 3937), (20, 3.0856775814913673e19)],
)
def test_every_unit_of_the_format_is_known(tmp_path: Path, unit: int, millimetres: float) -> None:
    points = [(20 * x / millimetres, 20 * y / millimetres) for x, y in ((0, 0), (1, 0), (1, 0.5), (0, 0.5))]
    drawn = vertices(tmp_path, lambda d: d.modelspace().add_lwpolyline(points, close=True), unit)
    assert size(drawn) == pytest.approx([20.0, 10.0])


@pytest.mark.parametrize("unit", [-1, 25, 99])
def test_an_unknown_unit_is_named(tmp_path: Path, unit: int) -> None:
    with pytest.raises(InputError, match=rf"\$INSUNITS {unit}, is not known"):
        vertices(tmp_path, lambda d: frame(d.modelspace()), unit)


def nested(document: Any) -> None:
    inner, outer = document.blocks.new("inner", base_point=(1, 1)), document.blocks.new("outer")
    frame(inner)
    outer.add_blockref("inner", (5, 5), dxfattribs={"xscale": 2, "rotation": 90})
    document.modelspace().add_blockref("outer", (-3, 2), dxfattribs={"yscale": -0.5})


def test_blocks_are_drawn_where_they_are_inserted(tmp_path: Path) -> None:
    points = vertices(tmp_path, nested)
    assert size(points) == [10.0, 20.0]
    np.testing.assert_allclose(points.min(0), [5 - 9 - 3, 2 - 0.5 * (5 + 38)], atol=1e-9)


def test_a_circle_in_a_block_with_two_scales_is_an_ellipse(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        document.blocks.new("b").add_circle((0, 0), 10)
        document.modelspace().add_blockref("b", (0, 0), dxfattribs={"xscale": 2.0})

    points = vertices(tmp_path, draw)
    np.testing.assert_allclose(np.hypot(points[:, 0] / 20, points[:, 1] / 10), 1.0, rtol=1e-9)


def hole_as_block(document: Any) -> None:
    frame(document.modelspace())
    document.blocks.new("hole").add_circle((10, 5), 2)
    document.modelspace().add_blockref("hole", (0, 0))


def test_a_hole_in_a_block_is_a_hole(tmp_path: Path) -> None:
    document = ezdxf.new(units=4)
    hole_as_block(document)
    document.saveas(tmp_path / "part.dxf")
    part = PegHole(**read_part(tmp_path / "part.dxf"))
    outside, hole = part.peg_outlines
    assert len(outside) == 4 and len(hole) >= 6
    np.testing.assert_allclose(hole.mean(axis=0), outside.mean(axis=0), atol=2e-5)


def cycle(document: Any) -> None:
    document.blocks.new("C").add_blockref("C", (1, 1))
    document.modelspace().add_blockref("C", (0, 0))


def reference(document: Any) -> None:
    document.add_xref_def("other.dxf", "X")
    document.modelspace().add_blockref("X", (0, 0))


def grid(document: Any) -> None:
    frame(document.blocks.new("G"))
    attributes = {"row_count": 30000, "column_count": 30000, "row_spacing": 1, "column_spacing": 1}
    document.modelspace().add_blockref("G", (0, 0), dxfattribs=attributes)


def bomb(document: Any) -> None:
    document.blocks.new("N0")
    for i in range(1, 12):
        block = document.blocks.new(f"N{i}")
        for _ in range(10):
            block.add_blockref(f"N{i - 1}", (0, 0))
    document.modelspace().add_blockref("N11", (0, 0))


def clipped(document: Any) -> None:
    from ezdxf.xclip import XClip

    frame(document.blocks.new("K"))
    XClip(document.modelspace().add_blockref("K", (0, 0))).set_block_clipping_path([(0, 0), (5, 5)])


def spline(space: Any, **values: Any) -> Any:
    entity = space.add_spline(degree=3)
    entity.control_points = [(0, 0, 0), (20, 0, 0), (20, 20, 0), (0, 20, 0), (0, 0, 0)]
    entity.knots = [0, 0, 0, 0, 1, 2, 2, 2, 2]
    for name, value in values.items():
        setattr(entity, name, value)
    return entity


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (cycle, "block 'C'.* in itself"),
        (reference, "'X', another file"),
        (grid, "'G' 900000000 times"),
        (bomb, "inserts more than"),
        (clipped, "'K' clipped"),
        (lambda d: d.modelspace().add_blockref("none", (0, 0)), "'none', which is not in the file"),
        (lambda d: frame(d.modelspace(), elevation=5), "LWPOLYLINE .* at z = 5"),
        (lambda d: d.modelspace().add_line((0, 0), (9, 0, 9)), "LINE .* at z = 9"),
        (
            lambda d: d.modelspace().add_circle((0, 0), 9, dxfattribs={"extrusion": (0, 1, 1)}),
            "CIRCLE .* at z",
        ),
        (lambda d: d.modelspace().add_circle((0, 0), 9, dxfattribs={"thickness": 2}), "thickness"),
        (lambda d: d.modelspace().add_3dface([(0, 0), (1, 0), (1, 1)]), "3DFACE"),
        (lambda d: d.modelspace().add_hatch(), "HATCH"),
        (lambda d: d.modelspace().add_mline([(0, 0), (9, 0)]), "MLINE"),
        (lambda d: d.modelspace().add_xline((0, 0), (1, 0)), "XLINE"),
        (lambda d: d.modelspace().add_solid([(0, 0), (1, 0), (1, 1)]), "SOLID"),
        (lambda d: d.modelspace().add_spline([(0, 0), (9, 0), (9, 9)]), "SPLINE .*fit points alone"),
        (lambda d: d.modelspace().add_polyline3d([(0, 0, 0), (9, 0, 0), (9, 9, 1)]), "POLYLINE .* at z = 1"),
        (lambda d: d.modelspace().add_polyline2d(FRAME, dxfattribs={"flags": 5}), "fitted curves"),
        (lambda d: d.modelspace().add_polymesh((3, 3)), "that is a mesh"),
        (lambda d: d.modelspace().add_circle((0, 0), 0), "radius 0"),
        (lambda d: d.modelspace().add_circle((0, 0), -3), "radius -3"),
        (lambda d: d.modelspace().add_circle((0, 0), 1e14), "beyond"),
        (lambda d: d.modelspace().add_ellipse((0, 0), (1e8, 0), 0.5), "at most 500 mm"),
        (lambda d: d.modelspace().add_arc((0, 0), 9, 30, 30), "ends where it starts"),
        (lambda d: spline(d.modelspace(), knots=[0, 0, 0, 0, 5, 2, 2, 2, 2]), "knots do not increase"),
        (lambda d: spline(d.modelspace(), knots=[1.0] * 9), "knots do not increase"),
        (lambda d: spline(d.modelspace(), knots=[0, 1]), "do not fit together"),
        (lambda d: spline(d.modelspace(), weights=[1, 1, 0, 1, 1]), "weights that are not positive"),
        (lambda d: d.modelspace().add_lwpolyline([(3, 3), (3, 3)], close=True), "has no lines"),
        (lambda d: d.layout().add_lwpolyline(FRAME, close=True), "has no lines"),
        (lambda d: [d.modelspace().add_line((0, 0), p) for p in ((9, 0), (0, 9), (-9, 0))], "is open"),
        (lambda d: d.modelspace().add_lwpolyline([(0, 0), (9, 0), (9, 9), (0, 0.5)]), "is open near"),
    ],
)
@pytest.mark.timeout(20)
def test_content_is_resolved_or_refused_by_name(tmp_path: Path, draw: Callable, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        vertices(tmp_path, draw)
    assert "\n" not in str(caught.value) and "part.dxf: " in str(caught.value)


@pytest.mark.parametrize("kind", ["REGION", "3DSOLID", "WHATEVER"])
def test_an_entity_that_is_not_known_is_named(tmp_path: Path, kind: str) -> None:
    document = ezdxf.new(units=4)
    frame(document.modelspace())
    document.modelspace().add_point((7, 7))
    document.saveas(tmp_path / "part.dxf")
    text = (tmp_path / "part.dxf").read_text().replace("POINT", kind)
    (tmp_path / "part.dxf").write_text(text)
    with pytest.raises(InputError, match=f"{kind}.*not understood"):
        read_part(tmp_path / "part.dxf")


def test_what_is_not_shown_is_left_out_and_annotations_are_told(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        space = document.modelspace()
        frame(space)
        document.layers.add("off").off()
        document.layers.add("frozen").freeze()
        for layer in ("off", "frozen"):
            space.add_circle((9, 5), 2, dxfattribs={"layer": layer})
        space.add_circle((9, 5), 2, dxfattribs={"invisible": 1})
        document.blocks.new("b").add_circle((9, 5), 2)
        space.add_blockref("b", (0, 0), dxfattribs={"layer": "off"})
        space.add_text("20")
        space.add_linear_dim((0, -5), (0, 0), (20, 0)).render()
        document.layout().add_circle((9, 5), 2)

    with pytest.warns(PartWarning, match="part.dxf: not part of the outline: 1 DIMENSION, 1 TEXT"):
        assert size(vertices(tmp_path, draw)) == [20.0, 10.0]


def test_an_entity_that_is_seen_from_below_is_mirrored(tmp_path: Path) -> None:
    corners = [(0, 0), (20, 0), (0, 10)]
    mirrored = {"extrusion": (0, 0, -1)}
    points = vertices(
        tmp_path, lambda d: d.modelspace().add_lwpolyline(corners, close=True, dxfattribs=mirrored)
    )
    assert {tuple(p) for p in points.round(9) + 0.0} == {(0, 0), (-20, 0), (0, 10)}


@pytest.mark.parametrize("length", [0.0001, 0.005, 0.0099])
@pytest.mark.parametrize("count", [1, 4])
def test_tiny_lines_are_not_dropped_out_of_a_chain(tmp_path: Path, length: float, count: int) -> None:
    def draw(document: Any) -> None:
        x = [10.0 + i * length for i in range(count + 1)]
        ends = [(0, 0), *((v, 0) for v in x), (20, 0), (20, 10), (0, 10), (0, 0)]
        for a, b in zip(ends, ends[1:], strict=False):
            document.modelspace().add_line(a, b)

    points = vertices(tmp_path, draw)
    assert size(points) == [20.0, 10.0]
    assert 4 <= len(points) <= 4 + count + 1


def on_curve(points: np.ndarray, curve: np.ndarray) -> None:
    ring, line = LinearRing(points), LinearRing(curve)
    assert max(ring.distance(Point(p)) for p in curve) <= 0.2
    assert max(line.distance(Point(p)) for p in points) <= 0.01


def test_bulges_ellipses_and_splines_are_within_the_tolerance(tmp_path: Path) -> None:
    t = np.linspace(0.0, 2.0 * math.pi, 600)[:-1]
    slot = [(0, 0, 0), (20, 0, 1), (20, 10, 0), (0, 10, 1)]
    points = vertices(tmp_path, lambda d: d.modelspace().add_lwpolyline(slot, format="xyb", close=True))
    ends = np.linspace(-math.pi / 2, math.pi / 2, 200)
    right = np.column_stack((20 + 5 * np.cos(ends), 5 + 5 * np.sin(ends)))
    on_curve(points, np.vstack((right, [20, 10] - right)))

    points = vertices(tmp_path, lambda d: d.modelspace().add_ellipse((1, 2), (0, 15), 0.5))
    on_curve(points, np.column_stack((1 + 7.5 * np.sin(t), 2 + 15 * np.cos(t))))

    ring = 15 * np.column_stack((np.cos(t[::100]), np.sin(t[::100])))
    control = np.vstack((ring, ring[:3]))

    def draw(document: Any) -> None:
        entity = document.modelspace().add_spline(degree=3)
        entity.control_points = [(x, y, 0) for x, y in control]
        entity.knots = list(range(len(control) + 4))

    points = vertices(tmp_path, draw)
    u = np.linspace(0, 1, 100)[:, None]
    basis = ((1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3)
    curve = [sum(b * control[i + k] for k, b in enumerate(basis)) / 6 for i in range(6)]
    on_curve(points, np.vstack([c[:-1] for c in curve]))


def test_the_circle_of_a_rational_spline_is_exact(tmp_path: Path) -> None:
    corners = [(10, 0), (10, 10), (0, 10), (-10, 10), (-10, 0), (-10, -10), (0, -10), (10, -10), (10, 0)]

    def draw(document: Any) -> None:
        entity = document.modelspace().add_spline(degree=2)
        entity.control_points = [(x, y, 0) for x, y in corners]
        entity.knots = [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4]
        entity.weights = [1, 0.5**0.5] * 4 + [1]

    points = vertices(tmp_path, draw)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 10.0, rtol=1e-9)
    assert len(points) == 16


@pytest.mark.parametrize("degree", [1, 3, 6, 11])
def test_splines_of_high_degree_are_no_crash(tmp_path: Path, degree: int) -> None:
    angles = 2.0 * math.pi * np.arange(24) / 24
    ring = np.column_stack((20 * np.cos(angles), 20 * np.sin(angles), 0 * angles))

    def draw(document: Any) -> None:
        entity = document.modelspace().add_spline(degree=degree)
        entity.control_points = np.vstack((ring, ring[:degree]))
        entity.knots = list(range(24 + 2 * degree + 1))

    points = vertices(tmp_path, draw)
    radii = np.linalg.norm(points, axis=1)
    assert radii.min() > 18.0 and radii.max() < 20.001 and np.ptp(radii) < 0.3


def text_of(draw: Callable[[Any], Any]) -> str:
    document, stream = ezdxf.new(units=4), io.StringIO()
    draw(document)
    document.write(stream)
    return stream.getvalue()


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    text = text_of(lambda d: frame(d.modelspace()))
    for share in np.linspace(0.0, 0.999, 40):
        (tmp_path / "part.dxf").write_text(text[: int(share * len(text))])
        with pytest.raises(InputError, match="its end is missing"):
            read_part(tmp_path / "part.dxf")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("20.0", "9" * 400),
        ("20.0", "nan"),
        ("20.0", "inf"),
        ("20.0", "x"),
        ("ENDSEC", "END"),
        ("LWPOLYLINE", ""),
        (" 10\n20.0", " ab\n20.0"),
    ],
)
def test_damage_is_one_line_and_no_traceback(tmp_path: Path, old: str, new: str) -> None:
    text = text_of(lambda d: frame(d.modelspace()))
    assert old in text
    (tmp_path / "part.dxf").write_text(text.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_part(tmp_path / "part.dxf")
    assert "\n" not in str(caught.value)


def test_damage_that_the_library_passes_over_is_refused(tmp_path: Path) -> None:
    text = text_of(lambda d: (frame(d.modelspace()), d.blocks.new("b").add_circle((9, 5), 2)))
    (tmp_path / "part.dxf").write_text(text.replace("ENDBLK", "POINT", 1))
    with pytest.raises(InputError, match="damaged|cannot be read"):
        read_part(tmp_path / "part.dxf")

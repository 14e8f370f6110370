"""Parts from meshes: every solid comes in with its section, or is refused in one line.

``python tests/envs/geometry/test_solids.py`` prints the table.
"""

import struct
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import trimesh
from lofts import circle, joined, loft, moved, prism, rectangle, region, turned, walls
from shapely.geometry import Polygon

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegHole
from assembly_rl.envs.geometry.axes import rotation_to_z
from assembly_rl.envs.geometry.drawing import PartWarning
from assembly_rl.envs.geometry.few_vertices import few_vertices
from assembly_rl.envs.geometry.outline import TOLERANCE
from assembly_rl.envs.geometry.polygons import region as region_of
from assembly_rl.envs.geometry.prisms import NotPrismatic
from assembly_rl.envs.geometry.slices import deviation
from assembly_rl.envs.geometry.solids import measured_solids, read_solids

L = np.array([[0, 0], [20, 0], [20, 8], [8, 8], [8, 20], [0, 20]], dtype=float)
"""L of 20 mm with arms of 8 mm."""

SOLIDS = Path(__file__).parent / "solids"
"""Solids that were drawn elsewhere."""


@dataclass
class Case:
    """Solid, and what it comes in as.

    Attributes:
        build: Function that writes files to a folder and returns the keys of the part file.
        truth: Section [mm] in the frame the solid was built in; None if it is refused.
        fields: Fields of the part that are known [m].
        refusal: Words of the refusal.
        note: Words of the notes.
        transform: Pose (4, 4) of that frame in the file, and the unit of the file [mm].
    """

    build: Callable[[Path], dict[str, Any]]
    truth: Any = None
    fields: dict[str, float] = field(default_factory=dict)
    refusal: str = ""
    note: str = ""
    transform: np.ndarray = field(default_factory=lambda: np.eye(4))


def plug(mesh: trimesh.Trimesh, name: str = "plug.stl", **keys: Any) -> Callable[[Path], dict[str, Any]]:
    def build(folder: Path) -> dict[str, Any]:
        mesh.export(folder / name)
        return {"plug": name, **keys}

    return build


def socket(mesh: trimesh.Trimesh, **keys: Any) -> Callable[[Path], dict[str, Any]]:
    def build(folder: Path) -> dict[str, Any]:
        mesh.export(folder / "socket.stl")
        return {"socket": "socket.stl", **keys}

    return build


def both(first: trimesh.Trimesh, second: trimesh.Trimesh, **keys: Any) -> Callable[[Path], dict[str, Any]]:
    def build(folder: Path) -> dict[str, Any]:
        return {**plug(first)(folder), **socket(second)(folder), **keys}

    return build


def written(content: bytes, name: str = "plug.stl") -> Callable[[Path], dict[str, Any]]:
    def build(folder: Path) -> dict[str, Any]:
        (folder / name).write_bytes(content)
        return {"plug": name}

    return build


def step(name: str) -> Callable[[Path], dict[str, Any]]:
    return written((SOLIDS / name).read_bytes(), "plug.step")


def scaled(mesh: trimesh.Trimesh, factor: float) -> trimesh.Trimesh:
    return mesh.copy().apply_scale(factor)


def without(mesh: trimesh.Trimesh, *faces: int) -> trimesh.Trimesh:
    keep = np.ones(len(mesh.faces), dtype=bool)
    keep[list(faces)] = False
    return trimesh.Trimesh(mesh.vertices, mesh.faces[keep], process=False)


def loose(mesh: trimesh.Trimesh, noise: float) -> trimesh.Trimesh:
    """Every triangle with vertices of its own, a little off."""
    vertices = mesh.triangles.reshape(-1, 3) + np.random.default_rng(0).uniform(
        -noise, noise, (3 * len(mesh.faces), 3)
    )
    return trimesh.Trimesh(vertices, np.arange(len(vertices)).reshape(-1, 3), process=False)


def keyed() -> np.ndarray:
    angles = np.linspace(np.pi - np.arccos(0.3), 2 * np.pi + np.arccos(0.3), 80)
    return np.vstack((10 * np.column_stack((np.cos(angles), np.sin(angles))), [[3, 12.5], [-3, 12.5]]))


def twisted() -> trimesh.Trimesh:
    square, levels = rectangle(20, 20), []
    for z in np.linspace(0, 40, 21):
        c, s = np.cos(0.01 * z), np.sin(0.01 * z)
        levels.append((float(z), [square @ [[c, s], [-s, c]]]))
    return loft(*levels)


def six_pins() -> list[np.ndarray]:
    return [
        circle(3, 48, (-20, 0)),
        rectangle(5, 5, (-8, 0)),
        rectangle(4, 8, (4, 0)),
        circle(2.5, 6, (15, 0)),
        circle(4, 64, (-12, 14)),
        np.array([[5, 10], [13, 10], [9, 17]], dtype=float),
    ]


cylinder, l_prism = prism(40, circle(10)), prism(40, L)
rotated, pose = turned(l_prism, 1)
block = prism(25, rectangle(50, 50), circle(10.1)[::-1])
pins = [circle(3, 48, (-8, 0)), circle(3, 48, (8, 0))]
plate = prism(8, rectangle(40, 20), bottom=12)
boss = prism(8, rectangle(120, 60), bottom=12)
chamfered = loft((0, [moved(L, -0.5)]), (0.5, [L]), (40, [L]))
flanged = loft((0, [circle(10)]), (40, [circle(10)]), (40, [circle(16)]), (46, [circle(16)]))
socket_l = prism(25, rectangle(60, 60, (10, 10)), moved(L, 0.1)[::-1], bottom=-5)
shifted = prism(25, rectangle(60, 60, (10, 10)), moved(L, 0.1)[::-1] + [0.06, 0.0], bottom=-5)
blind = joined(
    loft(
        (-5, [rectangle(40, 40), moved(rectangle(10, 10), 0.1)[::-1]]),
        (19.5, [rectangle(40, 40), moved(rectangle(10, 10), 0.1)[::-1]]),
        (20, [rectangle(40, 40), moved(rectangle(10, 10), 0.6)[::-1]]),
    ),
    prism(5, rectangle(40, 40), bottom=-10),
)

openings = [circle(3.1, 48, (-8, 0))[::-1], circle(3.1, 48, (8, 0))[::-1]]
two_holes = prism(10, rectangle(40, 30), *openings, circle(2, 16, (0, 11))[::-1], bottom=-4)
ring = joined(
    prism(25, rectangle(40, 40), circle(10.1)[::-1]),
    prism(25, circle(5.9)),
    prism(4, rectangle(40, 40), bottom=-4),
)

CASES = {
    "cylinder of 64 facets": Case(
        plug(cylinder), Polygon(circle(10, 4096)), {"peg_length": 0.04}, note="mm fits"
    ),
    "cylinder of 400 facets, OBJ": Case(plug(prism(40, circle(10, 400)), "a.obj"), Polygon(circle(10, 4096))),
    "box 20 x 20 x 40, PLY": Case(plug(prism(40, rectangle(20, 20)), "a.ply"), region(rectangle(20, 20))),
    "L": Case(plug(l_prism), region(L), {"peg_length": 0.04, "tip_chamfer": 0.0}),
    "L turned and moved": Case(plug(rotated), region(L), transform=pose),
    "L, axis given": Case(plug(rotated, axis=pose[:3, 2].tolist()), region(L), transform=pose),
    "L in inches": Case(plug(scaled(l_prism, 1 / 25.4), unit="in"), region(L), {"peg_length": 0.04}),
    "L in inches, no unit": Case(plug(scaled(l_prism, 1 / 25.4)), refusal="no unit and several fit"),
    "L in metres, no unit": Case(plug(scaled(l_prism, 1e-3)), region(L), note="m fits"),
    "two triangles missing": Case(plug(without(cylinder, 20, 84)), Polygon(circle(10, 4096)), note="filled"),
    "no ends": Case(plug(without(l_prism, *range(12, 20))), region(L)),
    "half a wall missing": Case(plug(without(cylinder, *range(10), *range(64, 74))), refusal="open by"),
    "a wall missing": Case(plug(without(l_prism, 0, 1, 6, 7)), refusal="open by"),
    "inside out": Case(
        plug(trimesh.Trimesh(l_prism.vertices, l_prism.faces[:, ::-1], process=False)), region(L)
    ),
    "some triangles inside out": Case(
        plug(
            trimesh.Trimesh(
                l_prism.vertices, np.vstack((l_prism.faces[:7, ::-1], l_prism.faces[7:])), process=False
            )
        ),
        region(L),
    ),
    "every triangle twice": Case(plug(joined(l_prism, l_prism)), region(L), note="dropped"),
    "vertices off by 1 um": Case(plug(loose(l_prism, 1e-3), "a.ply"), region(L)),
    "flange": Case(plug(flanged), Polygon(circle(10, 4096)), {"peg_length": 0.04}, note="the 6 mm beyond"),
    "flange, tip up": Case(
        plug(flanged.copy().apply_transform(np.diag([1.0, -1.0, -1.0, 1.0]))),
        Polygon(circle(10, 4096)),
        {"peg_length": 0.04},
    ),
    "tip with a chamfer": Case(plug(chamfered), region(L), {"tip_chamfer": 5e-4, "peg_length": 0.04}),
    "tip with another edge": Case(
        plug(loft((0, [moved(L, -0.5)]), (2, [L]), (40, [L]))),
        region(L),
        {"tip_chamfer": 0.0},
        note="no 45 degree",
    ),
    "tip rounded": Case(
        plug(
            loft(
                *[(1 - np.cos(a), [moved(L, np.sin(a) - 1)]) for a in np.linspace(0, 0.5 * np.pi, 9)],
                (40, [L]),
            )
        ),
        region(L),
        {"tip_chamfer": 0.0, "peg_length": 0.04},
        note="the first 1 mm of its tip narrow by",
    ),
    "flange with a rounding": Case(
        plug(
            loft(
                (0, [circle(10)]),
                *[(39 + np.sin(a), [circle(11 - np.cos(a))]) for a in np.linspace(0, 0.5 * np.pi, 9)],
                (40, [circle(16)]),
                (46, [circle(16)]),
            )
        ),
        Polygon(circle(10, 4096)),
        {"peg_length": 0.0392},
    ),
    "two pins on a plate": Case(
        plug(joined(*(prism(12, pin) for pin in pins), plate)),
        shapely.union_all([Polygon(circle(3, 4096, c)) for c in ((-8, 0), (8, 0))]),
        {"peg_length": 0.012},
    ),
    "two pins in a plate": Case(
        plug(joined(*(prism(15, pin) for pin in pins), plate)),
        shapely.union_all([Polygon(circle(3, 4096, c)) for c in ((-8, 0), (8, 0))]),
        {"peg_length": 0.012},
    ),
    "two pins on a large plate": Case(
        plug(joined(*(prism(12, pin) for pin in pins), boss)),
        shapely.union_all([Polygon(circle(3, 4096, c)) for c in ((-8, 0), (8, 0))]),
        {"peg_length": 0.012},
    ),
    "six unlike pins": Case(
        plug(joined(*(prism(20, pin) for pin in six_pins()), prism(5, rectangle(60, 40, (0, 5)), bottom=20))),
        shapely.union_all([Polygon(pin) for pin in six_pins()]),
        {"peg_length": 0.02},
    ),
    "tube": Case(
        plug(prism(40, circle(10), circle(6)[::-1])),
        region(circle(10, 4096), circle(6, 4096)),
        {"peg_length": 0.04},
    ),
    "keyed shaft": Case(plug(prism(40, keyed())), region(keyed())),
    "socket": Case(
        socket(block), Polygon(circle(10.1, 4096)), {"hole_depth": 0.025, "chamfer": 0.0, "blind": False}
    ),
    "socket, blind, with a chamfer": Case(
        socket(blind), region(rectangle(10.2, 10.2)), {"hole_depth": 0.025, "chamfer": 5e-4, "blind": True}
    ),
    "socket without a hole": Case(socket(l_prism), refusal="no closed opening"),
    "socket with a core": Case(
        socket(ring), region(circle(10.1, 4096), circle(5.9, 4096)), {"hole_depth": 0.025, "blind": True}
    ),
    "tube and core": Case(
        both(prism(40, circle(10), circle(6)[::-1]), ring), region(circle(10), circle(6)), {"clearance": 1e-4}
    ),
    "two pins and two of three holes": Case(
        both(joined(*(prism(12, pin) for pin in pins), plate), two_holes),
        shapely.union_all([Polygon(pin) for pin in pins]),
        {"clearance": 1e-4, "hole_depth": 0.01, "peg_length": 0.012},
    ),
    "hollow from 15 mm": Case(
        plug(joined(prism(40, circle(10)), prism(20, circle(4), bottom=15))),
        Polygon(circle(10, 4096)),
        {"peg_length": 0.015},
        note="engaged length 15 mm",
    ),
    "STEP with a flange": Case(
        step("flanged.step"), Polygon(circle(10, 4096)), {"peg_length": 0.04}, note="the 6 mm beyond"
    ),
    "STEP cut off": Case(
        written((SOLIDS / "flanged.step").read_bytes()[:5000], "a.step"),
        refusal="no STEP file, or not a whole one",
    ),
    "STEP of nonsense": Case(
        written(b"ISO-10303-21;\nHEADER;\nENDSEC;\nEND-ISO-10303-21;\n", "a.step"),
        refusal="no STEP file that",
    ),
    "plug and socket": Case(
        both(l_prism, socket_l), region(L), {"clearance": 1e-4, "hole_depth": 0.025}, note="clearance 0.1 mm"
    ),
    "plug and socket, turned": Case(
        both(turned(l_prism, 2)[0], turned(socket_l, 2)[0]),
        region(L),
        {"clearance": 1e-4},
        transform=turned(l_prism, 2)[1],
    ),
    "flat plug and socket": Case(
        both(prism(15, rectangle(20, 30)), prism(8, rectangle(60, 60), rectangle(20.2, 30.2)[::-1])),
        region(rectangle(20, 30)),
        {"clearance": 1e-4, "peg_length": 0.015, "hole_depth": 0.008},
    ),
    "plug and socket without a gap": Case(
        both(l_prism, prism(25, rectangle(60, 60, (10, 10)), L[::-1])), refusal="plug touches the socket"
    ),
    "plug and socket, not concentric": Case(
        both(l_prism, shifted), refusal="uneven, 0.04 mm near.*0.16 mm near"
    ),
    "plug in the wall": Case(
        both(l_prism, prism(25, rectangle(60, 60, (10, 10)), L[::-1] + [0.5, 0.0])),
        refusal="0.5 mm in the wall",
    ),
    "cone": Case(plug(loft((0, [circle(5)]), (40, [circle(10)]))), refusal="changes by .* mm between"),
    "draft of one degree": Case(
        plug(loft((0, [L]), (40, [moved(L, 0.7)]))), refusal="changes by .* mm between"
    ),
    "sphere": Case(plug(trimesh.creation.icosphere(4, 15)), refusal="changes by .* mm between"),
    "twisted": Case(plug(twisted()), refusal="changes by .* mm between"),
    "crosses itself": Case(
        plug(walls(40, np.array([[0, 0], [20, 20], [20, 0], [0, 20]]))),
        refusal="crosses itself near x = 10, y = 10",
    ),
    "empty file": Case(written(b" \n"), refusal="is empty"),
    "cut off": Case(
        written(cylinder.export(file_type="stl")[:5000]), refusal="no STL file, or not a whole one"
    ),
    "noise": Case(
        written(np.random.default_rng(0).bytes(5000)), refusal="no STL file|no finite|has no triangles"
    ),
    "ASCII": Case(written(l_prism.export(file_type="stl_ascii").encode()), region(L)),
    "text called .stl": Case(written(b"the bracket is 20 mm wide\n"), refusal="no STL file|has no triangles"),
    "text called .obj": Case(
        written(b"the bracket is 20 mm wide\n", "a.obj"), refusal="no OBJ file|has no triangles"
    ),
    "too many triangles": Case(
        written(bytes(80) + struct.pack("<I", 500_001) + bytes(50 * 500_001)),
        refusal="500001 triangles, at most 500000",
    ),
}
"""Solids by name."""


def error_of(solids: Any, case: Case) -> float:
    """Distance [mm] of the measured section from the truth, in the frame the solid was built in."""
    measured = solids.plug or solids.socket
    turn = (case.transform[:3, :3].T @ rotation_to_z(measured.axis).T)[:2, :2]
    offset = case.transform[:3, :3].T @ case.transform[:3, 3]
    matrix = [*turn.ravel(), -offset[0], -offset[1]]
    # Along the axis the sections of a prism are alike, so that the height drops out.
    return deviation(shapely.affinity.affine_transform(measured.section, matrix), case.truth)


def came_in(case: Case, folder: Path) -> tuple[Any, dict[str, Any], str]:
    """Measured solids, fields, and notes."""
    content = case.build(folder)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", PartWarning)
        solids = measured_solids(folder / "part.yaml", content)
        fields = read_solids(folder / "part.yaml", content)
    return solids, fields, "; ".join(dict.fromkeys(str(w.message) for w in caught))


@pytest.mark.parametrize("name", CASES)
def test_a_solid_comes_in_or_is_refused(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    if case.truth is None:
        content = case.build(tmp_path)
        with pytest.raises(InputError, match=case.refusal) as refusal, warnings.catch_warnings():
            warnings.simplefilter("ignore", PartWarning)
            read_solids(tmp_path / "part.yaml", content)
        assert "\n" not in str(refusal.value)
        assert len(str(refusal.value).replace(str(tmp_path), "")) < 360
        return
    solids, fields, notes = came_in(case, tmp_path)
    assert error_of(solids, case) <= 0.02
    assert case.note in notes
    for key, value in case.fields.items():
        assert fields[key] == pytest.approx(value, abs=2e-5), key
    few = region_of(few_vertices(solids.section))
    assert deviation(few, solids.section) <= TOLERANCE
    part = PegHole(**{"chamfer": 0.0, **fields})
    assert max(len(outline) for outline in part.peg_outlines) <= 24


def test_the_hole_of_a_socket_is_the_opening_and_the_peg_is_smaller(tmp_path: Path) -> None:
    content = {**socket(prism(25, rectangle(60, 60, (10, 10)), L[::-1]))(tmp_path), "clearance": 0.25}
    fields = read_solids(tmp_path / "part.yaml", content)
    part = PegHole(**fields, clearance=2.5e-4)
    centre = Polygon(L).centroid.coords[0]
    np.testing.assert_allclose(
        sorted(part.hole_outlines[0].tolist()), sorted((1e-3 * (L - centre)).tolist()), atol=1e-4
    )


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"axis": [0, 0]}, r"part.yaml: axis must be a direction \[x, y, z\]"),
        ({"axis": "z"}, "axis must be a direction"),
        ({"axis": [0, 0, 0]}, "axis must be a direction"),
        ({"axis": [0, 1, 1]}, "no prism along"),
        ({"unit": "inch"}, "unit must be one of mm, cm, m, in, got 'inch'"),
        ({"plug": "plug.dwg"}, "plug must be the name of a solid"),
        ({"plug": ["plug.stl"]}, "plug must be the name of a solid"),
        ({"plug": "other.stl"}, "other.stl does not exist"),
        ({"socket": "plug.stl"}, "no closed opening"),
        (
            {"socket": "plug.stl", "clearance": 0.1},
            "the clearance is measured between plug and socket: leave it out",
        ),
    ],
)
def test_keys_that_are_refused(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    content = {**plug(l_prism)(tmp_path), **keys}
    with pytest.raises(InputError, match=message), warnings.catch_warnings():
        warnings.simplefilter("ignore", PartWarning)
        read_solids(tmp_path / "part.yaml", content)


@pytest.mark.parametrize("clearance", ["wide", 0.0, float("nan"), 30.0])
def test_a_clearance_that_is_refused(tmp_path: Path, clearance: Any) -> None:
    content = {**socket(block)(tmp_path), "clearance": clearance}
    with pytest.raises(InputError, match="part.yaml: clearance .*must be"), warnings.catch_warnings():
        warnings.simplefilter("ignore", PartWarning)
        read_solids(tmp_path / "part.yaml", content)


def test_a_solid_of_surfaces_has_its_unit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has its own unit"):
        read_solids(tmp_path / "part.yaml", {**step("flanged.step")(tmp_path), "unit": "mm"})


def test_a_refusal_has_the_slices_for_a_picture(tmp_path: Path) -> None:
    with pytest.raises(NotPrismatic) as refusal:
        read_solids(tmp_path / "part.yaml", {**plug(twisted())(tmp_path), "unit": "mm"})
    slices = refusal.value.slices
    assert len(slices) == 10
    assert all(piece.region.area == pytest.approx(400.0, rel=0.02) for piece in slices)


@pytest.mark.parametrize(
    ("module", "name", "extra"), [("trimesh", "a.stl", "mesh"), ("cascadio", "a.step", "step")]
)
def test_a_missing_library_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str, extra: str
) -> None:
    content = {"plug": name}
    (tmp_path / name).write_bytes((SOLIDS / "flanged.step").read_bytes())
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {module}: pip install 'assembly_rl\[{extra}\]'"):
        read_solids(tmp_path / "part.yaml", content)


def main() -> None:
    """Print what became of every solid."""
    print(f"{'solid':32} {'result':8} {'error/mm':>8} {'vertices':>8}  note or refusal")
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            error, count = "", ""
            try:
                solids, fields, text = came_in(case, Path(folder))
                part = PegHole(**{"chamfer": 0.0, **fields})
                result = "read" if case.truth is not None else "READ"
                if case.truth is not None:
                    error = f"{error_of(solids, case):.5f}"
                count = str(sum(map(len, part.peg_outlines)))
            except ValueError as refusal:
                result, text = "refused" if case.truth is None else "REFUSED", str(refusal)
            print(f"{name:32} {result:8} {error:>8} {count:>8}  {text.replace(folder + '/', '')}")


if __name__ == "__main__":
    main()

"""Outline from DXF: what the model space shows, blocks included; what is not understood is refused by name.

Source of the entities: Autodesk, DXF Reference; ezdxf reads the file.
"""

import logging
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from assembly_rl.controllers.validation import InputError, is_finite
from assembly_rl.envs.geometry.curves import arc, circular_arc, line
from assembly_rl.envs.geometry.drawing import MAX_CURVES, Drawing, Stroke
from assembly_rl.envs.geometry.polygons import Array

MILLIMETRES = {
    0: 1.0,  # no unit
    1: 25.4,
    2: 304.8,
    3: 1.609344e6,
    4: 1.0,
    5: 10.0,
    6: 1e3,
    7: 1e6,
    8: 25.4e-6,
    9: 25.4e-3,
    10: 914.4,
    11: 1e-7,
    12: 1e-6,
    13: 1e-3,
    14: 1e2,
    15: 1e4,
    16: 1e5,
    17: 1e12,
    18: 1.495978707e14,
    19: 9.4607304725808e18,
    20: 3.0856775814913673e19,
    21: 1200e3 / 3937.0,
    22: 100e3 / 3937.0,
    23: 3600e3 / 3937.0,
    24: 6336000e3 / 3937.0,
}
"""Length [mm] of the unit by the number in $INSUNITS; 21 to 24: US survey foot, inch, yard, mile."""

ANNOTATIONS = frozenset(
    (
        *("TEXT", "MTEXT", "ATTRIB", "ATTDEF", "TOLERANCE", "LEADER", "MULTILEADER", "MLEADER", "POINT"),
        *("DIMENSION", "ARC_DIMENSION", "LARGE_RADIAL_DIMENSION"),
    )
)
"""Entities that are no lines of a part; they are counted and left out."""

MAX_DEPTH = 16
"""Largest depth of blocks in blocks."""

MAX_INSERTED = 1000
"""Largest number of insertions of blocks."""

MAX_DEGREE = 11
"""Largest degree of a spline, that of CAD programs."""

ReadErrors = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""Errors of ezdxf on a damaged file, beside its own and those of reading."""


def read_dxf(content: bytes) -> Drawing:
    """Read the lines of the model space of a DXF file.

    Raises:
        ValueError: The content is no complete DXF, or has something that is not understood.
        ImportError: ezdxf is not installed.
    """
    document = _document(content)
    unit = document.header.get("$INSUNITS", 0)
    if unit not in MILLIMETRES:
        raise InputError(f"its unit, $INSUNITS {unit!r:.20}, is not known: use 4 for millimetres")
    scale = MILLIMETRES[unit]
    drawing = Drawing(scale=np.diag([scale, scale, 1.0]))
    try:
        _Reader(document, drawing, scale).read(document.modelspace(), np.eye(4), None, 0)
    except InputError:
        raise
    except ReadErrors as error:
        raise InputError(f"it has an entity that cannot be read: {_first_line(error)}") from None
    return drawing


def _document(content: bytes) -> Any:
    try:
        import ezdxf
    except ImportError as error:
        raise ImportError("reading a DXF file needs ezdxf: pip install 'assembly_rl[drawings]'") from error
    if not content.rstrip(b"\r\n\t \0\x1a").endswith(b"EOF"):
        raise InputError("it is not a DXF file, or not a whole one: its end is missing")
    complaints = _Complaints(logging.WARNING)
    logger = logging.getLogger("ezdxf")
    logger.addHandler(complaints)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "drawing.dxf")
            path.write_bytes(content)
            document = ezdxf.readfile(path)
    except (ezdxf.DXFError, OSError, *ReadErrors) as error:
        raise InputError(f"it is not a DXF file that can be read: {_first_line(error)}") from None
    finally:
        logger.removeHandler(complaints)
    if complaints.messages:
        raise InputError(f"it is damaged: {complaints.messages[0]}")
    return document


class _Complaints(logging.Handler):
    """Warnings of ezdxf: it goes on without what it cannot read."""

    def __init__(self, level: int):
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(" ".join(record.getMessage().split()))


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


class _Reader:
    """Walk through the entities of a layout and of the blocks in it."""

    def __init__(self, document: Any, drawing: Drawing, scale: float):
        self._document, self._drawing = document, drawing
        self._flat = 1e-6 / scale  # height above the plane that counts as none
        self._inserted = 0

    def read(self, entities: Any, matrix: Array, layer: str | None, depth: int) -> None:
        """Add what entities draw.

        Args:
            entities: Entities of a layout or block.
            matrix: Matrix (4, 4) from their coordinates to those of the model space.
            layer: Layer of the block's insertion, for its entities on layer 0; None in the model space.
            depth: Number of blocks around them.
        """
        for entity in entities:
            kind = entity.dxftype()
            if not entity.dxf.is_supported("layer"):
                raise InputError(f"it has a {kind:.40}, which is not understood: explode or delete it")
            own = entity.dxf.layer if layer is None or entity.dxf.layer != "0" else layer
            if entity.dxf.get("paperspace", 0) or entity.dxf.get("invisible", 0) or self._frozen(own):
                continue
            if kind == "INSERT":
                self._insert(entity, matrix, own, depth)
            elif self._off(own):
                continue
            elif kind in ANNOTATIONS:
                self._drawing.skipped[kind] += 1
            else:
                self._add(entity, kind, matrix)

    def _layer(self, name: str) -> Any:
        layers = self._document.layers
        return layers.get(name) if layers.has_entry(name) else None

    def _frozen(self, name: str) -> bool:
        layer = self._layer(name)
        return layer is not None and layer.is_frozen()

    def _off(self, name: str) -> bool:
        layer = self._layer(name)
        return layer is not None and layer.is_off()

    def _insert(self, insert: Any, matrix: Array, layer: str, depth: int) -> None:
        from ezdxf.xclip import XClip

        name = insert.dxf.name
        block = insert.block()
        if block is None:
            raise InputError(f"it inserts the block {name!r:.40}, which is not in the file")
        if block.block_record.is_xref or block.block.dxf.get("flags", 0) & 0b1111100:
            raise InputError(f"it inserts {name!r:.40}, another file: bind it (XREF, Bind)")
        clip = XClip(insert)
        if clip.has_clipping_path and clip.is_clipping_enabled:
            raise InputError(f"it inserts the block {name!r:.40} clipped: explode it, or remove the clipping")
        if depth == MAX_DEPTH:
            raise InputError(f"the block {name!r:.40} is in {depth} others or in itself")
        if insert.mcount > MAX_CURVES:
            raise InputError(
                f"it inserts the block {name!r:.40} {insert.mcount} times, at most {MAX_CURVES} are read"
            )
        for copy in insert.multi_insert() if insert.mcount > 1 else (insert,):
            self._inserted += 1
            if self._inserted > MAX_INSERTED:
                raise InputError(
                    f"it inserts more than {MAX_INSERTED} blocks: explode them, or delete what is no outline"
                )
            to_parent = np.reshape([float(value) for value in copy.matrix44()], (4, 4)).T
            self.read(block, matrix @ to_parent, layer, depth + 1)
        if insert.attribs:
            self._drawing.skipped["ATTRIB"] += len(insert.attribs)

    def _add(self, entity: Any, kind: str, matrix: Array) -> None:
        place = f"{kind} (handle {entity.dxf.get('handle', '?')}, layer {entity.dxf.layer})"
        if kind not in ENTITIES:
            raise InputError(f"it has a {place}, which is not understood: explode or delete it")
        if entity.dxf.is_supported("thickness") and entity.dxf.get("thickness", 0.0) != 0.0:
            raise InputError(f"it has a {place} with a thickness: the outline must be plane")
        for stroke in ENTITIES[kind](entity, place):
            for curve in stroke:
                if not np.isfinite(curve).all():
                    raise InputError(f"it has a {place} whose coordinates are not finite")
            mapped = [curve @ matrix.T for curve in stroke]
            for curve in mapped:
                height = np.max(np.abs(curve[:, 2] / curve[:, 3]))
                if height > self._flat:
                    raise InputError(
                        f"it has a {place} at z = {height:g}: the outline must be in the plane z = 0"
                    )
            self._drawing.add([curve[:, [0, 1, 3]] for curve in mapped])


def _lifted(curves: Stroke, axes: Any, origin: Any) -> Stroke:
    """Place plane curves in space, as homogeneous control points (n + 1, 4).

    Args:
        curves: Plane curves.
        axes: Directions of x, y and z, as rows.
        origin: Origin of the plane.
    """
    matrix = np.zeros((3, 4))
    matrix[:2, :3], matrix[2, :3], matrix[2, 3] = np.asarray(axes)[:2], origin, 1.0
    return [curve @ matrix for curve in curves]


def _object_plane(entity: Any, curves: Stroke, z: float) -> list[Stroke]:
    """Place curves that are given in the object coordinate system of an entity, at a height."""
    ocs = entity.ocs()
    axes = np.array([ocs.ux.xyz, ocs.uy.xyz, ocs.uz.xyz])
    return [_lifted(curves, axes, z * axes[2])]


def _line(entity: Any, place: str) -> list[Stroke]:
    start, end = _required(entity, place, "start", "end")
    points = np.array([start.xyz, end.xyz])
    return [[np.column_stack((points, [1.0, 1.0]))]]


def _required(entity: Any, place: str, *names: str) -> list[Any]:
    """Attributes without which the entity has no form."""
    for name in names:
        if not entity.dxf.hasattr(name):
            raise InputError(f"it has a {place} without {name}: the file is damaged")
    return [entity.dxf.get(name) for name in names]


def _radius(entity: Any, place: str) -> tuple[Array, float]:
    centre, radius = _required(entity, place, "center", "radius")
    if not (is_finite(radius) and radius > 0.0):
        raise InputError(f"it has a {place} with the radius {radius!r:.20}")
    return np.array(centre.xyz), float(radius)


def _circle(entity: Any, place: str) -> list[Stroke]:
    return _arc_between(entity, place, 0.0, 360.0)


def _arc(entity: Any, place: str) -> list[Stroke]:
    start, end = _required(entity, place, "start_angle", "end_angle")
    return _arc_between(entity, place, start, end)


def _arc_between(entity: Any, place: str, start: float, end: float) -> list[Stroke]:
    centre, radius = _radius(entity, place)
    curves = circular_arc(math.radians(start), _sweep(math.radians(start), math.radians(end), place))
    matrix = np.diag([radius, radius, 1.0])
    matrix[:2, 2] = centre[:2]
    return _object_plane(entity, [curve @ matrix.T for curve in curves], centre[2])


def _sweep(start: float, end: float, place: str) -> float:
    """Angle [rad] from the start to the end of an arc, counter-clockwise."""
    if not (is_finite(start) and is_finite(end)):
        raise InputError(f"it has a {place} whose angles are not finite")
    difference = end - start
    if difference == 0.0:
        raise InputError(f"it has a {place} that ends where it starts: draw a circle or an ellipse")
    sweep = math.fmod(difference, 2.0 * math.pi)
    if sweep < 0.0:
        sweep += 2.0 * math.pi
    if sweep < 1e-9 or 2.0 * math.pi - sweep < 1e-9:
        return 2.0 * math.pi
    return sweep


def _ellipse(entity: Any, place: str) -> list[Stroke]:
    centre, major, ratio = _required(entity, place, "center", "major_axis", "ratio")
    start, end = entity.dxf.start_param, entity.dxf.end_param
    if not (is_finite(ratio) and 0.0 < abs(ratio) <= 1e6) or not major.magnitude > 0.0:
        raise InputError(f"it has a {place} without an axis")
    minor = entity.dxf.extrusion.normalize().cross(major) * ratio
    curves = circular_arc(start, _sweep(start, end, place))
    return [_lifted(curves, [major.xyz, minor.xyz, (0.0, 0.0, 1.0)], centre.xyz)]


def _polyline_curves(
    points: list[tuple[float, float]], bulges: list[float], closed: bool, place: str
) -> Stroke:
    if not np.isfinite(points).all() or not np.isfinite(bulges).all():
        raise InputError(f"it has a {place} whose coordinates are not finite")
    following = [*points[1:], points[0]] if closed else points[1:]
    curves: Stroke = []
    for start, end, bulge in zip(points, following, bulges, strict=False):
        if start == end:
            continue
        curves += arc(start, end, bulge) if bulge else [line(start, end)]
    return curves


def _lwpolyline(entity: Any, place: str) -> list[Stroke]:
    rows = [tuple(map(float, row)) for row in entity.get_points("xyb")]
    if not rows:
        return []
    points, bulges = [(x, y) for x, y, _ in rows], [bulge for *_, bulge in rows]
    curves = _polyline_curves(points, bulges, bool(entity.closed), place)
    return _object_plane(entity, curves, float(entity.dxf.get("elevation", 0.0)))


def _polyline(entity: Any, place: str) -> list[Stroke]:
    if not (entity.is_2d_polyline or entity.is_3d_polyline):
        raise InputError(f"it has a {place} that is a mesh: the outline must be plane")
    if entity.dxf.get("flags", 0) & 6:
        raise InputError(f"it has a {place} with fitted curves: explode it, or draw it as a spline")
    vertices = list(entity.vertices)
    if not vertices:
        return []
    places = [vertex.dxf.location for vertex in vertices]
    if entity.is_3d_polyline:
        points = np.array([p.xyz for p in (places + places[:1] if entity.is_closed else places)])
        pairs = zip(points, points[1:], strict=False)
        return [[np.column_stack((pair, [1.0, 1.0])) for pair in pairs if np.any(pair[0] != pair[1])]]
    bulges = [float(vertex.dxf.get("bulge", 0.0)) for vertex in vertices]
    curves = _polyline_curves([(p.x, p.y) for p in places], bulges, bool(entity.is_closed), place)
    elevation = entity.dxf.get("elevation")
    return _object_plane(entity, curves, float(elevation.z) if elevation is not None else 0.0)


def _spline(entity: Any, place: str) -> list[Stroke]:
    """B-spline, its pieces between knots as Bézier curves."""
    degree, points, knots, weights = (
        int(entity.dxf.degree),
        np.array([tuple(p) for p in entity.control_points], dtype=np.float64).reshape(-1, 3),
        np.array(list(entity.knots), dtype=np.float64),
        np.array(list(entity.weights), dtype=np.float64),
    )
    count = len(points)
    if count == 0:
        raise InputError(
            f"it has a {place} with fit points alone, whose form depends on the program: convert it"
        )
    if not 1 <= degree <= MAX_DEGREE or count <= degree or len(knots) != count + degree + 1:
        raise InputError(
            f"it has a {place} of degree {degree} with {count} control points and {len(knots)} knots, "
            "which do not fit together"
        )
    if count > MAX_CURVES:
        raise InputError(f"it has a {place} with {count} control points, at most {MAX_CURVES} are read")
    weights = weights if len(weights) else np.ones(count)
    if len(weights) != count or not (np.isfinite(weights).all() and (weights > 0.0).all()):
        raise InputError(f"it has a {place} with weights that are not positive, one for each control point")
    if weights.max() > 1e6 * weights.min():
        raise InputError(f"it has a {place} with weights from {weights.min():g} to {weights.max():g}")
    first, last = knots[degree], knots[count]
    if not np.isfinite(knots).all() or (np.diff(knots) < 0.0).any() or not first < last:
        raise InputError(f"it has a {place} whose knots do not increase")
    inner = knots[(knots > first) & (knots < last)]
    if len(inner) and np.max(np.unique(inner, return_counts=True)[1]) > degree:
        raise InputError(f"it has a {place} that is torn: a knot is repeated more than {degree} times")
    homogeneous = np.column_stack((points * weights[:, None], weights))
    return [list(_bezier_pieces(homogeneous, knots, degree))]


def _bezier_pieces(control: Array, knots: Array, degree: int) -> Array:
    """Bezier control points (S, degree + 1, d) of a B-spline between its S distinct knots.

    Point j of a piece from a to b is the blossom of the spline with degree - j times a and j times b. Source:
    Piegl and Tiller, The NURBS Book, chapter 5.

    Args:
        control: Control points (N, d).
        knots: N + degree + 1 knots.
        degree: Degree.
    """
    spans = np.array([i for i in range(degree, len(control)) if knots[i] < knots[i + 1]])[:, None]
    ends = knots[spans], knots[spans + 1]
    result = []
    for j in range(degree + 1):
        points = control[spans + np.arange(-degree, 1)]
        for r in range(1, degree + 1):
            low, high = knots[spans + np.arange(r - degree, 1)], knots[spans + np.arange(1, degree - r + 2)]
            share = ((ends[r > degree - j] - low) / (high - low))[..., None]
            points = (1.0 - share) * points[:, :-1] + share * points[:, 1:]
        result.append(points[:, 0])
    return np.stack(result, axis=1)


ENTITIES: dict[str, Callable[[Any, str], list[Stroke]]] = {
    "LINE": _line,
    "ARC": _arc,
    "CIRCLE": _circle,
    "ELLIPSE": _ellipse,
    "LWPOLYLINE": _lwpolyline,
    "POLYLINE": _polyline,
    "SPLINE": _spline,
}
"""Functions that read the entities, by kind."""

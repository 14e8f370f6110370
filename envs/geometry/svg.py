"""Outline from SVG: shapes and paths as they are drawn; what has no exact meaning here is refused by name.

Source: Scalable Vector Graphics (SVG) 1.1, second edition, and 2, W3C.
"""

import math
import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.curves import circular_arc, line, transformed
from assembly_rl.envs.geometry.drawing import Drawing, Stroke
from assembly_rl.envs.geometry.polygons import Array
from assembly_rl.envs.geometry.svg_path import NUMBER, numbers, path_strokes
from assembly_rl.envs.geometry.svg_style import Style, StyleSheet

NAMESPACE = "http://www.w3.org/2000/svg"
HREF = ("href", "http://www.w3.org/1999/xlink}href")

UNITS = {
    "mm": 1.0,
    "cm": 10.0,
    "q": 0.25,
    "in": 25.4,
    "pt": 25.4 / 72.0,
    "pc": 25.4 / 6.0,
    "px": 25.4 / 96.0,
}
"""Millimetres per unit of a length."""

SILENT = frozenset(
    (
        *(
            "defs",
            "title",
            "desc",
            "metadata",
            "style",
            "symbol",
            "marker",
            "clipPath",
            "mask",
            "filter",
            "pattern",
        ),
        *("linearGradient", "radialGradient", "view", "cursor", "color-profile", "font", "font-face"),
    )
)
"""Elements that draw nothing where they stand."""

ANNOTATIONS = frozenset(("text",))
"""Elements that are no lines of a part; they are counted and left out."""

CONDITIONAL = ("requiredFeatures", "requiredExtensions", "systemLanguage")

MAX_DEPTH = 64
MAX_ELEMENTS = 20_000

MAX_TEXT = 500_000
"""Largest length of the attributes of all drawn elements, repeated ones again."""

LENGTH = re.compile(rf"\s*({NUMBER})\s*([A-Za-z%]*)\s*", re.ASCII)
TRANSFORM = re.compile(r"\s*(?:,\s*)?([A-Za-z]+)\s*\(([^()]*)\)", re.ASCII)
ASPECT = re.compile(
    r"\s*(?:defer\s+)?(none|x(?:Min|Mid|Max)Y(?:Min|Mid|Max))(?:\s+(meet|slice))?\s*", re.ASCII
)


def read_svg(content: bytes) -> Drawing:
    """Read the lines of an SVG file.

    Raises:
        ValueError: The content is no SVG, or has something that is not understood.
    """
    root = _tree(content)
    drawing = Drawing()
    if _name(root) != "svg":
        raise InputError(f"it is not an SVG file: its root is <{_name(root) or root.tag}>")
    reader = _Reader(root, drawing)
    drawing.scale = _scale(root)
    reader.read(root, np.eye(3), Style(), 0)
    return drawing


def _tree(content: bytes) -> Element:
    """Parse XML, without a document's own entities and without anything outside the file."""
    builder, depth, count = TreeBuilder(), 0, 0
    parser = expat.ParserCreate(namespace_separator="}")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > MAX_DEPTH or count > MAX_ELEMENTS:
            raise InputError(f"more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse_entity(name: str, *_: Any) -> None:
        raise InputError(f"it declares the entity {name!r}: write its text out")

    def refuse_instruction(target: str, _: str) -> None:
        if target == "xml-stylesheet":
            raise InputError("it has a style sheet outside the file: put the styles into the elements")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse_entity
    parser.ProcessingInstructionHandler = refuse_instruction
    try:
        parser.Parse(content, True)
    except InputError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise InputError(f"it is not an SVG file: {error}") from None
    return builder.close()


def _name(element: Element) -> str:
    """Name of an element of SVG; an empty string for another one."""
    namespace, _, name = element.tag.rpartition("}")
    return name if namespace in ("", NAMESPACE) else ""


class _Reader:
    """Walk through the elements that are drawn."""

    def __init__(self, root: Element, drawing: Drawing):
        self._drawing = drawing
        self._targets: dict[str, Element] = {}
        self._text = 0  # length of the attributes of all elements drawn so far
        sheets = []
        for element in root.iter():
            key = element.get("id")
            if key is not None and self._targets.setdefault(key, element) is not element:
                self._targets[key] = Element("ambiguous")
            if _name(element) == "style":
                sheets.append("".join(element.itertext()))
        self._sheet = StyleSheet("\n".join(sheets))

    def read(self, element: Element, matrix: Array, inherited: Style, depth: int) -> None:
        """Add what an element and its children draw, in the coordinates of the root."""
        name = _name(element)
        if name in SILENT or not name:
            return
        self._text += 10 + sum(map(len, element.attrib.values()))
        if self._text > MAX_TEXT or depth > MAX_DEPTH:
            raise InputError(
                "it has too much text, or <use> repeats too much or itself: keep the outline alone"
            )
        label = _label(element)
        style = self._sheet.style(element, name, label, inherited)
        if not style.displayed:
            return
        if name in ANNOTATIONS:
            self._drawing.skipped[name] += 1
            return
        for attribute in CONDITIONAL:
            if attribute in element.attrib:
                raise InputError(f"{label} has {attribute}: remove the condition")
        matrix = matrix @ _transform(element.get("transform", ""), label)
        if name in ("g", "a") or (name == "svg" and depth == 0):
            for child in element:
                self.read(child, matrix, style, depth + 1)
        elif name == "use":
            shift = np.eye(3)
            shift[:2, 2] = _length(element, "x"), _length(element, "y")
            self.read(self._target(element, label), matrix @ shift, style, depth + 1)
        elif name in SHAPES:
            _refuse_children(element, label)
            if style.paints:
                for stroke in SHAPES[name](element):
                    self._drawing.add(transformed(stroke, matrix))
        else:
            raise InputError(
                f"{label} is not understood: replace it by paths (in Inkscape: Path > Object to Path)"
            )

    def _target(self, element: Element, label: str) -> Element:
        given = [element.attrib[key] for key in HREF if key in element.attrib]
        if not given or not given[0].startswith("#"):
            raise InputError(
                f"{label} refers to {given[0] if given else 'nothing'}, not to a part of the file"
            )
        target = self._targets.get(given[0][1:])
        if target is None or target.tag == "ambiguous":
            count = "several elements" if target is not None else "no element"
            raise InputError(f"{label} refers to {given[0]}, the id of {count}")
        if _name(target) in SILENT or _name(target) == "":
            raise InputError(
                f"{label} refers to {_label(target)}, which is not understood there: write it out"
            )
        return target


def _label(element: Element) -> str:
    key = element.get("id")
    return f"<{_name(element) or element.tag}" + (f' id="{key:.40}">' if key else ">")


def _refuse_children(element: Element, label: str) -> None:
    for child in element:
        if _name(child) and _name(child) not in SILENT:
            raise InputError(
                f"{label} has {_label(child)}: an outline that changes or contains more is refused"
            )


def _rect(element: Element) -> list[Stroke]:
    x, y = _length(element, "x"), _length(element, "y")
    width, height = _size(element, "width"), _size(element, "height")
    if width == 0.0 or height == 0.0:
        return []
    rx, ry = _radii(element)
    rx, ry = min(rx, 0.5 * width), min(ry, 0.5 * height)
    left, right, top, bottom = x + rx, x + width - rx, y + ry, y + height - ry
    if rx == 0.0 or ry == 0.0:
        left, right, top, bottom = x, x + width, y, y + height
        rx = ry = 0.0
    stroke: Stroke = []
    centres = ((right, top), (right, bottom), (left, bottom), (left, top))
    for i, centre in enumerate(centres):
        corner = _elliptic_arc(centre, rx, ry, 0.5 * math.pi * (i - 1), 0.5 * math.pi)
        following = centres[(i + 1) % 4]
        begin = _elliptic_arc(following, rx, ry, 0.5 * math.pi * i, 0.5 * math.pi)[0][0][:2]
        end = corner[-1][-1][:2]
        stroke += [*(corner if rx else []), line(end, begin)]
    return [stroke]


def _circle(element: Element) -> list[Stroke]:
    radius = _size(element, "r")
    return _ellipse_about(element, radius, radius)


def _ellipse(element: Element) -> list[Stroke]:
    return _ellipse_about(element, *_radii(element))


def _ellipse_about(element: Element, rx: float, ry: float) -> list[Stroke]:
    if rx == 0.0 or ry == 0.0:
        return []
    centre = _length(element, "cx"), _length(element, "cy")
    return [_elliptic_arc(centre, rx, ry, 0.0, 2.0 * math.pi)]


def _elliptic_arc(centre: tuple[float, float], rx: float, ry: float, start: float, sweep: float) -> Stroke:
    matrix = [[rx, 0.0, centre[0]], [0.0, ry, centre[1]], [0.0, 0.0, 1.0]]
    return transformed(circular_arc(start, sweep), matrix)


def _radii(element: Element) -> tuple[float, float]:
    """Radii of a rect or an ellipse: one that is missing equals the other."""
    rx, ry = (None if element.get(k, "auto").strip() == "auto" else _size(element, k) for k in ("rx", "ry"))
    if rx is None:
        rx = ry if ry is not None else 0.0
    return rx, rx if ry is None else ry


def _line(element: Element) -> list[Stroke]:
    start, end = ((_length(element, f"x{i}"), _length(element, f"y{i}")) for i in (1, 2))
    return [[line(start, end)]]


def _polyline(element: Element) -> list[Stroke]:
    values = _numbers(element.get("points", ""), _label(element), "points")
    if len(values) % 2:
        raise InputError(f"{_label(element)} has an odd number of coordinates")
    points = list(zip(values[::2], values[1::2], strict=True))
    return [[line(a, b) for a, b in zip(points, points[1:], strict=False)]]


def _polygon(element: Element) -> list[Stroke]:
    (stroke,) = _polyline(element)
    return [[*stroke, line(stroke[-1][-1][:2], stroke[0][0][:2])]] if stroke else []


def _path(element: Element) -> list[Stroke]:
    return path_strokes(element.get("d", ""), _label(element))


SHAPES: dict[str, Callable[[Element], list[Stroke]]] = {
    "path": _path,
    "rect": _rect,
    "circle": _circle,
    "ellipse": _ellipse,
    "line": _line,
    "polyline": _polyline,
    "polygon": _polygon,
}
"""Functions that read the shapes, by name of the element."""


def _length(element: Element, name: str) -> float:
    """Length of an attribute in user units; 0 if it is not given."""
    text = element.get(name, "0")
    match = LENGTH.fullmatch(text)
    if match is None or match[2].lower() not in ("", "px") or not math.isfinite(float(match[1])):
        raise InputError(
            f"{_label(element)} has {name}={text!r:.40}: a plain number is needed, without a unit"
        )
    return float(match[1])


def _size(element: Element, name: str) -> float:
    value = _length(element, name)
    if value < 0.0:
        raise InputError(f"{_label(element)} has a negative {name}, {value:g}")
    return value


def _numbers(text: str, label: str, what: str) -> list[float]:
    result = numbers(text)
    if result is None:
        raise InputError(f"{label} has {what}={text!r:.60}: numbers are needed")
    return result


def _transform(text: str, label: str) -> Array:
    """Matrix of a list of transforms."""
    matrix, place = np.eye(3), 0
    text = text.strip()
    if text == "none":
        return matrix
    while place < len(text):
        match = TRANSFORM.match(text, place)
        step = None
        if match is not None and not (place == 0 and text.startswith(",")):
            step = _step(match[1], _numbers(match[2], label, "transform"))
            place = match.end()
        if step is None or not np.isfinite(step).all():
            raise InputError(f"{label} has transform={text!r:.60}, which is not understood")
        matrix = matrix @ step
    if (
        abs(np.linalg.det(matrix[:2, :2])) < 1e-12 * np.linalg.norm(matrix[:2, :2]) ** 2
        or not matrix[:2, :2].any()
    ):
        raise InputError(f"{label} has transform={text!r:.60}, which makes a line or a point of it")
    return matrix


def _step(name: str, n: list[float]) -> Array | None:
    """Matrix of one transform; None for one that does not exist."""
    result = np.eye(3)
    if name == "matrix" and len(n) == 6:
        result[:2] = np.reshape(n, (3, 2)).T
    elif name == "translate" and len(n) in (1, 2):
        result[:2, 2] = n[0], n[1] if len(n) == 2 else 0.0
    elif name == "scale" and len(n) in (1, 2):
        result[0, 0], result[1, 1] = n[0], n[-1]
    elif name == "rotate" and len(n) in (1, 3):
        angle = math.radians(math.fmod(n[0], 360.0))
        result[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        centre = np.array(n[1:] or [0.0, 0.0])
        result[:2, 2] = centre - result[:2, :2] @ centre
    elif name in ("skewX", "skewY") and len(n) == 1:
        result[(0, 1) if name == "skewX" else (1, 0)] = math.tan(math.radians(n[0]))
    else:
        return None
    return result


def _scale(root: Element) -> Array:
    """Matrix from user units, y down, to millimetres, y up."""
    box = _view_box(root)
    sizes = [_physical(root, name) for name in ("width", "height")]
    given = [(i, *size) for i, size in enumerate(sizes) if size is not None]
    units = {unit for _, _, unit in given}
    if units <= {""}:
        if box is not None and any(length != box[i] for i, length, _ in given):
            raise InputError(
                'width and height have no unit, but a viewBox: give the unit, such as width="40mm"'
            )
        return np.diag([1.0, -1.0, 1.0])
    if "" in units:
        raise InputError("width or height has a unit, the other has none: give both a unit")
    if box is None:
        if units == {"px"}:
            return np.diag([UNITS["px"], -UNITS["px"], 1.0])
        raise InputError(
            'a size without a viewBox does not scale the drawing: add viewBox="0 0 width height"'
        )
    factors = [length * UNITS[unit] / box[i] for i, length, unit in given]
    aspect = root.get("preserveAspectRatio", "xMidYMid meet")
    match = ASPECT.fullmatch(aspect)
    if match is None:
        raise InputError(f"preserveAspectRatio={aspect!r:.40} is not understood")
    if match[1] == "none":
        return np.diag([factors[0], -factors[-1], 1.0])
    factor = max(factors) if match[2] == "slice" else min(factors)
    return np.diag([factor, -factor, 1.0])


def _view_box(root: Element) -> tuple[float, float] | None:
    """Width and height of the viewBox in user units."""
    text = root.get("viewBox")
    if text is None:
        return None
    values = _numbers(text, "<svg>", "viewBox")
    if len(values) != 4 or not all(0.0 < n < math.inf for n in values[2:]):
        raise InputError(f"viewBox={text!r:.40} must be four numbers, the last two positive")
    return values[2], values[3]


def _physical(root: Element, name: str) -> tuple[float, str] | None:
    """Length and unit of the drawing's width or height; None if it fills the window."""
    text = root.get(name)
    if text is None or text.strip() in ("auto", "100%"):
        return None
    match = LENGTH.fullmatch(text)
    unit = match[2].lower() if match else ""
    if match is None or not 0.0 < float(match[1]) < math.inf or unit not in ("", *UNITS):
        raise InputError(f"{name}={text!r:.40} is not understood: give a length in {', '.join(UNITS)}")
    return float(match[1]), unit

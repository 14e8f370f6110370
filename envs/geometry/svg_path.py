"""Path data of SVG (the attribute d), by its whole grammar: text that does not follow it is refused."""

import math
import re

import numpy as np

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.curves import arc, bezier, line, transformed
from assembly_rl.envs.geometry.drawing import MAX_CURVES, Stroke
from assembly_rl.envs.geometry.polygons import Array

NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
"""Regular expression of a number."""

ARGUMENTS = {"M": 2, "Z": 0, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7}
"""Number of arguments by command."""

SPACE = re.compile(r"\s*", re.ASCII)
SEPARATOR = re.compile(r"\s*,?\s*", re.ASCII)
TOKEN = re.compile(NUMBER, re.ASCII)
FLAG = re.compile("[01]")


def numbers(text: str) -> list[float] | None:
    """Read a list of finite numbers, separated by spaces or commas; None for any other text."""
    text = text.strip()
    result: list[float] = []
    place, comma = 0, False
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None or not math.isfinite(float(match[0])):
            return None
        result.append(float(match[0]))
        separator = SEPARATOR.match(text, match.end())
        place, comma = separator.end(), "," in separator[0]  # type: ignore[union-attr, index]
    return None if comma else result


def path_strokes(data: str, label: str) -> list[Stroke]:
    """Read the strokes of a path in user units, one per subpath.

    Args:
        data: Path data.
        label: Name of the element, for messages.

    Raises:
        ValueError: The data do not follow the grammar.
    """
    if data.strip() in ("", "none"):
        return []
    pen = _Pen()
    for command, arguments in _commands(data, label):
        pen.draw(command, arguments)
    return [stroke for stroke in pen.strokes if stroke]


def _commands(data: str, label: str) -> list[tuple[str, list[float]]]:
    """Split path data into commands, each with its arguments; repeated ones are written out."""
    data = data.strip()
    result: list[tuple[str, list[float]]] = []
    place, comma = 0, False

    def refuse() -> InputError:
        return InputError(
            f"{label} has path data that are not understood, at {data[max(0, place - 10) :][:40]!r}"
        )

    while place < len(data):
        command = data[place]
        count = ARGUMENTS.get(command.upper())
        if count is None or comma or (not result and command.upper() != "M"):
            raise refuse()
        place = SPACE.match(data, place + 1).end()  # type: ignore[union-attr]
        while True:
            arguments = []
            for k in range(count):
                match = (FLAG if count == 7 and k in (3, 4) else TOKEN).match(data, place)
                if match is None or not math.isfinite(float(match[0])):
                    raise refuse()
                arguments.append(float(match[0]))
                separator = SEPARATOR.match(data, match.end())
                place, comma = separator.end(), "," in separator[0]  # type: ignore[union-attr, index]
            result.append((command, arguments))
            if len(result) > MAX_CURVES:
                raise InputError(f"{label} has more than {MAX_CURVES} lines: keep the outline alone")
            command = {"M": "L", "m": "l"}.get(command, command)
            if count == 0 or not (comma or TOKEN.match(data, place)):
                break
    if comma:
        raise refuse()
    return result


class _Pen:
    """Position while a path is drawn."""

    def __init__(self) -> None:
        self.strokes: list[Stroke] = []
        self._at = self._start = np.zeros(2)
        self._reflected: tuple[str, Array] = (
            "",
            np.zeros(2),
        )  # kind of the last curve, its last control point

    def draw(self, command: str, arguments: list[float]) -> None:
        kind, relative = command.upper(), command.islower()
        origin = self._at if relative else np.zeros(2)
        if kind == "M":
            self._at = self._start = origin + arguments
            self.strokes.append([])
            self._reflected = ("", self._at)
            return
        if kind == "Z":
            self._line(self._start)
            self._reflected = ("", self._at)
            self.strokes.append([])
            return
        if kind in "HV":
            end = self._at.copy()
            axis = "HV".index(kind)
            end[axis] = origin[axis] + arguments[0]
            self._line(end)
        elif kind == "L":
            self._line(origin + arguments)
        elif kind == "A":
            self._arc(arguments, origin + arguments[5:])
        else:
            points = list(origin + np.reshape(arguments, (-1, 2)))
            family = "C" if kind in "CS" else "Q"
            if kind in "ST":
                same, control = self._reflected
                points.insert(0, 2.0 * self._at - control if same == family else self._at)
            self._add([bezier(self._at, *points)], points[-1])
            self._reflected = (family, points[-2])
            return
        self._reflected = ("", self._at)

    def _line(self, end: Array) -> None:
        if (end != self._at).any():
            self._add([line(self._at, end)], end)

    def _add(self, curves: Stroke, end: Array) -> None:
        self.strokes[-1] += curves
        self._at = end

    def _arc(self, arguments: list[float], end: Array) -> None:
        """Elliptic arc; source of the corrections of its radii: SVG 1.1, F.6.

        Where the ellipse is a unit circle, the angle over which the arc turns follows from its chord.
        """
        rx, ry, rotation, large, sweep = abs(arguments[0]), abs(arguments[1]), *arguments[2:5]
        if (end == self._at).all():
            return
        if rx == 0.0 or ry == 0.0:
            self._line(end)
            return
        angle = math.radians(math.fmod(rotation, 360.0))
        ellipse = np.eye(3)
        ellipse[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]] @ np.diag(
            [rx, ry]
        )
        local = np.linalg.solve(ellipse[:2, :2], end - self._at)
        turned = 2.0 * math.asin(min(1.0, 0.5 * math.hypot(*local)))
        if large:
            turned = 2.0 * math.pi - turned
        bulge = math.tan(0.25 * turned) * (1.0 if sweep else -1.0)
        ellipse[:2, 2] = self._at
        curves = transformed(arc((0.0, 0.0), local.tolist(), bulge), ellipse)
        self._add(curves, end)

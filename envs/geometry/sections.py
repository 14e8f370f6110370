"""Cross-sections of the peg by name, with their parameters; lengths in metres."""

import difflib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.families import random_section
from assembly_rl.envs.geometry.polygons import Array, LengthError, clean, vertex_array

MAX_ROW = 16
"""Largest number of pins in a row."""


def circle(diameter: float = 0.020, facets: int = 16) -> Array:
    """Regular polygon of ``facets`` sides with its vertices on a circle of ``diameter`` [m]."""
    return _regular(facets, 0.5 * diameter)


def square(width: float = 0.020) -> Array:
    """Square with sides of ``width`` [m]."""
    return rectangle(width, width)


def rectangle(width: float = 0.024, height: float = 0.016) -> Array:
    """Rectangle of ``width`` along x and ``height`` along y [m]."""
    x, y = 0.5 * width, 0.5 * height
    return np.array([[-x, -y], [x, -y], [x, y], [-x, y]])


def triangle(width: float = 0.024) -> Array:
    """Equilateral triangle with sides of ``width`` [m], one of them along x."""
    return _regular(3, width / math.sqrt(3.0))


def pentagon(width: float = 0.022) -> Array:
    """Irregular convex pentagon without symmetry, ``width`` [m] along x: it fits its hole one way only."""
    shape = [[0.0, 0.15], [0.45, 0.0], [1.0, 0.2], [0.8, 0.85], [0.25, 0.9]]
    return width * np.array(shape)


def hexagon(width: float = 0.020) -> Array:
    """Regular hexagon, ``width`` [m] across its flats."""
    return _regular(6, width / math.sqrt(3.0))


def l_shape(width: float = 0.020, height: float = 0.020, thickness: float = 0.008) -> Array:
    """L of ``width`` along x and ``height`` along y, both arms ``thickness`` thick [m]."""
    _require_thinner(thickness, width, height)
    w, h, t = width, height, thickness
    return np.array([[0, 0], [w, 0], [w, t], [t, t], [t, h], [0, h]], dtype=np.float64)


def t_shape(width: float = 0.020, height: float = 0.020, thickness: float = 0.008) -> Array:
    """T of ``width`` along x and ``height`` along y, bar and stem ``thickness`` thick [m]."""
    _require_thinner(thickness, width, height)
    w, h, s, neck = 0.5 * width, height, 0.5 * thickness, height - thickness
    corners = [[-s, 0], [s, 0], [s, neck], [w, neck], [w, h], [-w, h], [-w, neck], [-s, neck]]
    return np.array(corners, dtype=np.float64)


def cross(width: float = 0.020, height: float = 0.020, thickness: float = 0.008) -> Array:
    """Cross of ``width`` along x and ``height`` along y, both bars ``thickness`` thick [m]."""
    _require_thinner(thickness, width, height)
    w, h, s = 0.5 * width, 0.5 * height, 0.5 * thickness
    quarter = np.array([[s, -h], [s, -s], [w, -s]])
    flip = np.array([[w, s], [s, s], [s, h]])
    return np.concatenate((quarter, flip, -quarter, -flip))


def u_shape(width: float = 0.020, height: float = 0.020, thickness: float = 0.006) -> Array:
    """U of ``width`` along x and ``height`` along y, open at the top, ``thickness`` thick [m]."""
    _require_between("thickness", thickness, 0.0, min(0.5 * width, height))
    w, h, t = width, height, thickness
    return np.array([[0, 0], [w, 0], [w, h], [w - t, h], [w - t, t], [t, t], [t, h], [0, h]])


def slot(width: float = 0.024, height: float = 0.010, facets: int = 16) -> Array:
    """Slot with round ends, ``width`` along x and ``height`` along y [m]; ``facets`` sides make its ends."""
    if not height < width:
        raise LengthError(
            "the slot's height {height} must be less than its width {width}", height=height, width=width
        )
    if facets % 2:
        raise InputError(f"section 'slot': facets must be even, got {facets}")
    angles = -0.5 * math.pi + math.pi * np.arange(facets // 2 + 1) / (facets // 2)
    end = 0.5 * height * np.column_stack((np.cos(angles), np.sin(angles))) + [0.5 * (width - height), 0.0]
    return np.concatenate((end, -end))


def d_shape(diameter: float = 0.020, height: float = 0.016, facets: int = 16) -> Array:
    """Round shaft with a flat at the top, ``height`` [m] from the flat to the other side.

    Its vertices are on a circle of ``diameter`` [m]; ``facets`` sides make the round.
    """
    _require_between("height", height, 0.5 * diameter, diameter)
    radius, top = 0.5 * diameter, height - 0.5 * diameter
    begin = math.asin(top / radius)
    angles = math.pi - begin + (math.pi + 2.0 * begin) * np.arange(facets + 1) / facets
    return radius * np.column_stack((np.cos(angles), np.sin(angles)))


def keyed(
    diameter: float = 0.020, key_width: float = 0.006, height: float = 0.0225, facets: int = 16
) -> Array:
    """Round shaft with a key at the top, ``height`` [m] from the key's top to the other side.

    The vertices of the round are on a circle of ``diameter`` [m]; ``facets`` sides make it. The key is
    ``key_width`` wide [m].
    """
    _require_between("key_width", key_width, 0.0, diameter)
    _require_between("height", height, diameter, 2.0 * diameter)
    radius, side = 0.5 * diameter, 0.5 * key_width
    begin = math.acos(side / radius)
    angles = math.pi - begin + (math.pi + 2.0 * begin) * np.arange(facets + 1) / facets
    top = height - radius
    key = np.array([[side, top], [-side, top]])
    return np.concatenate((radius * np.column_stack((np.cos(angles), np.sin(angles))), key))


def tube(diameter: float = 0.020, bore: float = 0.012, facets: int = 12) -> list[Array]:
    """Tube of ``diameter`` and ``bore`` [m], on which are the vertices of polygons of ``facets`` sides."""
    _require_between("bore", bore, 0.0, diameter)
    return [_regular(facets, 0.5 * diameter), _regular(facets, 0.5 * bore)]


def pins(
    columns: int = 2, rows: int = 1, pitch: float = 0.012, width: float = 0.006, height: float = 0.006
) -> list[Array]:
    """Rectangular pins, ``width`` along x and ``height`` along y [m], in ``columns`` along x and ``rows``.

    Their centres are ``pitch`` [m] apart.
    """
    pin, x, y = rectangle(width, height), pitch * np.arange(columns), pitch * np.arange(rows)
    return [pin + [a, b] for b in y for a in x]


def family(seed: int = 0, kind: str = "any", size: float = 0.02) -> list[Array]:
    """Random section of a kind, ``size`` [m] along x or y before it is turned; see ``random_section``."""
    return random_section(seed, kind, size)


def polygons(outlines: Sequence[Sequence[Sequence[float]]]) -> list[Array]:
    """Outlines of any form, each a list of ``[x, y]`` pairs [m] in order around it.

    An outline within another one is a hole in it.
    """
    return [np.array(outline, dtype=np.float64) for outline in outlines]


def polygon(vertices: Sequence[Sequence[float]]) -> Array:
    """Simple polygon from its ``vertices``, a list of ``[x, y]`` pairs [m] in order around it."""
    return np.array(vertices, dtype=np.float64)


SECTIONS: dict[str, Callable[..., Array | list[Array]]] = {
    "circle": circle,
    "square": square,
    "rectangle": rectangle,
    "triangle": triangle,
    "pentagon": pentagon,
    "hexagon": hexagon,
    "L": l_shape,
    "T": t_shape,
    "U": u_shape,
    "cross": cross,
    "slot": slot,
    "D": d_shape,
    "keyed": keyed,
    "tube": tube,
    "pins": pins,
    "family": family,
    "polygon": polygon,
    "polygons": polygons,
}
"""Functions that draw the known sections, by name."""


def resolve_parameters(section: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check the parameters of a section and fill in its defaults.

    Args:
        section: Name of a section, one of ``SECTIONS``.
        parameters: Arguments of that section's function.

    Returns:
        All of the section's parameters in plain Python types, in the order of its signature.

    Raises:
        ValueError: The section or a parameter is unknown, missing or not a usable value.
    """
    if section not in SECTIONS:
        names = {name.casefold(): name for name in SECTIONS}
        close = difflib.get_close_matches(str(section).casefold(), names, n=1)
        hint = f"did you mean {names[close[0]]!r}? " if close else ""
        raise InputError(f"unknown section {section!r}: {hint}known sections: {', '.join(SECTIONS)}")
    accepted = inspect.signature(SECTIONS[section]).parameters
    for name in parameters:
        if name not in accepted:
            raise InputError(f"section {section!r} has no parameter {name!r}: it takes {', '.join(accepted)}")
    resolved = {}
    for name, parameter in accepted.items():
        value = parameters.get(name, parameter.default)
        if value is inspect.Parameter.empty:
            raise InputError(f"section {section!r} needs the parameter {name!r}")
        resolved[name] = _plain(section, name, value)
    return resolved


def section_outlines(section: str, parameters: Mapping[str, Any] | None = None) -> tuple[Array, ...]:
    """Outlines of a section [m]: each (N, 2), material on the left, area centroid of all at the origin.

    Args:
        section: Name of a section, one of ``SECTIONS``.
        parameters: Arguments of that section's function; missing ones take their defaults.

    Raises:
        ValueError: The section or its parameters are not usable.
    """
    drawn = SECTIONS[section](**resolve_parameters(section, parameters or {}))
    return clean(drawn if isinstance(drawn, list) else [drawn])


def drawn_outlines(parameters: Mapping[str, Any]) -> Sequence[Any] | None:
    """Outlines [m] among the parameters of a section as they were given; None for a section without."""
    return [parameters["vertices"]] if "vertices" in parameters else parameters.get("outlines")


def _plain(section: str, name: str, value: Any) -> Any:
    if name == "vertices":
        return tuple((x, y) for x, y in vertex_array(value).tolist())
    if name == "outlines":
        if not isinstance(value, list | tuple) or len(value) == 0:
            raise InputError(f"outlines must be a list of outlines, each of [x, y] pairs, got {value!r:.80}")
        return tuple(tuple((x, y) for x, y in vertex_array(outline).tolist()) for outline in value)
    if name == "kind":
        if not isinstance(value, str):
            raise InputError(f"section {section!r}: kind must be a name, got {value!r:.60}")
        return value
    if name == "seed":
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InputError(f"section {section!r}: seed must be an integer of 0 or more, got {value!r:.60}")
        return value
    if name in ("columns", "rows"):
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_ROW:
            raise InputError(
                f"section {section!r}: {name} must be an integer from 1 to {MAX_ROW}, got {value!r}"
            )
        return value
    if name == "facets":
        if not isinstance(value, int) or not 3 <= value <= 256:
            raise InputError(f"section {section!r}: facets must be an integer from 3 to 256, got {value!r}")
        return value
    if not isinstance(value, int | float) or not 0.0 < value < math.inf:
        raise InputError(f"section {section!r}: {name} must be a positive length in metres, got {value!r}")
    return float(value)


def _regular(sides: int, radius: float) -> Array:
    """Regular polygon with vertices at ``radius`` [m] and one edge at the bottom, parallel to x."""
    angles = -0.5 * math.pi + 2.0 * math.pi * (np.arange(sides) + 0.5) / sides
    return radius * np.column_stack((np.cos(angles), np.sin(angles)))


def _require_between(name: str, value: float, low: float, high: float) -> None:
    if not low < value < high:
        raise LengthError(
            f"{name} {{value}} must be more than {{low}} and less than {{high}}",
            value=value,
            low=low,
            high=high,
        )


def _require_thinner(thickness: float, width: float, height: float) -> None:
    if thickness >= min(width, height):
        raise LengthError(
            "thickness {thickness} must be less than the width {width} and the height {height}",
            thickness=thickness,
            width=width,
            height=height,
        )

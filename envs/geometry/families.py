"""Families of random sections: what parts look like, by kind and seed; lengths in metres."""

import math
from collections.abc import Callable

import numpy as np
import shapely
from shapely.geometry import MultiPoint, Polygon

from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs.geometry.polygons import Array, clean, narrowest_gap, thin_place

HELD_OUT = 1_000_000
"""First seed of parts for evaluation alone: nothing is trained or chosen on them."""

FACETS = 12
"""Sides of a circle."""

THINNEST = 0.12
"""Least width of a pin, and of the material between two, in sizes of the section."""

ATTEMPTS = 1000
"""Draws until one can be made."""

Generator = np.random.Generator


def random_section(seed: int, kind: str = "any", size: float = 0.02) -> list[Array]:
    """Draw a random section.

    It is turned by a random angle. A draw that is too thin anywhere is repeated.

    Args:
        seed: Seed of the draw, 0 or more; ``HELD_OUT`` and more are for evaluation alone.
        kind: One of ``KINDS``, or ``any``.
        size: Largest extent along x or y before the turn [m].

    Returns:
        Outlines (N, 2) [m], as ``clean`` returns them.

    Raises:
        ValueError: The kind is unknown, the seed is negative, or no draw can be made.
    """
    if kind != "any" and kind not in KINDS:
        raise InputError(unknown("kind of section", kind, ["any", *KINDS]))
    if seed < 0:
        raise InputError(f"the seed of a section must be 0 or more, got {seed}")
    rng = np.random.default_rng(seed)
    chosen = list(KINDS)[rng.integers(len(KINDS))] if kind == "any" else kind
    for _ in range(ATTEMPTS):
        outlines = KINDS[chosen](rng)
        extent = np.ptp(np.concatenate(outlines), axis=0).max()
        turn = rng.uniform(0.0, 2.0 * math.pi)
        rotation = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        found = clean([size / extent * outline @ rotation for outline in outlines])
        width = THINNEST * size
        if thin_place(found, width) is None and 2.0 * narrowest_gap(found)[0] >= width:
            return list(found)
    raise InputError(f"no section of the kind {chosen!r} was found in {ATTEMPTS} draws with the seed {seed}")


def _ellipse(count: int, start: float = 0.0, ratio: float = 1.0) -> Array:
    angles = start + 2.0 * math.pi * np.arange(count) / count
    return np.column_stack((np.cos(angles), ratio * np.sin(angles)))


def _box(width: float, height: float) -> Array:
    return np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])


def _round(sweep: tuple[float, float], sides: int) -> Array:
    """Points of the unit circle from an angle to another [rad]."""
    angles = np.linspace(*sweep, sides + 1)
    return np.column_stack((np.cos(angles), np.sin(angles)))


def _regular(rng: Generator) -> list[Array]:
    return [_ellipse(int(rng.integers(3, FACETS + 1)))]


def _rectangle(rng: Generator) -> list[Array]:
    return [_box(1.0, rng.uniform(0.3, 1.0))]


def _slot(rng: Generator) -> list[Array]:
    end = _round((-0.5 * math.pi, 0.5 * math.pi), FACETS // 2) + [rng.uniform(0.3, 2.0), 0.0]
    return [np.concatenate((end, -end))]


def _letter_l(rng: Generator) -> list[Array]:
    h, s, t = rng.uniform(0.6, 1.0), rng.uniform(0.25, 0.5), rng.uniform(0.25, 0.5)
    return [np.array([[0, 0], [1, 0], [1, h * t], [s, h * t], [s, h], [0, h]])]


def _letter_t(rng: Generator) -> list[Array]:
    h, bar = rng.uniform(0.6, 1.0), rng.uniform(0.25, 0.45)
    left = rng.uniform(0.15, 0.5)
    right = left + rng.uniform(0.25, 0.45)
    neck = h * (1.0 - bar)
    return [
        np.array([[left, 0], [right, 0], [right, neck], [1, neck], [1, h], [0, h], [0, neck], [left, neck]])
    ]


def _letter_u(rng: Generator) -> list[Array]:
    h, base = rng.uniform(0.6, 1.0), rng.uniform(0.25, 0.45)
    left, right = rng.uniform(0.2, 0.35), 1.0 - rng.uniform(0.2, 0.35)
    b = h * base
    return [np.array([[0, 0], [1, 0], [1, h], [right, h], [right, b], [left, b], [left, h], [0, h]])]


def _cross(rng: Generator) -> list[Array]:
    h, s, t = rng.uniform(0.6, 1.0), rng.uniform(0.12, 0.25), rng.uniform(0.12, 0.25)
    quarter = np.array([[s, -0.5 * h], [s, -t * h], [0.5, -t * h], [0.5, t * h], [s, t * h], [s, 0.5 * h]])
    return [np.concatenate((quarter, -quarter))]


def _d_shaft(rng: Generator) -> list[Array]:
    flat = math.asin(rng.uniform(0.2, 0.8))
    return [_round((math.pi - flat, 2.0 * math.pi + flat), FACETS)]


def _keyed_shaft(rng: Generator) -> list[Array]:
    side, top = rng.uniform(0.2, 0.4), rng.uniform(1.15, 1.5)
    begin = math.acos(side)
    shaft = _round((math.pi - begin, 2.0 * math.pi + begin), FACETS)
    return [np.concatenate((shaft, [[side, top], [-side, top]]))]


def _star(rng: Generator) -> list[Array]:
    points = int(rng.integers(3, 7))
    radii = np.where(np.arange(2 * points) % 2 == 0, 1.0, rng.uniform(0.45, 0.75))
    return [radii[:, None] * _ellipse(2 * points)]


def _trapezoid(rng: Generator) -> list[Array]:
    top, h = rng.uniform(0.3, 0.9), rng.uniform(0.4, 1.0)
    left = rng.uniform(0.0, 1.0 - top)
    return [np.array([[0.0, 0.0], [1.0, 0.0], [left + top, h], [left, h]])]


def _convex(rng: Generator) -> list[Array]:
    hull = MultiPoint(rng.uniform(0.0, 1.0, (9, 2)) * [1.0, rng.uniform(0.5, 1.0)]).convex_hull
    return [np.array(hull.exterior.coords[:-1])]


def _concave(rng: Generator) -> list[Array]:
    count = int(rng.integers(6, 11))
    return [rng.uniform(0.45, 1.0, count)[:, None] * _ellipse(count)]


def _rounded(rng: Generator) -> list[Array]:
    """Another kind of section with round corners on its outside."""
    draw = (_rectangle, _letter_l, _letter_t, _trapezoid)[rng.integers(4)]
    shape, radius = Polygon(draw(rng)[0]), rng.uniform(0.03, 0.07)
    smooth = shape.buffer(-radius, join_style="mitre").buffer(radius, quad_segs=2)
    return [np.array(shapely.get_coordinates(smooth)[:-1])]


def _pins(rng: Generator) -> list[Array]:
    """Two to six pins of one holder, some unlike the others."""
    columns, rows = ((2, 1), (3, 1), (2, 2), (4, 1), (3, 2))[rng.integers(5)]
    unlike = rng.random() < 0.5
    width, height, sides = rng.uniform(0.4, 0.7), rng.uniform(0.4, 0.7), int(rng.integers(4, 7))
    places = [(float(x), float(y)) for y in range(rows) for x in range(columns)]
    if len(places) > 2 and rng.random() < 0.3:
        places.pop(int(rng.integers(len(places))))
    pins = []
    for place in places:
        if unlike and rng.random() < 0.5:
            pins.append(0.5 * rng.uniform(0.5, 0.8) * _ellipse(sides, math.pi / sides) + place)
        else:
            pins.append(_box(width, height) - [0.5 * width, 0.5 * height] + place)
    return pins


def _tube(rng: Generator) -> list[Array]:
    outside, bore = (int(rng.integers(4, 9)) for _ in range(2))
    around = _ellipse(outside, math.pi / outside)
    return [around, rng.uniform(0.45, 0.65) * _ellipse(bore, math.pi / bore)]


KINDS: dict[str, Callable[[Generator], list[Array]]] = {
    "regular": _regular,
    "rectangle": _rectangle,
    "slot": _slot,
    "L": _letter_l,
    "T": _letter_t,
    "U": _letter_u,
    "cross": _cross,
    "D": _d_shaft,
    "keyed": _keyed_shaft,
    "star": _star,
    "trapezoid": _trapezoid,
    "convex": _convex,
    "concave": _concave,
    "rounded": _rounded,
    "pins": _pins,
    "tube": _tube,
}
"""Functions that draw a section of each kind, in any size."""

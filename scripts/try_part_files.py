"""Read generated part files, valid and damaged, and compare with the curves that they were made from.

    python scripts/try_part_files.py [--count 500] [--seed 0] [--keep FOLDER]

Half of the files are valid: the outline must be within 0.2 mm of the curve, both centred, in both directions.
The curves are sampled from their own formulas here, not by the reader. The other half is damaged: one line of
error, or, where bytes were changed at random, an error or a result. No file may take more than a second of a
core. The exit code is 1 if any file fails.
"""

import argparse
import math
import random
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ezdxf
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely.geometry import Polygon

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.files import read_part

Array = NDArray[np.float64]
TOLERANCE, SLOWEST, SAMPLES = 0.2, 1.0, 400
Pick = random.Random


@dataclass
class Piece:
    """Piece of a curve: kind, its control points or centre, and parameters of an arc."""

    kind: str
    points: Array
    arc: tuple[float, float, float, float, float] = (
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
    )  # rx, ry, rotation, start, sweep

    def sampled(self, count: int = SAMPLES) -> Array:
        """Points (count, 2) of the piece, from its first to its last."""
        t = np.linspace(0.0, 1.0, count)[:, None]
        if self.kind == "arc":
            rx, ry, rotation, start, sweep = self.arc
            angle = start + sweep * t[:, 0]
            local = np.column_stack((rx * np.cos(angle), ry * np.sin(angle)))
            return self.points[0] + local @ turn(rotation).T
        n = len(self.points) - 1
        weights = [math.comb(n, k) * t**k * (1.0 - t) ** (n - k) for k in range(n + 1)]
        return np.sum([w * p for w, p in zip(weights, self.points, strict=True)], axis=0)


@dataclass
class File:
    """Generated file.

    Attributes:
        name: Name with its suffix.
        content: Bytes.
        curve: Points (N, 2) [mm] on the curve, dense; None if the file must be refused.
        what: Construct, for messages.
        any_end: True if both a refusal and a result are right.
        beside: Other files that it names.
    """

    name: str
    content: bytes
    curve: Array | None
    what: str
    any_end: bool = False
    beside: dict[str, bytes] = field(default_factory=dict)


def turn(angle: float) -> Array:
    """Matrix (2, 2) of a rotation [rad]."""
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def usable(curve: Array) -> bool:
    """Return True for a simple curve around a section that is nowhere thinner than 2 mm."""
    section = Polygon(curve)
    if not section.is_valid or not 40.0 < section.area < 4e4:
        return False
    opened = section.buffer(-1.0, join_style="mitre", mitre_limit=20.0).buffer(
        1.05, join_style="mitre", mitre_limit=20.0
    )
    return opened.geom_type == "Polygon" and bool(section.difference(opened).area < 1e-3)


def star(pick: Pick, curved: bool) -> list[Piece]:
    """Star-shaped loop of lines, quadratic and cubic curves (many with an inflection)."""
    count = pick.randint(3, 8)
    angles = 2.0 * math.pi * (np.arange(count) + [pick.uniform(0.0, 0.5) for _ in range(count)]) / count
    radii = np.array([pick.uniform(8.0, 20.0) for _ in range(count)])
    corners = radii[:, None] * np.column_stack((np.cos(angles), np.sin(angles))).round(3)
    pieces = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        kind = pick.choice(("line", "quadratic", "cubic", "s")) if curved else "line"
        across = (b - a) @ turn(0.5 * math.pi).T
        inner = {
            "line": [],
            "quadratic": [0.5 * (a + b) + pick.uniform(-0.3, 0.3) * across],
            "cubic": [
                a + (b - a) / 3 + pick.uniform(-0.3, 0.3) * across,
                b - (b - a) / 3 + pick.uniform(-0.3, 0.3) * across,
            ],
            "s": [a + 0.4 * (b - a) + 0.35 * across, b - 0.4 * (b - a) - 0.35 * across],
        }[kind]
        pieces.append(Piece("bezier", np.array([a, *inner, b])))
    return pieces


def rounded(pick: Pick, width: float, height: float, rx: float, ry: float) -> list[Piece]:
    """Rectangle from (0, 0) with elliptic corners."""
    pieces, half_pi = [], 0.5 * math.pi
    centres = ((width - rx, ry), (width - rx, height - ry), (rx, height - ry), (rx, ry))
    for i, centre in enumerate(centres):
        corner = Piece("arc", np.array([centre]), (rx, ry, 0.0, half_pi * (i - 1), half_pi))
        following = Piece("arc", np.array([centres[(i + 1) % 4]]), (rx, ry, 0.0, half_pi * i, half_pi))
        pieces += [corner, Piece("bezier", np.array([corner.sampled(2)[1], following.sampled(2)[0]]))]
    return pieces


def slot(pick: Pick, elliptic: bool) -> list[Piece]:
    """Two lines with an arc at each end; one of them may bend inward or have more than half a turn."""
    length, radius = pick.uniform(8.0, 30.0), pick.uniform(3.0, 8.0)
    ry = radius
    rx = radius * (pick.uniform(0.5, 1.5) if elliptic else 1.0)
    pieces = [
        Piece("bezier", np.array([[0.0, -ry], [length, -ry]])),
        Piece("arc", np.array([[length, 0.0]]), (rx, ry, 0.0, -0.5 * math.pi, math.pi)),
        Piece("bezier", np.array([[length, ry], [0.0, ry]])),
        Piece("arc", np.array([[0.0, 0.0]]), (rx, ry, 0.0, 0.5 * math.pi, math.pi)),
    ]
    if pick.random() < 0.3:  # a keyhole: an arc of more than half a turn
        bigger, half = pick.uniform(1.2, 1.6) * radius, math.asin(1.0 / pick.uniform(1.2, 1.6))
        half = math.asin(radius / bigger)
        centre = [length + bigger * math.cos(half), 0.0]
        pieces[1] = Piece(
            "arc", np.array([centre]), (bigger, bigger, 0.0, -math.pi + half, 2.0 * (math.pi - half))
        )
    return pieces


def loop(pick: Pick) -> list[Piece]:
    """Random loop."""
    kind = pick.randrange(5)
    if kind == 0:
        return star(pick, False)
    if kind in (1, 2):
        return star(pick, True)
    if kind == 3:
        width, height = pick.uniform(8.0, 30.0), pick.uniform(8.0, 30.0)
        r = pick.uniform(0.1, 0.49) * min(width, height)
        return rounded(pick, width, height, r, r)
    return slot(pick, pick.random() < 0.5)


def dense(pieces: list[Piece]) -> Array:
    """Points of a whole loop."""
    return np.concatenate([piece.sampled()[:-1] for piece in pieces])


def moved(points: Array, matrix: Array) -> Array:
    """Map points (N, 2) by an affine matrix (3, 3)."""
    return points @ matrix[:2, :2].T + matrix[:2, 2]


# SVG


def number(pick: Pick, value: float) -> str:
    """Write a number in one of its forms."""
    if pick.random() < 0.1:
        return f"{value:.9e}"
    text = f"{value:.9f}".rstrip("0").rstrip(".")
    if pick.random() < 0.3:
        text = text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
    return text if text not in ("", "-", "-0") else "0"


def path_data(pick: Pick, pieces: list[Piece]) -> str:
    """Write a loop as path data, absolute and relative, with shorthands."""
    at = pieces[0].sampled(2)[0]
    parts = [f"M{number(pick, at[0])},{number(pick, at[1])}"]
    for piece in pieces:
        relative = pick.random() < 0.5
        origin = at if relative else np.zeros(2)
        ends = piece.sampled(3)
        if piece.kind == "arc":
            rx, ry, rotation, _, sweep = piece.arc
            flags = f"{int(abs(sweep) > math.pi)} {int(sweep > 0)}"
            if pick.random() < 0.3:
                flags = flags.replace(" ", "")
            end = ends[-1] - origin
            text = f"{number(pick, rx)} {number(pick, ry)} {number(pick, math.degrees(rotation))} {flags} "
            letter, text = "A", text + f"{number(pick, end[0])} {number(pick, end[1])}"
        else:
            rest = piece.points[1:] - origin
            letter = {1: "L", 2: "Q", 3: "C"}[len(rest)]
            text = pick.choice((" ", ",")).join(number(pick, v) for v in rest.ravel())
        parts.append((letter.lower() if relative else letter) + text)
        at = ends[-1]
    return pick.choice((" ", "\n", "")).join([*parts, pick.choice("zZ")])


def random_transform(pick: Pick) -> tuple[str, Array]:
    """Text and matrix (3, 3) of a transform."""
    matrix = np.eye(3)
    kind = pick.choice(("translate", "scale", "rotate", "rotate about", "skewX", "skewY", "matrix", "mirror"))
    a, b, c = (round(pick.uniform(-15.0, 15.0), 3) for _ in range(3))
    s, t = round(pick.uniform(0.6, 1.6), 3), round(pick.uniform(0.6, 1.6), 3)
    if kind == "translate":
        matrix[:2, 2] = a, b
        return f"translate({a}{pick.choice((' ', ','))}{b})", matrix
    if kind in ("scale", "mirror"):
        s = -s if kind == "mirror" else s
        matrix[0, 0], matrix[1, 1] = s, t
        return f"scale({s} {t})", matrix
    if kind.startswith("rotate"):
        matrix[:2, :2] = turn(math.radians(10.0 * a))
        if kind == "rotate":
            return f"rotate({10.0 * a!r})", matrix
        matrix[:2, 2] = np.array([b, c]) - matrix[:2, :2] @ [b, c]
        return f"rotate( {10.0 * a!r}, {b} {c} )", matrix
    if kind == "matrix":
        matrix[:2] = [[s, 0.2, a], [-0.1, t, b]]
        return f"matrix({s} -0.1 .2 {t},{a},{b})", matrix
    matrix[(0, 1) if kind == "skewX" else (1, 0)] = math.tan(math.radians(a))
    return f"{kind}({a})", matrix


UNITS = {
    "mm": 1.0,
    "cm": 10.0,
    "in": 25.4,
    "pt": 25.4 / 72,
    "pc": 25.4 / 6,
    "Q": 0.25,
    "px": 25.4 / 96,
    "MM": 1.0,
}


def svg_root(pick: Pick) -> tuple[str, float, float]:
    """Attributes of the root, and millimetres per unit along x and y."""
    kind = pick.choice(
        ("none", "viewBox", "both", "width", "height", "aspect", "stretched", "hundred", "same")
    )
    unit = pick.choice(list(UNITS))
    width, height = pick.uniform(20.0, 300.0), pick.uniform(20.0, 300.0)
    k, box = pick.uniform(0.05, 4.0), 'viewBox="-5 -5 {} {}"'
    size = f'width="{width:.6f}{unit}"', f'height="{height:.6f}{unit}"'
    wide, high = UNITS[unit] * round(width, 6), UNITS[unit] * round(height, 6)
    vw, vh = round(wide / k, 6), round(high / k, 6)
    box = f'viewBox="-5 -5 {vw!r} {vh!r}"'
    if kind == "none":
        return "", 1.0, 1.0
    if kind == "viewBox":
        return box, 1.0, 1.0
    if kind == "hundred":
        return f'width="100%" height="100%" {box}', 1.0, 1.0
    if kind == "same":
        return 'width="80" height="40" viewBox="0 0 80 40"', 1.0, 1.0
    if kind == "width":
        return f"{size[0]} {box}", wide / vw, wide / vw
    if kind == "height":
        return f"{size[1]} {box}", high / vh, high / vh
    if kind == "both":
        return f"{size[0]} {size[1]} {box}", *(2 * (min(wide / vw, high / vh),))
    vh = round(pick.uniform(0.6, 1.6) * vh, 6)
    box = f'viewBox="0,0,{vw!r},{vh!r}"'
    if kind == "aspect":
        word = pick.choice(("xMinYMin meet", "xMidYMax slice", "xMaxYMid"))
        factor = (max if "slice" in word else min)(wide / vw, high / vh)
        return f'{size[0]} {size[1]} {box} preserveAspectRatio="{word}"', factor, factor
    return f'{size[0]} {size[1]} {box} preserveAspectRatio="none"', wide / vw, high / vh


def svg_shape(pick: Pick) -> tuple[str, Array, str]:
    """Element without its end, points of its curve in user units, and its kind."""
    kind = pick.choice(("path", "path", "path", "path", "rect", "circle", "ellipse", "polygon", "polyline"))
    x, y, w, h = (round(pick.uniform(8.0, 30.0), 3) for _ in range(4))
    if kind == "path":
        pieces = loop(pick)
        return f'<path d="{path_data(pick, pieces)}"', dense(pieces), kind
    if kind == "rect":
        rx, ry = pick.choice(((0.0, 0.0), (2.0, None), (None, 3.0), (1.5, 2.5), (99.0, 1.0), (99.0, None)))
        attributes = "".join(f' {k}="{v}"' for k, v in (("rx", rx), ("ry", ry)) if v is not None)
        full = (rx if rx is not None else ry or 0.0), (ry if ry is not None else rx or 0.0)
        pieces = rounded(pick, w, h, min(full[0], 0.5 * w), min(full[1], 0.5 * h))
        pieces = [p for p in pieces if np.ptp(p.sampled(3), axis=0).any()]
        text = f'<rect x="{x}" y="{y}px" width="{w}" height="{h}"{attributes}'
        return text, dense(pieces) + [x, y], f"rect{attributes}"
    if kind in ("circle", "ellipse"):
        rx, ry = 0.5 * w, 0.5 * (w if kind == "circle" else h)
        radii = f'r="{rx}"' if kind == "circle" else f'rx="{rx}" ry="{ry}"'
        return (
            f'<{kind} cx="{x}" cy="{y}" {radii}',
            dense([Piece("arc", np.array([[x, y]]), (rx, ry, 0, 0, 2 * math.pi))]),
            kind,
        )
    pieces = star(pick, False)
    corners = [p.points[0] for p in pieces]
    if kind == "polyline":
        corners.append(corners[0])
    text = " ".join(f"{a!r},{b!r}" for a, b in np.array(corners).tolist())
    return f'<{kind} points="{text}"', dense(pieces), kind


SVG_NOISE = (
    "",
    "<title>a part</title><desc>of steel</desc>",
    '<g style="display:none"><rect width="5" height="5"/></g>',
    '<g visibility="hidden"><circle r="5"/></g>',
    '<path d="M0 0h24v24H0z" fill="none"/>',
    '<path d=""/><path d="M 3 3"/><rect width="0" height="5"/>',
    "<defs><rect id='unused' width='9' height='9'/><clipPath id='c'><circle r='9'/></clipPath></defs>",
    "<text x='3' y='4'>20 H7</text>",
    '<sodipodi:namedview xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" id="v"/>',
    "<metadata><rdf xmlns='urn:x'><a/></rdf></metadata>",
    "<style>.none{fill:none}.seen{stroke:#000;stroke-width:.5px}</style><path class='none' d='M0 0h3v3z'/>",
)
SVG_HEADS = (
    "",
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n',
    "<!-- drawn by hand -->",
)


def valid_svg(pick: Pick) -> tuple[str, Array, str]:
    """SVG text, its curve [mm], and its construct."""
    while True:
        root, sx, sy = svg_root(pick)
        shape, curve, kind = svg_shape(pick)
        transforms = [random_transform(pick) for _ in range(pick.randint(0, 3))]
        total = np.eye(3)
        for _, matrix in transforms:
            total = total @ matrix
        shown = moved(curve, np.diag([sx, -sy, 1.0]) @ total)
        k = round(pick.uniform(15.0, 60.0) / float(np.max(np.ptp(shown, axis=0))), 6)
        shown = shown * k
        if usable(shown):
            break
    body = f'{shape} fill="{pick.choice(("#c0c0c0", "none"))}" stroke="black"'
    inner = pick.randint(0, len(transforms))
    own = pick.choice((" ", ", ", "")).join(text for text, _ in transforms[inner:])
    wrapped = pick.choice(("plain", "use", "a", "class"))
    if wrapped == "use":
        x, y = round(pick.uniform(-5, 5), 2), round(pick.uniform(-5, 5), 2)
        href = pick.choice(("href", "xlink:href"))
        body = f'<defs>{body} id="p" transform="{own}"/></defs><use {href}="#p" x="{x}" y="{y}"/>'
    elif wrapped == "a":
        body = f'<a href="http://example.org">{body} transform="{own}"/></a>'
    elif wrapped == "class":
        body = (
            f'{body} class="seen" style="stroke-linejoin:round" transform="{own}"></{shape[1:].split()[0]}>'
        )
    else:
        body = f'{body} transform="{own}"/>'
    for text, _ in reversed(transforms[:inner]):
        body = f'<g transform="{text}">{body}</g>'
    body = f'<g transform="scale({k})">{body}</g>'
    noise = "".join(pick.choice(SVG_NOISE) for _ in range(2))
    if noise.count("id='unused'") > 1:
        noise = ""
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return (
        f"{pick.choice(SVG_HEADS)}<svg {spaces} {root}>{noise}{body}</svg>",
        shown,
        f"{kind}, {root}, {wrapped}",
    )


def svg_file(pick: Pick) -> File:
    """Valid SVG file."""
    text, curve, what = valid_svg(pick)
    return File(pick.choice(("part.svg", "PART.SVG")), text.encode(), curve, what)


S, RECT = '<svg xmlns="http://www.w3.org/2000/svg" {}>{}</svg>', '<rect width="20" height="10"/>'
WRONG_SVG: tuple[tuple[str, str], ...] = (
    ('width="4em" height="4em" viewBox="0 0 20 20"', RECT),
    ('width="100,5mm" viewBox="0 0 20 20"', RECT),
    ('width="50%" viewBox="0 0 20 20"', RECT),
    ('width="-4mm" viewBox="0 0 20 20"', RECT),
    ('width="40mm" viewBox="0 0 20"', RECT),
    ('width="40mm" viewBox="0 0 0 20"', RECT),
    ('width="40mm" viewBox="0 0 20 20" height="40"', RECT),
    ('width="40" viewBox="0 0 400 400"', RECT),
    ('width="40mm" height="20mm" viewBox="0 0 40 40" preserveAspectRatio="middle"', RECT),
    ('style="width:40mm" viewBox="0 0 20 20"', RECT),
    ('viewBox="0 0 20 20"', "<style>svg{width:40mm}</style>" + RECT),
    ("", "<style>@media print{rect{display:none}}</style>" + RECT),
    ("", "<style>g rect{display:none}</style>" + RECT),
    ("", '<rect width="20" height="10" transform="scale(2"/>'),
    ("", '<rect width="20" height="10" transform="rotate(90deg)"/>'),
    ("", '<rect width="20" height="10" transform="scale(0)"/>'),
    ("", '<rect width="20" height="10" transform="scale(2) spin(3)"/>'),
    ("", '<rect width="20" height="10" style="transform:scale(2)"/>'),
    ("", '<g transform-origin="3 3" style="rotate:30deg">' + RECT + "</g>"),
    ("", "<svg x='3'>" + RECT + "</svg>"),
    ("", "<switch>" + RECT + "</switch>"),
    ("", RECT + '<image width="5" height="5" href="a.png"/>'),
    ("", RECT + '<use href="#nothing"/>'),
    ("", RECT + '<use href="other.svg#p"/>'),
    ("", RECT + "<g id='a'><use href='#a'/></g>"),
    ("", '<symbol id="s">' + RECT + '</symbol><use href="#s"/>'),
    ("", '<rect width="20" height="10" clip-path="url(#c)"/>'),
    ("", '<rect width="20" height="10" style="mask:url(#c)"/>'),
    ("", '<rect width="20" height="10" marker-end="url(#c)"/>'),
    ("", '<rect width="20" height="10" opacity="0"/>'),
    ("", '<rect width="20" height="10"><animate attributeName="width" to="9"/></rect>'),
    ("", '<rect width="20" height="10" systemLanguage="de"/>'),
    ("", '<rect width="20mm" height="10mm"/>'),
    ("", '<rect width="-20" height="10"/>'),
    ("", '<rect width="nan" height="10"/>'),
    ("", RECT + RECT),
    ("", RECT + '<circle cx="20" cy="5" r="2"/>'),
    ("", '<path d="M0 0H20V20"/>'),
    ("", '<path d="M0 0H20V20Q"/>'),
    ("", '<path d="M0 0H20V20H0Z 5 5"/>'),
    ("", '<path d="H20V20H0Z"/>'),
    ("", '<path d="M0 0H20V20,H0Z"/>'),
    ("", '<path d="M0 0L20 0 A 5 5 0 2 0 20 20 L 0 20Z"/>'),
    ("", '<path d="M0 0H20V20H0Z nonsense"/>'),
    ("", '<path d="M0 0A5 5 0 1 1 0 0"/>'),
    ("", '<polygon points="0,0 20,0 20"/>'),
    ("", '<polygon points="0,0 20,0 20,x"/>'),
    ("", '<line x1="0" y1="0" x2="20" y2="0"/>' * 3),
    ("", '<circle r="1e14"/>'),
    ("", '<circle r="1e400"/>'),
    ("", '<ellipse rx="1e12" ry="1e12"/>'),
    ("", ""),
    ("", "<script>1</script>" + RECT),
    ("", "<g>" * 2000 + "</g>" * 2000),
    ("", "".join(f"<g id='u{i}'>" + f"<use href='#u{i - 1}'/>" * 10 + "</g>" for i in range(1, 12)) + RECT),
    ("", '<path d="' + "M0 0L1 1" * 20000 + '"/>'),
)
BOMB = "<!DOCTYPE svg [<!ENTITY a 'ha'>{}]><svg xmlns='http://www.w3.org/2000/svg'>&z;</svg>".format(
    "".join(f"<!ENTITY {b} '{10 * f'&{a};'}'>" for a, b in zip("abcdefghi", "bcdefghiz", strict=True))
)


def broken_svg(pick: Pick) -> File:
    """SVG file that is damaged or not understood."""
    kind = pick.randrange(4)
    if kind == 0:
        root, body = pick.choice(WRONG_SVG)
        return File("part.svg", S.format(root, body).encode(), None, f"{root} {body:.60}")
    text, _, what = valid_svg(pick)
    if kind == 1:
        cut = pick.randrange(len(text) - 1)
        return File("part.svg", text.encode()[:cut], None, f"cut at {cut}, {what}")
    if kind == 2 and pick.random() < 0.2:
        return File("part.svg", BOMB.encode(), None, "entities")
    return flipped(pick, "part.svg", text.encode(), what)


def flipped(pick: Pick, name: str, content: bytes, what: str) -> File:
    """File with some bytes changed, removed or repeated."""
    data = bytearray(content)
    for _ in range(pick.randint(1, 8)):
        place = pick.randrange(len(data))
        change = pick.randrange(4)
        if change == 0:
            data[place] = pick.randrange(256)
        elif change == 1:
            del data[place : place + pick.randint(1, 20)]
        elif change == 2:
            data[place:place] = data[place : place + pick.randint(1, 20)]
        else:
            data[place : place + 1] = pick.choice(
                (b"9" * 400, b"nan", b"1e308", b"-", b"\0", b"\xff", b"<", b"\n0\n")
            )
        if not data:
            data = bytearray(b"0")
    return File(name, bytes(data), None, f"bytes changed, {what}", any_end=True)


# DXF

INSUNITS = {
    0: 1.0,
    1: 25.4,
    2: 304.8,
    4: 1.0,
    5: 10.0,
    6: 1e3,
    8: 25.4e-6,
    9: 0.0254,
    10: 914.4,
    13: 1e-3,
    14: 100.0,
}
INSUNITS |= {21: 1200e3 / 3937, 22: 100e3 / 3937, 23: 3600e3 / 3937, 12: 1e-6, 7: 1e6}


def saved(document: Any) -> bytes:
    """Bytes of a DXF document."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.dxf")
        document.saveas(path)
        return path.read_bytes()


def de_boor(control: Array, knots: Array, degree: int, u: float) -> Array:
    """Point of a B-spline, homogeneous coordinates (x w, y w, w)."""
    span = min(int(np.searchsorted(knots, u, side="right")) - 1, len(control) - 1)
    points = [control[j + span - degree].copy() for j in range(degree + 1)]
    for r in range(1, degree + 1):
        for j in range(degree, r - 1, -1):
            low, high = knots[j + span - degree], knots[j + 1 + span - r]
            share = (u - low) / (high - low)
            points[j] = (1.0 - share) * points[j - 1] + share * points[j]
    return points[degree]


def spline_loop(pick: Pick, space: Any) -> tuple[Array, str]:
    """Add a closed B-spline, and return points of its curve."""
    degree = pick.choice((2, 3, 4, 5, 7, 11))
    count = pick.randint(max(6, degree + 1), 14)
    angles = 2.0 * math.pi * np.arange(count) / count
    radii = np.array([pick.uniform(10.0, 20.0) for _ in range(count)])
    ring = radii[:, None] * np.column_stack((np.cos(angles), np.sin(angles)))
    clamped, rational = pick.random() < 0.5, pick.random() < 0.5
    if clamped:
        points = np.vstack((ring, ring[:1]))
        inner = len(points) - degree - 1
        knots = np.concatenate(
            (np.zeros(degree + 1), np.arange(1, inner + 1), np.full(degree + 1, inner + 1.0))
        )
    else:
        points = np.vstack((ring, ring[:degree]))
        knots = np.arange(len(points) + degree + 1, dtype=float)
    weights = np.array([pick.uniform(0.5, 2.0) for _ in points]) if rational else np.ones(len(points))
    if rational and not clamped:
        weights[count:] = weights[:degree]
    spline = space.add_spline(degree=degree)
    spline.control_points = [(*p, 0.0) for p in points.tolist()]
    spline.knots = knots.tolist()
    if rational:
        spline.weights = weights.tolist()
    control = np.column_stack((points * weights[:, None], weights))
    us = np.linspace(knots[degree], knots[len(points)], 3000)[:-1]
    curve = np.array([de_boor(control, knots, degree, u) for u in us])
    return curve[:, :2] / curve[:, 2:], f"spline of degree {degree}, clamped {clamped}, rational {rational}"


def dxf_loop(pick: Pick, space: Any) -> tuple[Array, str]:
    """Add a closed loop to a layout or block, and return points of its curve."""
    kind = pick.choice(
        ("chain", "chain", "lwpolyline", "polyline", "circle", "ellipse", "spline", "spline", "mirrored")
    )
    if kind == "circle":
        r, x, y = pick.uniform(5.0, 15.0), pick.uniform(-9.0, 9.0), pick.uniform(-9.0, 9.0)
        space.add_circle((x, y), r)
        return dense([Piece("arc", np.array([[x, y]]), (r, r, 0, 0, 2 * math.pi))]), kind
    if kind == "ellipse":
        rx, ratio, angle = pick.uniform(8.0, 15.0), pick.uniform(0.4, 1.0), pick.uniform(-3.0, 3.0)
        space.add_ellipse((3, 4), (rx * math.cos(angle), rx * math.sin(angle)), ratio)
        return dense([Piece("arc", np.array([[3.0, 4.0]]), (rx, ratio * rx, angle, 0, 2 * math.pi))]), kind
    if kind == "spline":
        return spline_loop(pick, space)
    pieces = [p for p in loop(pick) if p.kind == "arc" or len(p.points) == 2]
    if kind != "chain":
        while not all(p.kind == "bezier" or p.arc[0] == p.arc[1] for p in pieces) or not closed(pieces):
            pieces = [p for p in loop(pick) if p.kind == "arc" or len(p.points) == 2]
        rows = [(*p.sampled(2)[0], math.tan(0.25 * p.arc[4]) if p.kind == "arc" else 0.0) for p in pieces]
        if kind == "polyline":
            space.add_polyline2d([(x, y) for x, y, _ in rows], format="xy", close=True)
            poly = list(space)[-1]
            for vertex, (_, _, bulge) in zip(poly.vertices, rows, strict=True):
                vertex.dxf.bulge = bulge
            return dense(pieces), kind
        extrusion = (0, 0, -1) if kind == "mirrored" else (0, 0, 1)
        space.add_lwpolyline(rows, format="xyb", close=True, dxfattribs={"extrusion": extrusion})
        return dense(pieces) * [-1.0 if kind == "mirrored" else 1.0, 1.0], kind
    pieces = loop(pick)
    shuffled = pick.sample(pieces, len(pieces))
    for piece in shuffled:
        add_piece(pick, space, piece)
    return dense(pieces), "chain"


def closed(pieces: list[Piece]) -> bool:
    """Return True if each piece begins where the one before ends."""
    ends = [piece.sampled(2) for piece in pieces]
    return bool(ends) and all(
        np.allclose(a[-1], b[0]) for a, b in zip([*ends[-1:], *ends], ends, strict=False)
    )


def add_piece(pick: Pick, space: Any, piece: Piece) -> None:
    """Add one piece as an entity of its own, in either direction."""
    if piece.kind == "arc":
        rx, ry, _, start, sweep = piece.arc
        centre, end = tuple(piece.points[0]), start + sweep
        if rx == ry:
            space.add_arc(centre, rx, math.degrees(start), math.degrees(end))
        elif rx > ry:
            space.add_ellipse(centre, (rx, 0), ry / rx, start, end)
        else:  # the major axis is y: parameters are a quarter of a turn less
            space.add_ellipse(centre, (0, ry), rx / ry, start - 0.5 * math.pi, end - 0.5 * math.pi)
        return
    points = piece.points[:: pick.choice((1, -1))].tolist()
    if len(points) == 2:
        middle = 0.5 * np.add(*points)
        if pick.random() < 0.2:  # with a tiny line in the middle
            step = np.subtract(points[1], points[0])
            tiny = middle + step / np.linalg.norm(step) * pick.choice((0.004, 0.0099))
            space.add_line(points[0], tuple(middle))
            space.add_line(tuple(middle), tuple(tiny))
            space.add_line(tuple(tiny), points[1])
        else:
            space.add_line(points[0], points[1])
        return
    degree = len(points) - 1
    spline = space.add_spline(degree=degree)
    spline.control_points = [(x, y, 0.0) for x, y in points]
    spline.knots = [0.0] * (degree + 1) + [1.0] * (degree + 1)


def valid_dxf(pick: Pick) -> tuple[Any, Array, str]:
    """DXF document, its curve [mm], and its construct."""
    while True:
        document = ezdxf.new(pick.choice(("R2000", "R2010", "R2018")), setup=False)
        space = document.modelspace()
        nested, unit = pick.choice((0, 0, 1, 2, 3)), pick.choice(list(INSUNITS))
        target: Any = space
        total = np.eye(3)
        blocks = [document.blocks.new(f"B{i}", base_point=(i, 2 * i)) for i in range(nested)]
        curve, what = dxf_loop(pick, blocks[-1] if blocks else space)
        for i, block in enumerate(blocks):
            sx, sy, angle = pick.uniform(0.5, 1.5), pick.uniform(0.5, 1.5), pick.uniform(-180.0, 180.0)
            sx = -sx if pick.random() < 0.3 else sx
            x, y = pick.uniform(-20.0, 20.0), pick.uniform(-20.0, 20.0)
            flipped_over = pick.random() < 0.2
            attributes: dict[str, Any] = {"xscale": sx, "yscale": sy, "rotation": angle}
            if flipped_over:
                attributes["extrusion"] = (0, 0, -1)
            target.add_blockref(block.name, (x, y), dxfattribs=attributes)
            matrix = np.eye(3)
            matrix[:2, :2] = turn(math.radians(angle)) @ np.diag([sx, sy])
            matrix[:2, 2] = np.array([x, y]) - matrix[:2, :2] @ [i, 2 * i]
            if flipped_over:
                matrix = np.diag([-1.0, 1.0, 1.0]) @ matrix
            total, target = total @ matrix, block
        curve = moved(curve, total)
        k = pick.uniform(15.0, 60.0) / float(np.max(np.ptp(curve, axis=0)))
        if nested:  # the outermost insertion sets the size
            scale = k / INSUNITS[unit]
            first = next(iter(space))
            first.dxf.xscale, first.dxf.yscale = scale * first.dxf.xscale, scale * first.dxf.yscale
            curve = k * curve
        else:
            unit = 4 if pick.random() < 0.5 else 0
        document.header["$INSUNITS"] = unit
        if usable(curve):
            break
    for _ in range(pick.randint(0, 3)):
        noise = pick.randrange(5)
        if noise == 0:
            space.add_text("20 H7")
        elif noise == 1:
            layer = document.layers.add(f"off{len(space)}")
            layer.off()
            space.add_circle((0, 0), 3, dxfattribs={"layer": layer.dxf.name})
        elif noise == 2:
            layer = document.layers.add(f"frozen{len(space)}")
            layer.freeze()
            space.add_line((0, 0), (3, 3), dxfattribs={"layer": layer.dxf.name})
        elif noise == 3:
            document.layout().add_lwpolyline([(0, 0), (9, 0), (9, 9)], close=True)
        else:
            space.add_point((1, 1))
    return document, curve, f"{what}, {nested} blocks, unit {unit}"


def dxf_file(pick: Pick) -> File:
    """Valid DXF file."""
    document, curve, what = valid_dxf(pick)
    return File(pick.choice(("part.dxf", "PART.DXF")), saved(document), curve, what)


def _frame(space: Any, z: float = 0.0) -> Any:
    return space.add_lwpolyline([(0, 0), (20, 0), (20, 10), (0, 10)], close=True, dxfattribs={"elevation": z})


def _bad_spline(space: Any, **values: Any) -> None:
    spline = space.add_spline(degree=3)
    spline.control_points = [(0, 0, 0), (20, 0, 0), (20, 20, 0), (0, 20, 0), (0, 0, 0)]
    spline.knots = [0, 0, 0, 0, 1, 2, 2, 2, 2]
    for name, value in values.items():
        setattr(spline, name, value)


def _cycle(document: Any) -> None:
    block = document.blocks.new("C")
    block.add_blockref("C", (1, 1))
    document.modelspace().add_blockref("C", (0, 0))


def _xref(document: Any) -> None:
    document.add_xref_def("other.dxf", "X")
    document.modelspace().add_blockref("X", (0, 0))


def _grid(document: Any) -> None:
    _frame(document.blocks.new("G"))
    attributes = {"row_count": 10000, "column_count": 10000, "row_spacing": 1, "column_spacing": 1}
    document.modelspace().add_blockref("G", (0, 0), dxfattribs=attributes)


def _bomb(document: Any) -> None:
    _frame(document.blocks.new("N0"))
    for i in range(1, 12):
        block = document.blocks.new(f"N{i}")
        for _ in range(10):
            block.add_blockref(f"N{i - 1}", (0, 0))
    document.modelspace().add_blockref("N11", (0, 0))


WRONG_DXF: dict[str, Callable[[Any], Any]] = {
    "unit 25": lambda d: (_frame(d.modelspace()), d.header.__setitem__("$INSUNITS", 25)),
    "unit 99": lambda d: (_frame(d.modelspace()), d.header.__setitem__("$INSUNITS", 99)),
    "parsecs": lambda d: (_frame(d.modelspace()), d.header.__setitem__("$INSUNITS", 20)),
    "nothing": lambda d: None,
    "hole as a block": lambda d: (
        _frame(d.modelspace()),
        d.blocks.new("H").add_circle((20, 5), 2),
        d.modelspace().add_blockref("H", (0, 0)),
    ),
    "no such block": lambda d: (_frame(d.modelspace()), d.modelspace().add_blockref("Z", (0, 0))),
    "block in itself": _cycle,
    "reference": _xref,
    "grid": _grid,
    "blocks in blocks": _bomb,
    "raised": lambda d: _frame(d.modelspace(), 5.0),
    "face": lambda d: (_frame(d.modelspace()), d.modelspace().add_3dface([(0, 0), (1, 0), (1, 1)])),
    "solid": lambda d: (_frame(d.modelspace()), d.modelspace().add_solid([(0, 0), (1, 0), (1, 1)])),
    "hatch": lambda d: (_frame(d.modelspace()), d.modelspace().add_hatch()),
    "wipeout": lambda d: (_frame(d.modelspace()), d.modelspace().add_wipeout([(0, 0), (3, 3)])),
    "ray": lambda d: (_frame(d.modelspace()), d.modelspace().add_ray((0, 0), (1, 0))),
    "xline": lambda d: (_frame(d.modelspace()), d.modelspace().add_xline((0, 0), (1, 0))),
    "mline": lambda d: (_frame(d.modelspace()), d.modelspace().add_mline([(0, 0), (9, 0)])),
    "thickness": lambda d: d.modelspace().add_circle((0, 0), 9, dxfattribs={"thickness": 3}),
    "sloping line": lambda d: d.modelspace().add_line((0, 0, 0), (9, 0, 9)),
    "tilted circle": lambda d: d.modelspace().add_circle((0, 0), 9, dxfattribs={"extrusion": (0, 1, 1)}),
    "radius 1e14": lambda d: d.modelspace().add_circle((0, 0), 1e14),
    "radius 0": lambda d: d.modelspace().add_circle((0, 0), 0),
    "radius -3": lambda d: d.modelspace().add_circle((0, 0), -3),
    "ellipse 1e12": lambda d: d.modelspace().add_ellipse((0, 0), (1e12, 0), 0.5),
    "arc to its start": lambda d: d.modelspace().add_arc((0, 0), 9, 30, 30),
    "open": lambda d: d.modelspace().add_lwpolyline([(0, 0), (9, 0), (9, 9)]),
    "gap": lambda d: d.modelspace().add_lwpolyline([(0, 0), (9, 0), (9, 9), (0, 0.5)]),
    "two that cross": lambda d: (_frame(d.modelspace()), d.modelspace().add_circle((20, 5), 2)),
    "twice": lambda d: (_frame(d.modelspace()), _frame(d.modelspace())),
    "crossing": lambda d: d.modelspace().add_lwpolyline([(0, 0), (9, 9), (9, 0), (0, 9)], close=True),
    "fit points": lambda d: d.modelspace().add_spline([(0, 0), (9, 0), (9, 9), (0, 0)]),
    "knots": lambda d: _bad_spline(d.modelspace(), knots=[0, 0, 0, 0, 5, 2, 2, 2, 2]),
    "equal knots": lambda d: _bad_spline(d.modelspace(), knots=[1.0] * 9),
    "too few knots": lambda d: _bad_spline(d.modelspace(), knots=[0, 1, 2]),
    "weights": lambda d: _bad_spline(d.modelspace(), weights=[1, 1, -1, 1, 1]),
    "weight 0": lambda d: _bad_spline(d.modelspace(), weights=[1, 1, 0, 1, 1]),
    "degenerate": lambda d: d.modelspace().add_lwpolyline([(3, 3), (3, 3)], close=True),
    "three lines": lambda d: [d.modelspace().add_line((0, 0), p) for p in ((9, 0), (0, 9), (-9, 0))],
    "many": lambda d: [d.modelspace().add_line((i, 0), (i, 1)) for i in range(4200)],
}


def broken_dxf(pick: Pick) -> File:
    """DXF file that is damaged or not understood."""
    kind = pick.randrange(4)
    if kind < 2:
        what = pick.choice(list(WRONG_DXF))
        document = ezdxf.new(units=4)
        WRONG_DXF[what](document)
        return File("part.dxf", saved(document), None, what)
    document, _, what = valid_dxf(pick)
    content = saved(document)
    if kind == 2:
        cut = pick.randrange(len(content) - 6)
        return File("part.dxf", content[:cut], None, f"cut at {cut}, {what}")
    return flipped(pick, "part.dxf", content, what)


# YAML


def yaml_text(pick: Pick, points: Array) -> str:
    """Polygon as YAML."""
    rows = points.tolist()
    if pick.random() < 0.5:
        return "polygon: [" + ", ".join(f"[{x!r}, {y!r}]" for x, y in rows) + "]\n"
    return "polygon:\n" + "".join(f"  - [{x!r}, {y!r}]  # mm\n" for x, y in rows)


def yaml_file(pick: Pick) -> File:
    """Valid YAML file."""
    lengths = pick.choice(("", "clearance: 0.1\ndepth: 25\n", "chamfer: 0\nlength: 4.0e+1\n"))
    if pick.random() < 0.3:
        make = pick.choice((svg_file, dxf_file))
        drawing = make(pick)
        text = f"outline: {drawing.name}\n{lengths}"
        return File(
            "part.yaml", text.encode(), drawing.curve, drawing.what, beside={drawing.name: drawing.content}
        )
    while True:
        pieces = loop(pick)
        count = pick.choice((1, 1, 5, 40))
        curve = np.concatenate([p.sampled(count + 1)[:-1] for p in pieces])
        sides = np.concatenate(
            [np.linspace(a, b, 60)[:-1] for a, b in zip(curve, np.roll(curve, -1, 0), strict=True)]
        )
        if usable(sides):
            return File(
                pick.choice(("part.yaml", "a.yml", "A.YAML")),
                (yaml_text(pick, curve) + lengths).encode(),
                sides,
                f"{len(curve)} vertices",
            )


POLYGON = "polygon: [[0, 0], [20, 0], [20, 10], [0, 10]]\n"
WRONG_YAML = (
    POLYGON + "depth: 025",
    POLYGON + "depth: 1:30",
    POLYGON + "depth: 1_000",
    POLYGON + "depth: 0x19",
    POLYGON + "depth: 0b11",
    POLYGON + "depth: 0o31",
    POLYGON + "depth: .inf",
    POLYGON + "depth: .nan",
    POLYGON + "depth: yes",
    POLYGON + "depth: '25'",
    POLYGON + "depth: !!int 25",
    POLYGON + "depth: 2026-01-01",
    POLYGON + "depth: " + "9" * 400,
    POLYGON + "depth: [25]",
    POLYGON + "depth:",
    POLYGON + "depth: 25\ndepth: 30",
    POLYGON + POLYGON,
    POLYGON + "---\n" + POLYGON,
    POLYGON + "width: 3",
    POLYGON + "1: 3",
    POLYGON + "? [1]\n: 3",
    POLYGON + "outline: a.svg",
    "outline: a.svg",
    "outline: [a.svg]",
    "outline: ..",
    "polygon: [[0, 0], [20, no], [20, 10], [0, 10]]",
    "polygon: [[0, 0], [20, 0x10], [20, 10], [0, 10]]",
    "polygon: [[0, 0], [20, 0, 1], [20, 10], [0, 10]]",
    "polygon: [[0, 0], [20, 1e400], [20, 10], [0, 10]]",
    "polygon: [[0, 0], [0.02, 0], [0.02, 0.01], [0, 0.01]]",
    "polygon: [[0, 0], [20, 20], [20, 0], [0, 20]]",
    "polygon: [[0, 0], [20, 0]]",
    "polygon: []",
    "polygon: 3",
    "polygons: []",
    "polygons: [[0, 0], [20, 0], [20, 20]]",
    "polygons: [[[0, 0], [20, 0], [20, 10], [0, 10]], [[18, 2], [25, 2], [25, 5]]]",
    POLYGON + "blind: yes",
    POLYGON + "name: 3",
    "polygon:",
    "",
    "- 3",
    "polygon: [[0, 0",
    "\tpolygon: 3",
    "polygon: " + "[" * 5000,
    "polygon: " + "[" * 5000 + "]" * 5000,
    "a: &a [1]\npolygon: *a",
    "a: &a [x, x]\n"
    + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "polygon: [" + "[0, 0], " * 100_000 + "]",
    "%YAML 9.9\n---\n" + POLYGON + "x: \x07",
)


def broken_yaml(pick: Pick) -> File:
    """YAML file that is damaged or not understood."""
    kind = pick.randrange(4)
    if kind < 3:
        text = pick.choice(WRONG_YAML)
        return File("part.yaml", text.encode(), None, f"{text:.70}")
    file = yaml_file(pick)
    damaged = flipped(pick, file.name, file.content, file.what)
    damaged.beside = file.beside
    return damaged


# Comparison


def distance(outline: Array, curve: Array) -> float:
    """Symmetric Hausdorff distance [mm] of two closed lines, each centred on its area centroid."""
    first, second = (p - np.array(Polygon(p).centroid.coords[0]) for p in (outline, curve))

    def sampled(points: Array) -> Array:
        ends = np.roll(points, -1, axis=0)
        counts = np.maximum(1, np.ceil(np.linalg.norm(ends - points, axis=1) / 0.01)).astype(int)
        return np.concatenate(
            [a + (b - a) * np.arange(n)[:, None] / n for a, b, n in zip(points, ends, counts, strict=True)]
        )

    a, b = sampled(first), sampled(second)
    return float(max(cKDTree(b).query(a)[0].max(), cKDTree(a).query(b)[0].max()))


def tried(file: File, folder: Path) -> tuple[str, float, float]:
    """Read a file: a fault or an empty string, the distance [mm] or nan, and the time [s]."""
    for name, content in {**file.beside, file.name: file.content}.items():
        (folder / name).write_bytes(content)
    start = time.process_time()
    error, fields = "", None
    try:
        fields = read_part(folder / file.name)
    except InputError as refusal:
        error = str(refusal)
    except (Exception, RecursionError) as fault:
        return f"{type(fault).__name__}: {fault}", math.nan, time.process_time() - start
    elapsed = time.process_time() - start
    if "\n" in error or (fields is None and not error):
        return f"not one line: {error!r}", math.nan, elapsed
    if elapsed > SLOWEST:
        return f"{elapsed:.1f} s", math.nan, elapsed
    if file.any_end:
        return "", math.nan, elapsed
    if fields is None:
        return (f"refused: {error}" if file.curve is not None else ""), math.nan, elapsed
    if file.curve is None:
        return "accepted", math.nan, elapsed
    away = distance(1e3 * np.array(fields["parameters"]["vertices"]), file.curve)
    return (f"{away:.3f} mm away" if away > TOLERANCE else ""), away, elapsed


MAKERS = {"SVG": (svg_file, broken_svg), "DXF": (dxf_file, broken_dxf), "YAML": (yaml_file, broken_yaml)}


def main() -> int:
    """Try the files, print a table and the faults."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=500, help="number of files")
    parser.add_argument("--seed", type=int, default=0, help="seed of the generator")
    parser.add_argument("--keep", type=Path, help="folder for the files that fail")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: dict[tuple[str, str], list[tuple[str, float, float]]] = defaultdict(list)
    for i in range(options.count):
        pick = random.Random(f"{options.seed} {i}")
        form, broken = list(MAKERS)[i // 2 % 3], i % 2
        file = MAKERS[form][broken](pick)
        with tempfile.TemporaryDirectory() as folder:
            result = tried(file, Path(folder))
        rows[form, ("valid", "damaged")[broken]].append(result)
        if result[0]:
            print(f"file {i} ({form}, {file.what}): {result[0]}", file=sys.stderr)
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{i}-{file.name}").write_bytes(file.content)
    print("| files | | number | failed | largest distance, mm | slowest, s |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for (form, state), results in sorted(rows.items(), reverse=True):
        failed = sum(1 for fault, _, _ in results if fault)
        worst = np.nanmax([0.0, *(away for _, away, _ in results)])
        shown = f"{worst:.3f}" if state == "valid" else ""
        print(
            f"| {form} | {state} | {len(results)} | {failed} | {shown} | {max(t for *_, t in results):.2f} |"
        )
    return int(any(fault for results in rows.values() for fault, _, _ in results))


if __name__ == "__main__":
    sys.exit(main())

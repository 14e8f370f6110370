"""Section of peg and hole from above, a close-up of the gap, and the convex parts of the simulator."""

import colorsys
import math

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from shapely.geometry import MultiPoint, Point
from shapely.geometry.base import BaseGeometry

from assembly_rl.envs.geometry import ConvexPart, PegHole, hole_parts, peg_parts
from assembly_rl.envs.geometry.part import MAX_WALL
from assembly_rl.envs.geometry.polygons import Array, offset, region
from assembly_rl.evaluation.inspection import Inspection
from assembly_rl.reports.drafting import blank, dimension, faint, fill, fine, gap_mark, leader, line, note
from assembly_rl.reports.part_cut import Cut
from assembly_rl.reports.style import BLUE, GREY, INK, PEG, PEG_EDGE, PLATE, PLATE_EDGE, PURPLE, VERMILION

MOUTH = "#e2e6eb"


def draw_section(axes: Axes, found: Inspection, cut: Cut) -> None:
    """Draw peg and hole from above, with the overall dimensions and the narrowest places."""
    blank(axes, "From above: peg (orange) in its hole")
    part = found.part
    _areas(axes, part)
    left, low, right, high = (1e3 * value for value in region(part.peg_outlines).bounds)
    edges = 1e3 * part.plate_outline
    (west, south), (east, north) = edges.min(0).tolist(), edges.max(0).tolist()
    size = max(east - west, north - south)
    _axes_cross(axes, (west, east), (south, north), size)
    below, beside = south - 0.08 * size, west - 0.08 * size
    for x in (left, right):
        faint(axes, (x, low), (x, below - 0.02 * size), "-", GREY)
    for y in (low, high):
        faint(axes, (left, y), (beside - 0.02 * size, y), "-", GREY)
    dimension(axes, (left, below), (right, below), f"{right - left:.2f} mm")
    dimension(axes, (beside, low), (beside, high), f"{high - low:.2f} mm")
    ends = 1e3 * cut.line(0.0)
    ends[:, cut.axis] = (
        (west - 0.02 * size, east + 0.03 * size)
        if cut.axis == 0
        else (south - 0.02 * size, north + 0.03 * size)
    )
    faint(axes, ends[0], ends[1], (0, (10, 3, 2, 3)), PURPLE)
    for end in ends:
        note(axes, end, "A", PURPLE, fontweight="bold")
    axes.set_xlim(west - 0.14 * size, east + 0.12 * size)
    axes.set_ylim(south - 0.12 * size, north + 0.12 * size)
    if found.peg_width < 0.99 * min(right - left, high - low) * 1e-3:
        at = (west + 0.17 * size, south + 0.05 * size)
        _width(axes, 1e3 * found.peg_place, 1e3 * found.peg_width, "peg", BLUE, at)
    if _is_tight(found):
        at = (east - 0.2 * size, south + 0.05 * size)
        _width(axes, 1e3 * found.wall_place, 1e3 * found.wall, "plate", VERMILION, at)
    place, side = gap_place(found)
    half = 500.0 * close_up(part)
    mark = max(half, 0.015 * size)
    x, y = 1e3 * place
    axes.add_patch(
        Rectangle(
            (x - mark, y - mark),
            2.0 * mark,
            2.0 * mark,
            fill=False,
            edgecolor=VERMILION,
            linewidth=1.2,
            zorder=6,
        )
    )
    corner = (west + 0.05 * size, -1.0) if x < -0.05 * size else (east - 0.05 * size, 1.0)
    leader(axes, (x + corner[1] * mark, y + mark), (corner[0], north + 0.08 * size), "close-up", VERMILION)


def draw_gap(axes: Axes, found: Inspection) -> None:
    """Draw the gap between peg and hole from above, to scale."""
    part = found.part
    place, side = gap_place(found)
    size, gap = 1e3 * close_up(part), 1e3 * part.clearance
    blank(axes, "Close-up of the gap, from above")
    _areas(axes, part, 1.2)
    edge = 1e3 * place
    middle = edge + 0.12 * size * side
    along = np.array([-side[1], side[0]])
    at = edge - gap * side
    gap_mark(axes, at, edge, 0.13 * size)
    beside = 0.5 * (at + edge) + 0.26 * size * along
    turned = _text_angle(along)
    note(axes, beside, f"gap {fine(gap)} mm", VERMILION, fontsize=11, fontweight="bold", rotation=turned)
    note(axes, edge - 0.26 * size * side - 0.3 * size * along, "peg", PEG_EDGE, bbox=None, fontsize=11)
    if part.chamfer and 1e3 * part.chamfer < 0.5 * size:
        note(
            axes,
            edge + 0.5e3 * part.chamfer * side - 0.26 * size * along,
            f"chamfer {fine(1e3 * part.chamfer)} mm",
            rotation=turned,
        )
    behind = min(500.0 * part.chamfer + 0.31 * size, 0.55 * size)
    note(axes, edge + behind * side, "plate", INK, bbox=None, fontsize=11)
    axes.set_xlim(middle[0] - 0.5 * size, middle[0] + 0.5 * size)
    axes.set_ylim(middle[1] - 0.5 * size, middle[1] + 0.5 * size)
    words = (
        f"same all around; thinnest place of the plate {1e3 * found.wall:.2f} mm"
        if _is_tight(found)
        else "same all around"
    )
    axes.text(0.5, -0.02, words, transform=axes.transAxes, ha="center", va="top", fontsize=8, color=INK)


def draw_parts(axes: Axes, part: PegHole) -> None:
    """Draw the convex parts of peg and plate from above, in colours."""
    peg, plate = peg_parts(part), hole_parts(part)
    blank(axes, f"Simulated as {len(peg)} + {len(plate)} convex parts (peg + plate)")
    walls = [piece for piece in plate if piece.vertices[:, 2].max() >= 0.0]  # the floor is below them
    for pieces, hue, spread in ((walls, 0.58, 0.16), (peg, 0.09, 0.05)):
        for number, piece in enumerate(pieces):
            fill(axes, _plan(piece), _colour(number, hue, spread), INK, 0.5)
    edges = 1e3 * part.plate_outline
    (west, south), (east, north) = edges.min(0).tolist(), edges.max(0).tolist()
    pad = 0.03 * max(east - west, north - south)
    axes.set_xlim(west - pad, east + pad)
    axes.set_ylim(south - pad, north + pad)


def gap_place(found: Inspection) -> tuple[Array, Array]:
    """Choose the place on the hole's outline for the close-up: at its thinnest wall, or else at the right.

    Returns:
        Place (2,) [m], and the direction (2,) into the plate.
    """
    part = found.part
    starts = np.concatenate(part.hole_outlines)
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in part.hole_outlines])
    vectors = ends - starts
    lengths = np.linalg.norm(vectors, axis=1)
    normals = np.column_stack((vectors[:, 1], -vectors[:, 0])) / lengths[:, None]
    middles = 0.5 * (starts + ends)
    if _is_tight(found):
        hole = shapely.MultiLineString([[*ring, ring[0]] for ring in part.hole_outlines])
        place = min(found.wall_place, key=lambda end: hole.distance(Point(end)))
        distances = [
            shapely.LineString(pair).distance(Point(place)) for pair in zip(starts, ends, strict=True)
        ]
        return place, normals[int(np.argmin(distances))]
    long = lengths > 0.5 * lengths.max()
    best = int(np.argmax(np.where(long, middles[:, 0] + 0.01 * middles[:, 1], -math.inf)))
    return middles[best], normals[best]


def close_up(part: PegHole) -> float:
    """Width [m] of the close-up of the gap."""
    return min(12.0 * part.clearance, max(8.0 * part.clearance, 2.4 * (part.clearance + part.chamfer)))


def _is_tight(found: Inspection) -> bool:
    return found.wall < 0.99 * MAX_WALL


def _areas(axes: Axes, part: PegHole, width: float = 0.8) -> None:
    def scaled(outlines: tuple[Array, ...]) -> BaseGeometry:
        return region([1e3 * outline for outline in outlines])

    mouth = tuple(offset(outline, part.chamfer) for outline in part.hole_outlines)
    hole, plate = scaled(part.hole_outlines), scaled((part.plate_outline,))
    fill(axes, plate.difference(hole), MOUTH if part.chamfer else PLATE, PLATE_EDGE, width)
    if part.chamfer:
        fill(axes, plate.difference(scaled(mouth)), PLATE, PLATE_EDGE, 0.6 * width)
    fill(axes, scaled(part.peg_outlines), PEG, PEG_EDGE, width)


def _axes_cross(axes: Axes, x: tuple[float, float], y: tuple[float, float], size: float) -> None:
    """Draw x and y through the axis of peg and hole."""
    past = 0.07 * size
    for name, start, end in (
        ("x", (x[0] - 0.3 * past, 0.0), (x[1] + past, 0.0)),
        ("y", (0.0, y[0] - 0.3 * past), (0.0, y[1] + past)),
    ):
        faint(axes, start, end)
        line(axes, (0.98 * end[0], 0.98 * end[1]), end, INK, "-|>", 0.6)
        note(
            axes,
            (end[0] + 0.03 * size * (name == "x"), end[1] + 0.03 * size * (name == "y")),
            name,
            bbox=None,
        )


def _width(
    axes: Axes, ends: Array, width: float, name: str, colour: str, text_at: tuple[float, float]
) -> None:
    """Draw the width at a narrow place, if the line across it has it, and lead from there to its text."""
    if abs(math.dist(*ends) - width) > 0.02 * width:
        return
    line(axes, ends[0], ends[1], colour, "<|-|>", 1.1)
    middle = 0.5 * (ends[0] + ends[1])
    leader(axes, tuple(middle.tolist()), text_at, f"{name}: thinnest\n{width:.2f} mm", colour)


def _text_angle(along: Array) -> float:
    return 90.0 - (90.0 - math.degrees(math.atan2(along[1], along[0]))) % 180.0


def _plan(part: ConvexPart) -> BaseGeometry:
    return MultiPoint(1e3 * part.vertices[:, :2]).convex_hull


def _colour(number: int, hue: float, spread: float) -> str:
    share = (0.618 * number) % 1.0
    rgb = colorsys.hls_to_rgb(hue - spread * share, 0.62 + 0.22 * ((0.38 * number) % 1.0), 0.6)
    return "#" + "".join(f"{round(255 * value):02x}" for value in rgb)

"""Vertical cut through peg and plate, and a close-up of the rim."""

import math
from dataclasses import dataclass

import numpy as np
import shapely
from matplotlib.axes import Axes
from shapely.geometry import LineString, MultiPoint, Polygon
from shapely.geometry.base import BaseGeometry

from assembly_rl.envs.geometry import ConvexPart, PegHole, hole_parts, peg_parts
from assembly_rl.envs.geometry.polygons import Array, region
from assembly_rl.reports.drafting import blank, dimension, faint, fill, fine, gap_mark, leader, note
from assembly_rl.reports.style import GREY, INK, PEG, PEG_EDGE, PLATE, PLATE_EDGE, VERMILION

HOLDER = "#dfe3e8"


@dataclass(frozen=True)
class Cut:
    """Vertical plane of a cut.

    Attributes:
        axis: Axis of the hole's frame along the plane: 0 for x, 1 for y.
        offset: Coordinate of the plane on the other axis [m].
    """

    axis: int
    offset: float

    @property
    def towards(self) -> Array:
        """Direction (3,) from the plane to the viewer, for whom the axis runs to the right."""
        return np.array([0.0, -1.0, 0.0]) if self.axis == 0 else np.array([1.0, 0.0, 0.0])

    @property
    def right(self) -> Array:
        """Direction (3,) of the axis."""
        return np.eye(3)[self.axis]

    def line(self, reach: float) -> Array:
        """Ends (2, 2) of the plane's line in the plan, at a distance from the middle."""
        ends = np.full((2, 2), self.offset)
        ends[:, self.axis] = (-reach, reach)
        return ends


def holder_size(part: PegHole) -> tuple[float, float]:
    """Return radius and thickness [m] of the disc that stands for the holder in the picture."""
    return 1.2 * part.circumradius, 0.15 * part.peg_length


def choose_cut(part: PegHole) -> Cut:
    """Choose the cut through most walls of the peg, of several the nearest to the axis; rather along x."""
    section = region(part.peg_outlines)
    reach = 2.0 * part.circumradius
    best, score = Cut(0, 0.0), (0.0, 0.0)
    for axis in (0, 1):
        levels = np.unique(np.concatenate(part.peg_outlines)[:, 1 - axis].round(9))
        middles = (0.5 * (levels[:-1] + levels[1:])).round(9).tolist()
        for offset in middles:
            cut = Cut(axis, offset)
            common = LineString(cut.line(reach)).intersection(section)
            found = (float(_walls(common, 0.05 * reach)), -abs(offset))
            if found > score:
                best, score = cut, found
    return best


def _walls(common: BaseGeometry, least: float) -> int:
    """Number of pieces of a line with gaps of a least length between them."""
    pieces = [piece for piece in shapely.get_parts(common) if piece.length > 0.0]
    ends = sorted((min(piece.coords), max(piece.coords)) for piece in pieces)
    gaps = [math.dist(a[1], b[0]) for a, b in zip(ends, ends[1:], strict=False)]
    return len(ends) - sum(gap < least for gap in gaps)


def slice_of(part: ConvexPart, cut: Cut) -> BaseGeometry:
    """Section of a convex part in the plane of a cut [m]: the cut's axis and z."""
    corners = part.vertices
    distance = corners[:, 1 - cut.axis] - cut.offset
    points = [corners[abs(distance) < 1e-12]]
    for face in part.faces:
        for i, j in zip(face, (*face[1:], face[0]), strict=True):
            if distance[i] * distance[j] < 0.0:
                share = distance[i] / (distance[i] - distance[j])
                points.append((corners[i] + share * (corners[j] - corners[i]))[None])
    return MultiPoint(np.concatenate(points)[:, [cut.axis, 2]]).convex_hull


def _whole(parts: list[ConvexPart], cut: Cut, up: float = 0.0) -> BaseGeometry:
    """Union of the slices [mm], moved up."""
    slices = [piece for piece in (slice_of(part, cut) for part in parts) if piece.geom_type == "Polygon"]
    whole = shapely.union_all(slices, grid_size=1e-9)
    return shapely.transform(whole, lambda points: 1e3 * (points + [0.0, up]))


def draw_cut(axes: Axes, part: PegHole, cut: Cut) -> None:
    """Draw the peg in its hole, cut open, with heights."""
    blank(axes, f"Cut A - A along {'xy'[cut.axis]}: the peg inserted")
    plate, peg = _whole(hole_parts(part), cut), _whole(peg_parts(part), cut, -part.hole_depth)
    depth, floor = 1e3 * part.hole_depth, 1e3 * part.floor
    top = 1e3 * part.peg_length - depth
    radius, thick = (1e3 * value for value in holder_size(part))
    left, _, right, _ = plate.bounds
    left, right = min(left, -radius), max(right, radius)
    fill(axes, plate, PLATE, PLATE_EDGE)
    fill(axes, peg, PEG, PEG_EDGE)
    fill(axes, shapely.box(-radius, top, radius, top + thick), HOLDER, GREY)
    note(axes, (0.0, top + 0.5 * thick), "holder", bbox=None)
    margin = 0.09 * (right - left)
    for z in (0.0, -depth):
        faint(axes, (plate.bounds[0], z), (left - 1.4 * margin, z), "-", GREY)
    dimension(axes, (left - margin, -depth), (left - margin, 0.0), f"hole {depth:g} mm")
    for z in (-depth, top):
        faint(axes, (peg.bounds[2] if z < 0 else radius, z), (right + 1.4 * margin, z), "-", GREY)
    dimension(axes, (right + margin, -depth), (right + margin, top), f"peg {depth + top:g} mm")
    if floor:
        x = 0.5 * (peg.bounds[0] + peg.bounds[2])
        note(axes, (x, -depth - 0.5 * floor), f"floor, {floor:g} mm: the hole is blind", bbox=None)
    else:
        note(axes, (0.5 * (left + right), -depth - 0.8 * margin), "the hole goes through", GREY)
    pad = 2.0 * margin
    axes.set_xlim(left - pad, right + pad)
    axes.set_ylim(-depth - floor - 1.8 * margin, top + thick + 0.5 * margin)


def draw_rim(axes: Axes, part: PegHole) -> None:
    """Draw the rim in a cut across an edge of the hole, with the tip just above it, to scale."""
    gap, chamfer, tip = (1e3 * value for value in (part.clearance, part.chamfer, part.tip_chamfer))
    size = max(10.0 * gap, 3.0 * (chamfer + tip + gap))
    blank(axes, "Close-up of the rim, from the side")
    far, low, above = 2.0 * size, -0.45 * size, 0.12 * size
    rim = [(0.0, -far), (0.0, -chamfer), (chamfer, 0.0), (far, 0.0), (far, -far)]
    side = -gap
    end = [(side, far), (side, above + tip), (side - tip, above), (-far, above), (-far, far)]
    fill(axes, Polygon(rim), PLATE, PLATE_EDGE, 1.2)
    fill(axes, Polygon(end), PEG, PEG_EDGE, 1.2)
    for x in (side, 0.0):
        faint(axes, (x, low), (x, above + tip), (0, (4, 3)), VERMILION)
    y = -0.32 * size
    gap_mark(axes, (side, y), (0.0, y), 0.1 * size)
    note(axes, (side - 0.24 * size, y + 0.05 * size), f"gap {fine(gap)} mm", VERMILION, fontweight="bold")
    if chamfer:
        leader(
            axes, (0.5 * chamfer, -0.5 * chamfer), (0.36 * size, -0.18 * size), f"chamfer\n{fine(chamfer)} mm"
        )
    else:
        leader(axes, (0.0, 0.0), (0.3 * size, 0.16 * size), "sharp edge")
    word = f"tip chamfer\n{fine(tip)} mm" if tip else "sharp edge"
    corner = (side - 0.5 * tip, above + 0.5 * tip)
    leader(axes, corner, (0.28 * size, above + 0.22 * size), word)
    note(axes, (-0.34 * size, above + 0.2 * size), "peg", PEG_EDGE, bbox=None, fontsize=11)
    note(axes, (0.36 * size, -0.38 * size), "plate", INK, bbox=None, fontsize=11)
    axes.set_xlim(-0.5 * size, 0.5 * size)
    axes.set_ylim(-0.45 * size, 0.55 * size)

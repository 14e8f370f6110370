"""Peg above the plate, which is cut open, in three dimensions."""

from math import cos, radians, sin

import numpy as np
from matplotlib.axes import Axes

from assembly_rl.envs.geometry import PegHole, hole_parts, peg_parts
from assembly_rl.envs.geometry.polygons import Array
from assembly_rl.reports.drafting import blank, line, note
from assembly_rl.reports.part_cut import Cut, holder_size
from assembly_rl.reports.solids import Solid, View, picture
from assembly_rl.reports.style import INK, PEG_EDGE, VERMILION

AZIMUTH, ELEVATION = 28.0, 26.0
"""Direction of the view [deg]; the azimuth is to the left or to the right."""

SEEN = 0.1
"""Least cosine of the angle between the direction to the viewer and the normal of a face that is seen."""

PEG, PLATE, CUT, HOLDER = (242, 178, 102), (183, 193, 205), (226, 150, 138), (226, 230, 235)
"""Colours of peg, plate, the faces of its cut, and the holder."""


def draw_scene(axes: Axes, part: PegHole, cut: Cut, pixels: int = 620) -> None:
    """Draw peg and plate with an arrow along the insertion.

    Args:
        axes: Axes.
        part: Part.
        cut: Plane behind which the plate is drawn.
        pixels: Height of the picture.
    """
    blank(axes, "Peg above the plate (cut open)")
    lift = 0.35 * part.peg_length
    up = np.array([0.0, 0.0, lift])
    angles = 2.0 * np.pi * np.arange(48) / 48
    (radius, thick), top = holder_size(part), lift + part.peg_length
    ring = radius * np.column_stack((np.cos(angles), np.sin(angles)))
    disc = np.concatenate([np.column_stack((ring, np.full(48, z))) for z in (top, top + thick)])
    towards, right, azimuth = choose_view(part, cut)
    plane = (towards, float(towards[1 - cut.axis] * cut.offset))
    solids = [
        Solid([piece.vertices for piece in hole_parts(part)], PLATE, plane, CUT),
        Solid([piece.vertices + up for piece in peg_parts(part)], PEG),
        Solid([disc], HOLDER),
    ]
    view = View.of(right, towards, azimuth, ELEVATION)
    corners = [piece.vertices for piece in hole_parts(part)]
    points = view.project(np.concatenate([*corners, disc]))
    (left, bottom, _), (end, high, _) = points.min(0).tolist(), points.max(0).tolist()
    pad = 0.04 * (high - bottom)
    width = max(end - left, 0.8 * (high - bottom)) + 2.0 * pad
    middle = 0.5 * (left + end)
    extent = (middle - 0.5 * width, middle + 0.5 * width, bottom - pad, high + pad)
    tall = extent[3] - extent[2]
    image = picture(solids, view, extent, round(pixels * width / tall), pixels)
    axes.imshow(image, extent=extent, interpolation="antialiased")
    _labels(axes, part, view, extent, lift)


def choose_view(part: PegHole, cut: Cut) -> tuple[Array, Array, float]:
    """Choose from which side of the cut, and from the left or the right, most faces of the peg are seen.

    From the wrong corner an L looks like a block.

    Returns:
        Direction (3,) from the plane to the viewer, direction (3,) to the right, and azimuth [deg].
    """
    edges = np.concatenate([np.roll(outline, -1, axis=0) - outline for outline in part.peg_outlines])
    normals = np.column_stack((edges[:, 1], -edges[:, 0])) / np.linalg.norm(edges, axis=1, keepdims=True)
    turn = radians(AZIMUTH)

    def seen(view: tuple[Array, Array, float]) -> int:
        towards, right, azimuth = view
        front = cos(turn) * towards + np.sign(azimuth) * sin(turn) * right
        return int((normals @ front[:2] > SEEN).sum())

    return max(
        (
            (side * cut.towards, side * cut.right, azimuth)
            for side in (1.0, -1.0)
            for azimuth in (AZIMUTH, -AZIMUTH)
        ),
        key=seen,
    )


def _labels(axes: Axes, part: PegHole, view: View, extent: tuple[float, ...], lift: float) -> None:
    def at(x: float, z: float) -> Array:
        return view.project(x * view.right + np.array([0.0, 0.0, z]))[:2]

    beside = 1.25 * part.circumradius
    start, end = at(beside, lift + 0.55 * part.peg_length), at(beside, 0.6 * lift)  # above the plate
    line(axes, start, end, VERMILION, "-|>", 2.6)
    note(
        axes,
        start + [0.0, 0.02 * (extent[3] - extent[2])],
        "insertion",
        VERMILION,
        fontweight="bold",
        va="bottom",
    )
    note(axes, at(0.0, lift + part.peg_length + holder_size(part)[1]), "holder", INK, bbox=None)
    place = at(-beside, lift + 0.45 * part.peg_length)
    note(axes, place, "peg", PEG_EDGE, fontsize=11, ha="right")
    note(axes, (0.6 * extent[1] + 0.4 * extent[0], extent[2]), "plate, red where it is cut", va="bottom")
    corner = np.array([extent[0], extent[2]]) + 0.09 * (extent[3] - extent[2])
    length = 0.09 * (extent[3] - extent[2])
    for name, axis in zip("xyz", np.eye(3), strict=True):
        tip = corner + length * view.project(axis)[:2]
        line(axes, corner, tip, INK, "-|>", 1.1)
        note(axes, corner + 1.25 * (tip - corner), name, INK, bbox=None)
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])

"""Draw the task for the documentation: frames, dimensions and sections.

Usage: python scripts/draw_task.py [folder, by default docs/images]
"""

import sys
from math import cos, radians, sin
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import MultiPoint

from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.geometry import SECTIONS, hole_parts, peg_parts
from assembly_rl.reports.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PEG,
    PEG_EDGE,
    PLATE,
    PLATE_EDGE,
    PURPLE,
    VERMILION,
    new_figure,
    save,
)

# The cross-section is a schematic: lengths in its own unit, close to a millimetre, small ones exaggerated.
HALF, GAP, CHAMFER, DEPTH, LENGTH, WALL, MARGIN = 10.0, 1.6, 2.2, 25.0, 40.0, 11.0, 2.5
WRONG, TILT = (5.5, 1.5), radians(-6.0)  # error of the estimated hole frame


def main() -> None:
    """Draw everything into one picture."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    figure = new_figure(13.5, 5.7)
    layout = figure.add_gridspec(
        5, 6, width_ratios=(2.35, 2.35, 0.8, 0.8, 0.8, 0.8), height_ratios=(0.01, 1, 1, 1, 1)
    )
    draw_frames(_blank(figure.add_subplot(layout[:, 0]), "Frames and signs"))
    draw_dimensions(_blank(figure.add_subplot(layout[:, 1]), "Dimensions (defaults)"))
    heading = figure.add_subplot(layout[0, 2:])
    heading.set_title("Sections, in convex parts", fontsize=11, color=INK, fontweight="bold")
    heading.axis("off")
    named = (name for name in SECTIONS if not name.startswith("polygon"))
    for index, section in enumerate(named):
        draw_section(figure.add_subplot(layout[1 + index // 4, 2 + index % 4]), section)
    for suffix in (".svg", ".png"):
        save(figure, folder / f"task{suffix}")


def draw_frames(axes: Axes) -> None:
    """Draw the start of an episode: the peg stands on the estimated axis, which is not the true one."""
    _plate(axes)
    tip = _place((0.0, 12.0), WRONG, TILT)
    _peg(axes, tip, TILT)
    path = np.array([_place((0.0, z), WRONG, TILT) for z in (12.0, -DEPTH - 3.0)])
    _arrow(axes, path[0], path[1], PURPLE, style="--")
    axes.text(path[1][0] + 2.0, path[1][1] - 1.0, "nominal path", color=PURPLE, fontsize=9, va="top")
    axes.plot([0.0, 0.0], [-DEPTH - 2.0, 0.0], color=INK, linewidth=0.8, linestyle=(0, (8, 3, 1, 3)))
    _frame(axes, (0.0, 0.0), 0.0, INK, "hole\n(true)", (-5.8, -5.5))
    _frame(axes, WRONG, TILT, PURPLE, "nominal\n(estimated)", (18.0, 6.5))
    _frame(axes, tip, TILT, BLUE, "tip", (-4.2, 3.2))
    flange = _place((0.0, LENGTH), tip, TILT)
    _frame(axes, flange, TILT, GREEN, "flange\nwith sensor", (-26.0, 4.0))
    start, end = (_place((-14.0, z), tip, TILT) for z in (4.0, 16.0))
    _arrow(axes, start, end, VERMILION, width=2.6)
    text = "wrench:\nenvironment\non tool, about\nthe tip, in\nnominal axes"
    axes.text(end[0] - 3.5, end[1], text, color=VERMILION, fontsize=9, ha="right", va="center")
    start, end = (_place((14.0, z), tip, TILT) for z in (26.0, 14.0))
    _arrow(axes, start, end, INK, width=2.6)
    axes.text(
        start[0] + 2.0,
        0.5 * (start[1] + end[1]),
        "action $-z$:\npush into\nthe hole",
        color=INK,
        fontsize=9,
        va="center",
    )


def draw_dimensions(axes: Axes) -> None:
    """Draw the end of an episode: the peg in the hole, with all lengths."""
    part, task = PegHole(), TaskConfig()
    _plate(axes)
    bottom = MARGIN - DEPTH
    _peg(axes, (0.0, bottom), 0.0)
    edge = HALF + GAP
    outside = edge + WALL + 3.0
    _dimension(axes, (-outside, -DEPTH), (-outside, 0.0), f"hole depth\n{1e3 * part.hole_depth:g} mm", "left")
    _dimension(
        axes,
        (outside, bottom),
        (outside, bottom + LENGTH),
        f"peg length\n{1e3 * part.peg_length:g} mm",
        "right",
    )
    _dimension(
        axes, (0.0, -DEPTH), (0.0, bottom), f"goal margin\n{1e3 * task.limits.goal_margin:g} mm", "below"
    )
    for start, end, height in (
        (-edge, edge, -DEPTH),
        (HALF, outside, bottom),
        (HALF, outside, bottom + LENGTH),
    ):
        axes.plot([start, end], [height, height], color=GREY, linewidth=0.8, linestyle=":")
    _label(
        axes,
        (HALF + 0.5 * GAP, -DEPTH + 1.0),
        (edge + 3.0, -DEPTH - 6.0),
        f"clearance\n{1e3 * part.clearance:g} mm",
        "left",
    )
    _label(
        axes,
        (edge + 0.5 * CHAMFER, -0.5 * CHAMFER),
        (edge + 2.0, 7.5),
        f"chamfer\n{1e3 * part.chamfer:g} mm",
        "left",
    )
    axes.text(0.0, bottom + 0.6 * LENGTH, "peg", color=PEG_EDGE, fontsize=11, ha="center")
    axes.text(-edge - 0.5 * WALL, -0.5 * DEPTH, "plate", color=INK, fontsize=11, ha="center")
    axes.text(0.0, -DEPTH - 11.5, "not to scale", color=GREY, fontsize=8.5, ha="center", style="italic")


def draw_section(axes: Axes, section: str) -> None:
    """Draw peg and plate from above, divided into the convex parts that the simulator gets."""
    part = PegHole(section, clearance=4e-4)
    for pieces, colour, edge in ((hole_parts(part), PLATE, PLATE_EDGE), (peg_parts(part), PEG, PEG_EDGE)):
        for piece in pieces:
            hull = MultiPoint(piece.vertices[:, :2]).convex_hull
            axes.add_patch(
                Polygon(np.array(hull.exterior.coords), facecolor=colour, edgecolor=edge, linewidth=0.7)
            )
    name = "circle (16 sides)" if section == "circle" else section
    axes.set_title(name, fontsize=9, color=INK, pad=2)
    axes.set(aspect="equal")
    axes.autoscale_view()
    axes.axis("off")


def _blank(axes: Axes, title: str) -> Axes:
    axes.set_title(title, fontsize=11, color=INK, fontweight="bold")
    axes.set(xlim=(-36.0, 36.0), ylim=(-38.0, 66.0), aspect="equal")
    axes.axis("off")
    return axes


def _place(point: tuple[float, float], origin: ArrayLike, angle: float) -> NDArray[np.float64]:
    """Turn a point by an angle [rad] and move it."""
    x, z = point
    return np.asarray(origin) + (cos(angle) * x - sin(angle) * z, sin(angle) * x + cos(angle) * z)


def _plate(axes: Axes) -> None:
    edge = HALF + GAP
    half = np.array(
        [(edge, -DEPTH), (edge, -CHAMFER), (edge + CHAMFER, 0), (edge + WALL, 0), (edge + WALL, -DEPTH)]
    )
    for sign in (1.0, -1.0):
        axes.add_patch(
            Polygon(half * (sign, 1.0), facecolor=PLATE, edgecolor=PLATE_EDGE, hatch="///", linewidth=1.0)
        )


def _peg(axes: Axes, tip: ArrayLike, angle: float) -> None:
    for half, low, high, colour in ((HALF, 0.0, LENGTH, PEG), (HALF + 5.0, LENGTH, LENGTH + 4.0, "#d5dae1")):
        corners = [(-half, low), (half, low), (half, high), (-half, high)]
        outline = [_place(corner, tip, angle) for corner in corners]
        edge = PEG_EDGE if colour == PEG else PLATE_EDGE
        axes.add_patch(Polygon(outline, facecolor=colour, edgecolor=edge, linewidth=1.2, alpha=0.9))


def _frame(
    axes: Axes, origin: ArrayLike, angle: float, colour: str, name: str, label: tuple[float, float]
) -> None:
    for name_of_axis, direction in (("x", (7.0, 0.0)), ("z", (0.0, 7.0))):
        _arrow(axes, np.asarray(origin), _place(direction, origin, angle), colour, width=1.8)
        x, z = _place((1.22 * direction[0], 1.22 * direction[1]), origin, angle)
        axes.text(x, z, name_of_axis, color=colour, fontsize=8.5, ha="center", va="center")
    axes.plot(*np.asarray(origin), "o", color=colour, markersize=4)
    x, z = np.asarray(origin) + label
    axes.text(x, z, name, color=colour, fontsize=9.5, fontweight="bold", ha="center", va="center")


def _arrow(
    axes: Axes, start: ArrayLike, end: ArrayLike, colour: str, width: float = 1.3, style: str = "-"
) -> None:
    properties = {
        "arrowstyle": "-|>",
        "color": colour,
        "linewidth": width,
        "linestyle": style,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    axes.annotate("", tuple(np.asarray(end)), tuple(np.asarray(start)), arrowprops=properties)


def _dimension(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str, side: str
) -> None:
    axes.annotate(
        "",
        end,
        start,
        arrowprops={"arrowstyle": "<|-|>", "color": INK, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0},
    )
    x, z = 0.5 * (np.array(start) + np.array(end))
    x, z, across, along = {"left": (x - 1, z, "right", "center"), "right": (x + 1, z, "left", "center")}.get(
        side, (x, start[1] - 1.0, "center", "top")
    )
    axes.text(x, z, text, color=INK, fontsize=9, ha=across, va=along)


def _label(
    axes: Axes, point: tuple[float, float], text_at: tuple[float, float], text: str, side: str
) -> None:
    axes.annotate(
        text, point, text_at, color=INK, fontsize=9, va="center", ha=side,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9, "shrinkB": 0},
    )  # fmt: skip


if __name__ == "__main__":
    main()

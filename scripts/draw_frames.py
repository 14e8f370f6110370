"""Draw the controller's frames, names and signs for the documentation.

Usage: python scripts/draw_frames.py [folder, by default docs/images]
"""

import sys
from math import cos, radians, sin
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, Polygon
from numpy.typing import ArrayLike, NDArray

from assembly_rl.reports.style import BLUE, GREEN, GREY, INK, PURPLE, VERMILION, new_figure, save

Point = NDArray[np.float64]

PART, PART_EDGE, TOOL, TOOL_EDGE, ROBOT = "#c3cad3", "#7d8894", "#f2b266", "#a35c00", "#e4e8ed"
WHITE = {"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5}
# A schematic in its own unit, seen along y; offset and tilt are much larger than real ones.
WORLD, NOMINAL, TIP = np.array((-66.0, -30.0)), np.array((0.0, 0.0)), np.array((17.0, 13.0))
TILT, LENGTH, HALF = radians(-12.0), 44.0, 6.5


def main() -> None:
    """Draw the picture."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    figure = new_figure(9.0, 6.1)
    axes = figure.add_subplot()
    axes.set(xlim=(-77.0, 83.0), ylim=(-38.0, 72.0), aspect="equal")
    axes.axis("off")
    sensor = place((0.0, LENGTH), TIP, TILT)
    draw_part(axes)
    draw_robot(axes, sensor)
    draw_frame(axes, WORLD, 0.0, INK, "world (w)", (5.0, -5.0))
    draw_frame(axes, NOMINAL, 0.0, PURPLE, "nominal (n)\naxes of offset, wrench and law", (0.0, -24.5))
    draw_frame(axes, TIP, TILT, BLUE, "tip (t)\ncompliance centre", (-20.5, 10.0))
    draw_frame(axes, sensor, TILT, GREEN, "sensor (s)\nat the flange", (-24.5, 1.0))
    draw_pose(axes, WORLD, NOMINAL, INK, -0.42, "$T_{wn}$: where the task is", (-39.0, 5.5))
    draw_pose(axes, NOMINAL, TIP, PURPLE, -0.3, "$T_{nt}$: offset x", (-8.0, 13.5))
    draw_arm(axes, sensor)
    draw_wrench(axes)
    for suffix in (".svg", ".png"):
        save(figure, folder / f"controllers_frames{suffix}")


def place(point: ArrayLike, origin: Point, angle: float) -> Point:
    """Turn a point by an angle [rad] and move it."""
    x, z = np.asarray(point)
    return origin + (cos(angle) * x - sin(angle) * z, sin(angle) * x + cos(angle) * z)


def draw_part(axes: Axes) -> None:
    """Draw the part to which the nominal frame belongs: a plate with a hole."""
    for left, right in ((-28.0, -9.0), (9.0, 40.0)):
        corners = [(left, -18.0), (left, 0.0), (right, 0.0), (right, -18.0)]
        axes.add_patch(Polygon(corners, facecolor=PART, edgecolor=PART_EDGE, hatch="///", linewidth=1.0))


def draw_robot(axes: Axes, flange: Point) -> None:
    """Draw the tool and a hint of the robot that holds it."""
    joints = np.array([WORLD, (-66.0, 6.0), (-34.0, 60.0), place((0.0, 13.0), flange, TILT), flange])
    axes.plot(*joints.T, color=ROBOT, linewidth=17.0, solid_joinstyle="round", zorder=0)
    for joint in joints[1:-1]:
        axes.add_patch(Circle((joint[0], joint[1]), 2.2, facecolor="white", edgecolor=GREY, zorder=0.5))
    axes.text(-57.0, 33.0, "robot", color=GREY, fontsize=10, rotation=60.0, ha="center", va="center")
    for half, low, high, colour, edge in (
        (HALF, 0.0, LENGTH - 3.0, TOOL, TOOL_EDGE),
        (HALF + 4.0, LENGTH - 3.0, LENGTH, "#d5dae1", PART_EDGE),
    ):
        corners = [(-half, low), (half, low), (half, high), (-half, high)]
        outline = [place(corner, TIP, TILT) for corner in corners]
        axes.add_patch(Polygon(outline, facecolor=colour, edgecolor=edge, linewidth=1.2, alpha=0.9))


def draw_frame(
    axes: Axes, origin: Point, angle: float, colour: str, name: str, label: tuple[float, float]
) -> None:
    """Draw an origin with its x and z axes; y points into the picture."""
    for name_of_axis, direction in (("x", (9.0, 0.0)), ("z", (0.0, 9.0))):
        draw_arrow(axes, origin, place(direction, origin, angle), colour, 1.9)
        x, z = place(1.2 * np.array(direction), origin, angle)
        axes.text(x, z, name_of_axis, color=colour, fontsize=9, ha="center", va="center")
    axes.plot(*origin, "o", color=colour, markersize=4.5)
    x, z = origin + label
    axes.text(x, z, name, color=colour, fontsize=10, fontweight="bold", ha="center", va="center", bbox=WHITE)


def draw_pose(
    axes: Axes, a: Point, b: Point, colour: str, bend: float, text: str, at: tuple[float, float]
) -> None:
    """Draw T_ab as a bent arrow from the origin of a to the origin of b."""
    axes.add_patch(
        FancyArrowPatch(
            (a[0], a[1]), (b[0], b[1]), connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>",
            mutation_scale=11.0, linestyle="--", color=colour, linewidth=1.2, shrinkA=3, shrinkB=3,
        )
    )  # fmt: skip
    axes.text(*at, text, color=colour, fontsize=10, ha="center", va="center")


def draw_arm(axes: Axes, sensor: Point) -> None:
    """Draw the arm from sensor to compliance centre, which is all of T_st here."""
    across = place((15.5, 0.0), np.zeros(2), TILT)
    draw_arrow(axes, sensor + across, TIP + across, GREEN, 1.6)
    for end in (sensor, TIP):
        axes.plot(*np.array([end, end + 1.06 * across]).T, color=GREEN, linewidth=0.8, linestyle=":")
    x, z = 0.45 * sensor + 0.55 * TIP + across + (5.0, 0.0)
    text = "$T_{st}$: arm p from sensor to tip\n(ToolConfig.centre, in sensor axes)\n\n"
    text += "$f = R_{ns}\\,f_s$\n$m = R_{ns}\\,(m_s - p \\times f_s)$"
    axes.text(x, z, text, color=GREEN, fontsize=10, ha="left", va="center")


def draw_wrench(axes: Axes) -> None:
    """Draw force and moment that the environment applies, about the tip."""
    draw_arrow(axes, TIP + (0.0, -13.0), TIP + (0.0, -0.8), VERMILION, 3.0)
    axes.add_patch(
        FancyArrowPatch(
            (TIP[0] + 4.5, TIP[1] - 6.0), (TIP[0] - 4.5, TIP[1] - 6.5), connectionstyle="arc3,rad=-0.75",
            arrowstyle="-|>", mutation_scale=12.0, color=VERMILION, linewidth=2.0,
        )
    )  # fmt: skip
    text = (
        "wrench F = (f, m): what the\nENVIRONMENT applies to the tool,\nabout the tip, in nominal axes.\n"
        "Pressing down gives $f_z > 0$."
    )
    axes.text(43.0, -9.0, text, color=VERMILION, fontsize=10, ha="left", va="center")


def draw_arrow(axes: Axes, start: Point, end: Point, colour: str, width: float) -> None:
    """Draw a straight arrow."""
    properties = {"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (end[0], end[1]), (start[0], start[1]), arrowprops=properties)


if __name__ == "__main__":
    main()

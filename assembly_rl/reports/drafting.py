"""Elements of technical drawings: areas, dimension lines, leaders and frames of axes; millimetres."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from shapely.geometry.base import BaseGeometry

from assembly_rl.envs.geometry.polygons import Array
from assembly_rl.reports.style import INK, VERMILION

SIZE = 8.5
"""Size of the letters [pt]."""

BEHIND_TEXT = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8}

Point = Sequence[float] | Array


def fill(axes: Axes, area: BaseGeometry, colour: str, edge: str = "none", width: float = 0.8) -> None:
    """Fill an area, without its holes."""
    for polygon in shapely.get_parts(area):
        if polygon.geom_type == "Polygon" and not polygon.is_empty:
            rings = [
                Path(np.array(ring.coords), closed=True) for ring in (polygon.exterior, *polygon.interiors)
            ]
            path = Path.make_compound_path(*rings)
            axes.add_patch(PathPatch(path, facecolor=colour, edgecolor=edge, linewidth=width))


def blank(axes: Axes, title: str) -> None:
    """Give axes equal scales, a title, and nothing else."""
    axes.set_title(title, fontsize=10.5, color=INK, fontweight="bold")
    axes.set_aspect("equal", adjustable="box")
    axes.axis("off")


def note(axes: Axes, place: Point, text: str, colour: str = INK, **options: Any) -> None:
    """Write a text with a white ground, centred at a place."""
    own: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": SIZE, "bbox": BEHIND_TEXT, "zorder": 6}
    axes.text(place[0], place[1], text, color=colour, **{**own, **options})


def dimension(axes: Axes, start: Point, end: Point, text: str, colour: str = INK) -> None:
    """Draw a dimension line with its text in the middle, upright beside a steep line."""
    line(axes, start, end, colour, "<|-|>")
    steep = abs(end[1] - start[1]) > abs(end[0] - start[0])
    middle = (0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1]))
    note(axes, middle, text, colour, rotation=90 if steep else 0)


def line(
    axes: Axes, start: Point, end: Point, colour: str = INK, style: str = "-|>", width: float = 0.9
) -> None:
    """Draw an arrow, or with the style ``-`` a line."""
    arrow = {"arrowstyle": style, "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
    axes.annotate(
        "", (end[0], end[1]), (start[0], start[1]), arrowprops=arrow, zorder=5, annotation_clip=False
    )


def leader(axes: Axes, place: Point, text_place: Point, text: str, colour: str = INK) -> None:
    """Write a text with a thin arrow to the place that it is about."""
    line(axes, text_place, place, colour, "-|>", 0.7)
    note(axes, text_place, text, colour)


def faint(axes: Axes, start: Point, end: Point, dashes: Any = (0, (8, 3, 1, 3)), colour: str = INK) -> None:
    """Draw a thin broken line: an axis, a plane of a cut, or an extension to a dimension."""
    axes.plot([start[0], end[0]], [start[1], end[1]], color=colour, linewidth=0.6, linestyle=dashes, zorder=4)


def gap_mark(axes: Axes, start: Point, end: Point, reach: float, colour: str = VERMILION) -> None:
    """Draw two arrows, of a length ``reach``, from outside to both ends of a gap."""
    direction = np.subtract(end, start) / np.hypot(*np.subtract(end, start))
    line(axes, np.subtract(start, reach * direction).tolist(), start, colour, "-|>", 1.4)
    line(axes, np.add(end, reach * direction).tolist(), end, colour, "-|>", 1.4)


def fine(length: float) -> str:
    """Return a small length [mm] as text, with two decimals or three."""
    text = f"{length:.3f}"
    return text[:-1] if text.endswith("0") else text

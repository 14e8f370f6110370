"""Picture of a part before its training."""

from pathlib import Path

import numpy as np
from matplotlib.layout_engine import ConstrainedLayoutEngine

from assembly_rl.evaluation.inspection import Inspection
from assembly_rl.reports.part_cut import choose_cut, draw_cut, draw_rim
from assembly_rl.reports.part_scene import draw_scene
from assembly_rl.reports.part_section import draw_gap, draw_parts, draw_section
from assembly_rl.reports.style import INK, new_figure, save

WIDTH, HEIGHT = 10.67, 8.0
"""Size [inch]: 1600 by 1200 pixels."""


def plot_part(found: Inspection, path: Path) -> None:
    """Draw a part: in three dimensions, from above, in a cut, close up, and in convex parts.

    Args:
        found: Inspection of the part.
        path: File of the picture; its suffix selects the format.
    """
    part, cut = found.part, choose_cut(found.part)
    figure = new_figure(WIDTH, HEIGHT)
    x, y = 1e3 * np.ptp(np.concatenate(part.peg_outlines), axis=0)
    title = f"{part.label}, {x:.3g} x {y:.3g} mm: clearance of {1e3 * part.clearance:g} mm on each side"
    figure.suptitle(title, y=0.985, color=INK, fontsize=14, fontweight="bold").set_in_layout(False)
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0.0, 0.0, 1.0, 0.955))
    grid = figure.add_gridspec(2, 3, width_ratios=(1.0, 1.15, 0.95), height_ratios=(1.1, 1.0))
    draw_scene(figure.add_subplot(grid[0, 0]), part, cut)
    draw_section(figure.add_subplot(grid[0, 1]), found, cut)
    draw_gap(figure.add_subplot(grid[0, 2]), found)
    draw_cut(figure.add_subplot(grid[1, 0]), part, cut)
    draw_parts(figure.add_subplot(grid[1, 1]), part)
    draw_rim(figure.add_subplot(grid[1, 2]), part)
    save(figure, path)

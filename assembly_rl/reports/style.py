"""Colours, axes and files common to all pictures."""

from pathlib import Path
from typing import Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from assembly_rl.controllers.insertion.phases import Phase

# Palette of Okabe and Ito, which colour-blind people can distinguish.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#A5528A", "#56B4E9",
)  # fmt: skip
INK, GREY, LIGHT = "#2c3440", "#8a93a0", "#d5dae1"
PEG, PEG_EDGE, PLATE, PLATE_EDGE = "#f2b266", "#a35c00", "#c3cad3", "#7d8894"
Place = Literal["upper left", "upper right", "lower left", "lower right"]
XYZ = (BLUE, VERMILION, GREEN)
PHASE_COLOURS = {
    Phase.approach: "#e3e7ec", Phase.search: "#fbe3b5", Phase.insert: "#cfe5f7", Phase.recover: "#f4bfa6",
    Phase.align: "#e0cfe9", Phase.level: "#d3ead9",
}  # fmt: skip
"""Background colours of the phases of a supervised insertion."""


def new_figure(width: float, height: float, dpi: float = 150.0) -> Figure:
    """Create an empty figure with its own canvas, without changes to global state.

    Args:
        width: Width [inch].
        height: Height [inch].
        dpi: Resolution [pixels per inch].
    """
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def tidy(axes: Axes, ylabel: str, xlabel: str = "") -> Axes:
    """Label axes, draw a faint grid, and remove the frame's upper and right side."""
    axes.set_ylabel(ylabel, color=INK)
    axes.set_xlabel(xlabel, color=INK)
    axes.grid(color=LIGHT, linewidth=0.6, alpha=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=9)
    return axes


def legend(axes: Axes, columns: int = 3, place: Place = "upper left") -> None:
    """Draw a compact legend."""
    axes.legend(
        loc=place, ncols=columns, fontsize=8, framealpha=0.85, edgecolor="none",
        handlelength=1.2, columnspacing=1.0, borderpad=0.3,
    )  # fmt: skip


def save(figure: Figure, path: Path) -> None:
    """Write a figure; the suffix of the path selects the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with rc_context({"svg.hashsalt": "assembly_rl"}):  # equal pictures give equal files
        figure.savefig(path, metadata=metadata)

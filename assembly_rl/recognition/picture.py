"""Picture of what a recogniser takes for what."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assembly_rl.reports.style import GREY, INK, new_figure, save

WORDS = (
    "free,\nno contact",
    "on the rim,\nat one place",
    "on the rim,\nalong an edge",
    "in the hole,\none side or free",
    "in the hole,\ntwo sides",
    "jammed\nin the hole",
    "at the\nbottom",
)
"""Words for the contact states."""


def draw_confusion(shares: NDArray[np.float64], counts: NDArray[np.int64], path: Path) -> None:
    """Draw a table of the share of each recognised state (columns) in each true state (rows).

    Args:
        shares: Shares (7, 7), nan in the row of a state that does not occur.
        counts: Moments in each true state (7,).
        path: File of the picture.
    """
    count = len(shares)
    figure = new_figure(8.6, 6.2)
    axes = figure.add_subplot()
    axes.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    for row in range(count):
        for column in range(count):
            value = 100.0 * shares[row, column]
            if np.isfinite(value) and value >= 0.5:
                axes.text(
                    column, row, f"{value:.0f} %", ha="center", va="center", fontsize=11,
                    color="white" if value > 55.0 else INK,
                    fontweight="bold" if row == column else "normal",
                )  # fmt: skip
    axes.set_xticks(range(count), WORDS, fontsize=8.5, color=INK)
    axes.set_yticks(range(count), WORDS, fontsize=8.5, color=INK)
    twin = axes.secondary_yaxis("right")
    twin.set_yticks(range(count), [f"{number:,}" for number in counts], fontsize=8.5, color=GREY)
    twin.set_ylabel("moments in this state", color=GREY)
    axes.set_xlabel("what the recogniser says", color=INK, fontsize=11)
    axes.set_ylabel("what is true", color=INK, fontsize=11)
    axes.xaxis.set_label_position("top")
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    twin.tick_params(length=0)
    twin.spines[:].set_visible(False)
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2.0)
    for edge in (0.5, 2.5):  # free, rim, hole
        axes.axhline(edge, color=INK, linewidth=1.2)
        axes.axvline(edge, color=INK, linewidth=1.2)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    save(figure, path)

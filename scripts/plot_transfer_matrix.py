"""Success of each source on each target of a transfer, before its training and after.

    python scripts/plot_transfer_matrix.py docs/studies/transfer_matrix

Writes ``matrix.png`` beside the rows that it reads: the first validation, with the reconfigured law, and the
last one, of the same episodes.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
from matplotlib.axes import Axes
from numpy.typing import NDArray

from assembly_rl.reports.style import INK, new_figure, save

PARTS = ("square", "triangle", "L", "pentagon", "16-gon", "1.5 times as large")
"""Names of the sources in the methods; the targets are in the same order."""


def target(condition: str) -> str:
    """Part of a condition of the study: ``to, <section>, <clearance>``, but for the large one."""
    label, section, _ = condition.split(", ")
    return {"to": section}.get(label, label.removeprefix("to ")).replace("circle", "16-gon")


def read(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], int, int]:
    """Read the validations of a study.

    Returns:
        Success of shape (sources, targets) before and after, the fewest transfers of a field, and the number
        of their steps.
    """
    rows = pyarrow.parquet.read_table(folder / "validations.parquet").to_pylist()
    steps = max(row["step"] for row in rows)
    found: dict[tuple[str, str, int], list[float]] = {}
    for row in rows:
        found.setdefault((*_field(row), row["step"]), []).append(row["success"])
    before, after = (
        np.array([[np.mean(found.get((one, other, step), [np.nan])) for other in PARTS] for one in PARTS])
        for step in (0, steps)
    )
    return before, after, min(map(len, found.values())), steps


def _field(row: dict[str, str]) -> tuple[str, str]:
    return row["method"].removeprefix("from "), target(row["condition"])


def draw(axes: Axes, success: NDArray[np.float64], limits: tuple[float, float], title: str) -> None:
    """Draw a matrix with its numbers.

    Args:
        axes: Axes to draw in.
        success: Success of shape (sources, targets), nan where there is none.
        limits: Values of the lightest and the darkest colour.
        title: Title above the matrix.
    """
    axes.imshow(success, cmap="Blues", vmin=limits[0], vmax=limits[1])
    for (row, column), value in np.ndenumerate(success):
        axes.text(
            column, row, "–" if np.isnan(value) else f"{100 * value:.0f}", ha="center", va="center",
            color="white" if value > np.mean(limits) else INK, fontsize=10,
            fontweight="bold" if row == column else "normal",
        )  # fmt: skip
    axes.set_title(title, color=INK, fontsize=11)
    axes.set_xticks(range(len(PARTS)), PARTS, rotation=30, ha="right")
    axes.set_yticks(range(len(PARTS)), PARTS)
    axes.set_xlabel("to", color=INK)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)


def main() -> None:
    """Read the rows and draw both matrices."""
    folder = Path(sys.argv[1])
    before, after, runs, steps = read(folder)
    figure = new_figure(10.5, 5.4)
    left, right = figure.subplots(1, 2, sharey=True)
    limits = np.floor(10 * np.nanmin([before, after])) / 10, np.ceil(10 * np.nanmax([before, after])) / 10
    draw(left, before, limits, "before training, with ETCL")
    draw(right, after, limits, f"after {steps} steps")
    left.set_ylabel("from", color=INK)
    figure.suptitle(
        f"Success [%], mean of {runs} sources, same episodes; bold: the source's own part",
        color=INK,
        fontsize=12,
    )
    save(figure, folder / "matrix.png")


if __name__ == "__main__":
    main()

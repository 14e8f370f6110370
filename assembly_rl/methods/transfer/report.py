"""Display of a transfer: tables and a picture."""

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import PercentFormatter
from rich import box
from rich.table import Table

from assembly_rl.evaluation import VALIDATION_SEED, Summary
from assembly_rl.methods.transfer.comparison import Step, change
from assembly_rl.reports.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    new_figure,
    save,
    tidy,
)

COLOURS = (BLUE, ORANGE, VERMILION, GREEN)


def source_table(paths: Sequence[str], distances: Sequence[float], best: int) -> Table:
    """Return a table of the sources, the distances of their contacts to the new one, and the choice."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    for name in ("source", "distance of its contact", ""):
        table.add_column(name)
    for number, (path, distance) in enumerate(zip(paths, distances, strict=True)):
        table.add_row(path, f"{distance:.2f}", "taken: nearest" if number == best else "")
    table.caption = (
        "Distance: root of the summed squared logarithms of the ratios of their principal stiffnesses."
    )
    return table


def transfer_table(
    steps: Sequence[Step], best: int, final: Summary, others: Mapping[str, Mapping[str, Any]]
) -> Table:
    """Return a table of all steps on the same episodes, and of the best one on held-out episodes.

    Args:
        steps: Steps, in order.
        best: Index of the step that is kept.
        final: Result of that step on held-out episodes.
        others: Name -> result on held-out episodes of a controller for comparison.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column("step")
    for name in ("samples", "success, 95 %", "time [s]", "force [N]"):
        table.add_column(name, justify="right")
    table.add_column("")
    for number, step in enumerate(steps):
        note = ""
        if number:
            verdict, p = change(steps[number - 1], step)
            note = f"{verdict} (p = {p:.2g})"
        if number == best:
            note = f"{note}; kept" if note else "kept"
        table.add_row(step.name, str(step.samples), *_numbers(step.summary), note)
    table.add_section()
    table.add_row("held-out episodes", "", *_numbers(final), "what was kept")
    for name, known in others.items():
        summary = Summary(**known)
        table.add_row(f"  {name}", "", *_numbers(summary), "at the same budget")
    table.caption = (
        "Medians over episodes; force: largest. Samples: policy steps on the new part, probing included."
    )
    return table


def _numbers(summary: Summary) -> list[str]:
    low, high = summary.interval
    time = "-" if isnan(summary.time) else f"{summary.time:.2f}"
    return [f"{summary.success:.0%} ({low:.0%} to {high:.0%})", time, f"{summary.peak_force:.1f}"]


def plot_transfer(
    curves: Mapping[str, Sequence[tuple[float, ...]]], source: Summary, path: Path, title: str
) -> None:
    """Plot the validation success over samples on the new part, for each variant.

    Args:
        curves: Name -> (samples, success, low, high) of each validation, with its 95 % interval.
        source: Result of the source's controller, unchanged, on the episodes of the validations.
        path: File of the picture.
        title: Title of the picture.
    """
    figure = new_figure(8.0, 4.4)
    figure.suptitle(title, color=INK, fontsize=13, fontweight="bold")
    axes = figure.add_subplot()
    first, last = VALIDATION_SEED, VALIDATION_SEED + source.episodes - 1
    tidy(axes, f"success on the same {source.episodes} episodes")
    axes.set_title(f"validation episodes {first} to {last}, bands: 95 % interval", fontsize=9, color=INK)
    axes.axhline(source.success, color=GREY, linestyle="--", linewidth=1.2, label="source as it is")
    widths = np.linspace(1.5 + len(curves), 2.0, len(curves))  # lines of equal values are all seen
    for (name, points), colour, width in zip(curves.items(), COLOURS, widths, strict=False):
        samples, success, low, high = zip(*points, strict=True)
        axes.fill_between(samples, low, high, color=colour, alpha=0.12, linewidth=0)
        axes.plot(samples, success, "o-", color=colour, markersize=2.0 + width, linewidth=width, label=name)
    axes.set_xlabel("policy steps on the new part", color=INK)
    axes.set_xlim(left=0.0)
    axes.set_ylim(-0.02, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    figure.legend(loc="outside lower center", ncols=len(curves) + 1, frameon=False, fontsize=9)
    save(figure, path)

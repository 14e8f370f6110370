"""Learning curve of a training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from assembly_rl.reports.style import BLUE, GREY, INK, PURPLE, VERMILION, legend, new_figure, save, tidy

Rows = Sequence[Mapping[str, Any]]

WINDOW = 100
"""Number of training episodes in the moving average."""


def plot_learning_curve(evaluations: Rows, episodes: Rows, path: Path, title: str, stages: Rows = ()) -> None:
    """Draw success, insertion time and peak force over the environment steps of a training.

    Args:
        evaluations: Rows with ``step``, ``success``, ``low``, ``high`` (its 95 % Wilson interval), ``time``
            (median of the insertions [s], nan without any) and ``peak_force`` (median [N]).
        episodes: Rows of the training episodes with ``step`` and ``success``.
        path: File of the picture; its suffix selects the format.
        title: Title of the picture.
        stages: Rows with ``step`` and ``dimensions`` of the stages of a growing action dimension.
    """
    figure = new_figure(10.0, 4.2)
    figure.suptitle(title, color=INK, fontsize=13, fontweight="bold")
    layout = figure.add_gridspec(2, 2, width_ratios=(1.7, 1.0))
    success = figure.add_subplot(layout[:, 0])
    time = figure.add_subplot(layout[0, 1], sharex=success)
    force = figure.add_subplot(layout[1, 1], sharex=success)
    _draw_success(success, evaluations, episodes)
    _draw_median(time, evaluations, "time", "insertion time [s]", VERMILION)
    _draw_median(force, evaluations, "peak_force", "peak force [N]", PURPLE)
    time.tick_params(labelbottom=False)
    for axes in (success, force):
        axes.set_xlabel("environment steps", color=INK)
    success.xaxis.set_major_formatter(EngFormatter(sep=""))
    success.xaxis.set_major_locator(MaxNLocator(5))
    for axes in (success, time, force):
        _draw_stages(axes, stages, named=axes is success)
    steps = [*_column(evaluations, "step"), *_column(episodes, "step")]
    success.set_xlim(0.0, 1.02 * max([1.0, *steps]))
    save(figure, path)


def _draw_success(axes: Axes, evaluations: Rows, episodes: Rows) -> None:
    tidy(axes, "success")
    steps, outcomes = _column(episodes, "step"), _column(episodes, "success")
    if len(outcomes):
        window = min(WINDOW, 1 + len(outcomes) // 4)  # a mean of all would be a line without length
        average = np.convolve(outcomes, np.full(window, 1.0 / window), "valid")
        label = f"training, mean of {window} episodes"
        axes.plot(steps[window - 1 :], average, color=GREY, linewidth=1.0, alpha=0.8, label=label)
    step, rate = _column(evaluations, "step"), _column(evaluations, "success")
    low, high = _column(evaluations, "low"), _column(evaluations, "high")
    if len(step) == 1:  # a band without width would be invisible
        axes.errorbar(step, rate, [rate - low, high - rate], color=BLUE, alpha=0.5, capsize=4, linewidth=2.0)
    axes.fill_between(step, low, high, color=BLUE, alpha=0.2, linewidth=0.0, label="95 % Wilson interval")
    axes.plot(
        step, rate, "o-", color=BLUE, markersize=4, linewidth=2.0, label="validation, deterministic policy"
    )
    good = not len(rate) or rate[-1] > 0.5
    if len(step):
        beside, place = (-6.0, "top") if good else (6.0, "bottom")
        axes.annotate(
            f"{rate[-1]:.0%}", (step[-1], rate[-1]), (0.0, beside), textcoords="offset points", color=BLUE,
            ha="right", va=place, fontweight="bold",
        )  # fmt: skip
    axes.set_ylim(-0.02, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    legend(axes, columns=1, place="lower right" if good else "upper left")


def _draw_median(axes: Axes, evaluations: Rows, name: str, ylabel: str, colour: str) -> None:
    tidy(axes, ylabel)
    values = _column(evaluations, name)
    axes.plot(_column(evaluations, "step"), values, "o-", color=colour, markersize=3, linewidth=1.6)
    if np.isfinite(values).any():
        axes.set_ylim(0.0, 1.15 * float(np.nanmax(values)))
    else:
        axes.set_yticks([])
        if len(values):
            axes.text(0.5, 0.5, "no success", color=GREY, ha="center", va="center", transform=axes.transAxes)


def _draw_stages(axes: Axes, stages: Rows, named: bool) -> None:
    for row in stages:
        step = float(row["step"])
        axes.axvline(step, color=INK, linestyle=":", linewidth=1.0, alpha=0.8)
        if named:
            note = f" {float(row['dimensions']):.0f}-D"
            axes.text(step, 0.5, note, color=INK, fontsize=8, va="center", fontweight="bold")


def _column(rows: Rows, name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows], dtype=np.float64)

"""Pictures of a study: learning curves, performance profiles, and estimates with intervals."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter, StrMethodFormatter
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from assembly_rl.controllers.validation import InputError
from assembly_rl.reports import style
from assembly_rl.reports.style import BLUE, GREY, INK, new_figure, save, tidy
from assembly_rl.studies.config import MOST_METHODS
from assembly_rl.studies.statistics import bootstrap_band, finite_array, interquartile_mean

Curve = tuple[ArrayLike, ArrayLike]
Triple = tuple[float, float, float]

BROWN = "#7a4a2b"
COLOURS = (BLUE, style.VERMILION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY, INK, GREY, BROWN)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
assert len(COLOURS) == len(MARKERS) == MOST_METHODS
SEED = 0
"""Seed of the bootstrap, so that equal data give equal pictures."""


def plot_learning_curves(
    curves: Mapping[str, Mapping[str, Curve]],
    label: str,
    path: Path,
    levels: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Draw a metric over the environment steps, first for all conditions together, then for each one.

    A line is the interquartile mean of the runs, its band the 95 % stratified bootstrap interval. The line
    has a gap where a run has no value (nan, such as its time without a success), because the mean of the
    other runs would be biased.

    Args:
        curves: Method -> condition -> steps, and values of shape (runs, steps). The steps of a method are
            equal under all conditions.
        label: Name of the metric on its axis.
        path: File of the picture; its suffix selects the format.
        levels: Method that does not learn -> condition -> value, drawn as a dashed line.
    """
    levels = levels or {}
    conditions = _conditions({**curves, **levels})
    rows = -(-len(conditions) // 3)
    columns = -(-len(conditions) // rows)
    rows = rows if len(conditions) > 1 else 0
    figure = new_figure(10.0, 3.6 + 1.7 * rows)
    layout = figure.add_gridspec(1 + rows, columns, height_ratios=[2.2] + [1.0] * rows)
    together = tidy(figure.add_subplot(layout[0, :]), label, "environment steps")
    together.set_title(f"all {len(conditions)} conditions" if rows else conditions[0], color=INK, loc="left")
    note = "interquartile mean of runs, 95 % bootstrap interval"
    together.set_title(note, color=GREY, fontsize=9, loc="right")
    for look, (method, curve) in enumerate(curves.items()):
        _draw_curve(together, method, curve, look)
    _draw_levels(together, levels, conditions)
    for k, condition in enumerate(conditions if rows else []):
        place = layout[1 + k // columns, k % columns]
        axes = tidy(figure.add_subplot(place, sharex=together, sharey=together), "")
        axes.set_title(condition, color=INK, fontsize=9, loc="left")
        axes.tick_params(labelsize=8, labelleft=k % columns == 0, labelbottom=k + columns >= len(conditions))
        for look, (method, curve) in enumerate(curves.items()):
            _draw_curve(axes, method, {condition: curve[condition]}, look, size=0.6)
        _draw_levels(axes, levels, [condition], size=0.6)
    together.set_xlim(left=0.0)
    together.xaxis.set_major_formatter(EngFormatter(sep=""))
    together.xaxis.set_major_locator(MaxNLocator(6))
    _name_ends(together)
    save(figure, path)


def plot_performance_profile(scores: Mapping[str, Mapping[str, ArrayLike]], label: str, path: Path) -> None:
    """Draw the share of runs whose score is above tau, over tau, with a 95 % stratified bootstrap band.

    Args:
        scores: Method -> condition -> one score per run; larger is better.
        label: Name of the score on its axis.
        path: File of the picture; its suffix chooses the format.
    """
    _conditions(scores)
    runs = {
        method: {name: finite_array(f"{method!r}, {name!r}", values)[:, None] for name, values in of.items()}
        for method, of in scores.items()
    }
    levels = np.unique(np.concatenate([values for of in runs.values() for values in of.values()]))
    levels = np.append(levels[0] - 0.03 * (np.ptp(levels) or 1.0), levels)
    figure = new_figure(10.0, 4.2)
    axes = tidy(figure.add_subplot(), "share of runs above", label)
    for look, (method, of) in enumerate(runs.items()):
        above = {name: values > levels for name, values in of.items()}
        share, low, high = bootstrap_band(above, np.random.default_rng(SEED), np.mean)
        axes.fill_between(levels, low, high, step="post", color=COLOURS[look], alpha=0.12, linewidth=0.0)
        axes.plot(
            levels, share, drawstyle="steps-post", color=COLOURS[look], linewidth=2.0, marker=MARKERS[look],
            markevery=max(1, len(levels) // 8), label=method,
        )  # fmt: skip
    axes.set_ylim(-0.02, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title("95 % bootstrap interval", color=GREY, fontsize=9, loc="right")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9, labelcolor=INK)
    save(figure, path)


def plot_intervals(
    estimates: Mapping[str, Triple], label: str, path: Path, reference: float | None = None
) -> None:
    """Draw estimates and their intervals, the largest on top.

    Args:
        estimates: Name -> value, low and high. For a value of nan only the name is drawn; an infinite end of
            an interval is an arrow.
        label: Name of the value on its axis.
        path: File of the picture; its suffix chooses the format.
        reference: Value of a reference line, such as no difference.
    """
    names = sorted(estimates, key=lambda name: (np.isnan(estimates[name][0]), -estimates[name][0]))
    numbers = np.array([*estimates.values(), 3 * (reference,)], dtype=np.float64)
    finite = numbers[np.isfinite(numbers)] if np.isfinite(numbers).any() else np.array([0.0, 1.0])
    span = float(np.ptp(finite)) or 1.0
    margin, decimals = 0.06 * span, int(np.clip(np.floor(2.0 - np.log10(span)), 0, 9))
    left, right = finite.min() - margin, finite.max() + margin
    figure = new_figure(10.0, 1.0 + 0.34 * len(names))
    axes = tidy(figure.add_subplot(), "", label)
    if reference is not None:
        axes.axvline(reference, color=GREY, linestyle="--", linewidth=1.2)
    for row, name in enumerate(names):
        value, low, high = estimates[name]
        axes.plot(np.clip([low, high], left, right), [row, row], color=BLUE, linewidth=2.5, alpha=0.5)
        for end, edge, marker in ((low, left, "<"), (high, right, ">")):
            if np.isinf(end):
                axes.plot(edge, row, marker, color=BLUE, alpha=0.7, clip_on=False)
        axes.plot(value, row, "o", color=BLUE, markersize=7, label=name)
        note = _numerals(estimates[name], decimals)
        axes.text(1.02, row, note, transform=axes.get_yaxis_transform(), color=INK, va="center")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(left, right)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    save(figure, path)


def _conditions(methods: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if not 1 <= len(methods) <= len(COLOURS):
        raise InputError(f"a picture shows 1 to {len(COLOURS)} methods, not {len(methods)}")
    first = next(iter(methods.values()))
    if not first or any(set(conditions) != set(first) for conditions in methods.values()):
        found = {method: sorted(conditions) for method, conditions in methods.items()}
        raise InputError(f"all methods need the same conditions, at least one: {found}")
    return list(first)


def _draw_curve(axes: Axes, method: str, curve: Mapping[str, Curve], look: int, size: float = 1.0) -> None:
    strata = {name: np.asarray(values, dtype=np.float64) for name, (_, values) in curve.items()}
    grids = [np.asarray(steps, dtype=np.float64) for steps, _ in curve.values()]
    steps, colour = grids[0], COLOURS[look]
    for (name, values), grid in zip(strata.items(), grids, strict=True):
        if not np.array_equal(grid, steps) or values.ndim != 2 or values.shape[1:] != steps.shape:
            what = f"{values.shape} at {grid}, not (runs, steps) at the {steps} of its first condition"
            raise InputError(f"{method!r}, {name!r}: values are {what}")
    full = np.all([~np.isnan(values).any(axis=0) for values in strata.values()], axis=0)
    lines = np.full((3, len(steps)), np.nan)
    if full.any():
        strata = {name: values[:, full] for name, values in strata.items()}
        lines[:, full] = bootstrap_band(strata, np.random.default_rng(SEED))
    value, low, high = lines
    if full.sum() == 1:  # a band without width would be invisible
        axes.errorbar(
            steps, value, [value - low, high - value], fmt="none", color=colour, alpha=0.5, capsize=4
        )
    axes.fill_between(steps, low, high, color=colour, alpha=0.12, linewidth=0.0)
    marked = list(range(len(steps) - 1, -1, -max(1, len(steps) // 10))) if full.all() else None
    axes.plot(
        steps, value, color=colour, linewidth=2.0 * size, marker=MARKERS[look], markersize=5.5 * size,
        markevery=marked, label=method,
    )  # fmt: skip


def _draw_levels(
    axes: Axes, levels: Mapping[str, Mapping[str, float]], conditions: list[str], size: float = 1.0
) -> None:
    end = float(np.asarray(axes.get_lines()[0].get_xdata(), dtype=np.float64)[-1])
    for look, (method, values) in enumerate(levels.items()):
        level = interquartile_mean([values[condition] for condition in conditions])
        dashes = (0, (6.0, 2.0 * look + 2.0))
        axes.plot(
            [0.0, end], [level, level], color=INK, alpha=0.7, linewidth=size, linestyle=dashes, label=method
        )


def _name_ends(axes: Axes) -> None:
    """Write the name of each line beside its last point, without overlaps."""
    lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    bottom, top = axes.get_ylim()
    ends = []
    for line in lines:
        points = np.column_stack(line.get_data())
        points = points[~np.isnan(points[:, 1])]
        ends.append(points[-1] if len(points) else (np.nan, bottom))
    heights = (np.array(ends)[:, 1] - bottom) / (top - bottom)
    order = np.argsort(heights, kind="stable")
    rise = 0.075 * np.arange(len(lines))
    places = np.clip(isotonic_regression(heights[order] - rise).x, 0.0, 1.0 - rise[-1]) + rise
    for k, place in zip(order, places, strict=True):
        name, colour, known = lines[k].get_label(), lines[k].get_color(), np.isfinite(ends[k][0])
        leader = {"arrowstyle": "-", "color": colour, "alpha": 0.6, "shrinkB": 5.0, "relpos": (0.0, 0.5)}
        axes.annotate(
            f"{name}" if known else f"{name} (no value)", ends[k] if known else (0.0, 0.0), (1.04, place),
            textcoords="axes fraction", color=colour, va="center", fontweight="bold", annotation_clip=False,
            arrowprops=leader if known else None,
        )  # fmt: skip


def _numerals(estimate: Triple, decimals: int) -> str:
    value, low, high = ("∞" if np.isinf(number) else f"{number:,.{decimals}f}" for number in estimate)
    if np.isnan(estimate[0]):
        return "no value"
    return value if np.isnan(estimate[1]) else f"{value}  [{low}, {high}]"

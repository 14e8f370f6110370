"""Scores for the report of a study: per run, and per method over its runs."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from assembly_rl.studies.results import CellResult
from assembly_rl.studies.statistics import (
    Estimate,
    bootstrap_interval,
    holm,
    median_steps,
    normalised_area,
    probability_of_improvement,
    rank_test,
    steps_to_threshold,
)

RunsByCondition = dict[str, list[CellResult]]
"""Condition -> ended runs of one method."""
RunsByMethod = dict[str, RunsByCondition]
ScoresByCondition = dict[str, NDArray[np.float64]]
"""Condition -> one score per run of one method."""

LOWER_IS_BETTER = ("time", "peak_force", "force_p95", "peak_moment")
SEED = 0
"""Seed of the bootstrap, so that equal rows give equal reports."""


def by_method(results: Iterable[CellResult]) -> RunsByMethod:
    """Group the runs that are done or have failed by method and condition."""
    methods: RunsByMethod = {}
    for result in results:
        if result.ended:
            runs = methods.setdefault(result.cell.method, {})
            runs.setdefault(result.cell.condition, []).append(result)
    return methods


def shared_conditions(methods: RunsByMethod) -> RunsByMethod:
    """Select the conditions in which all methods have runs."""
    shared = [
        condition
        for condition in next(iter(methods.values()), {})
        if all(condition in runs for runs in methods.values())
    ]
    return {method: {key: runs[key] for key in shared} for method, runs in methods.items()} if shared else {}


def learners(methods: RunsByMethod) -> RunsByMethod:
    """Select the methods that learn."""
    return {name: runs for name, runs in methods.items() if all_runs(runs)[0].cell.learns}


def all_runs(runs: RunsByCondition) -> list[CellResult]:
    """Return the runs of a method under all conditions."""
    return [run for of in runs.values() for run in of]


def score_runs(runs: RunsByCondition, score: Callable[[CellResult], float]) -> ScoresByCondition:
    """Score each run.

    Args:
        runs: Runs of one method.
        score: Function that returns the score of a run.
    """
    return {condition: np.array([score(run) for run in of]) for condition, of in runs.items()}


def success(run: CellResult) -> float:
    """Return the share of successful held-out episodes; 0 for a failed training."""
    return float(run.episodes["success"].mean()) if run.episodes else 0.0


def pooled_episodes(runs: Iterable[CellResult], column: str) -> NDArray[np.float64]:
    """Return a column of the episodes of all runs that are done, as numbers."""
    parts = [run.episodes[column] for run in runs if run.episodes]
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)


def time_of_successes(runs: Iterable[CellResult]) -> NDArray[np.float64]:
    """Return the times of the successful episodes of all runs [s]."""
    runs = list(runs)
    return pooled_episodes(runs, "time")[pooled_episodes(runs, "success") > 0.0]


def area(run: CellResult) -> float:
    """Return the normalised area under the curve of validation success, 0 after a failure."""
    grid, values = _whole_curve(run, "success", 0.0)
    return normalised_area(grid, values, run.cell.config.steps)


def curve(runs: list[CellResult], metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the learning curves of runs under one condition.

    Args:
        runs: Runs of one method under one condition.
        metric: Column of the validations.

    Returns:
        Steps (n,), and values (runs, n); after a failure success is 0 and other metrics are nan.
    """
    missing = 0.0 if metric == "success" else np.nan
    curves = [_whole_curve(run, metric, missing) for run in runs]
    return curves[0][0], np.array([values for _, values in curves])


def _whole_curve(
    run: CellResult, metric: str, missing: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the curve of a run over all planned validations, with step 0 if it starts from another run."""
    config = run.cell.config
    steps, every = config.steps, config.evaluation.every
    first = every if not config.transfer.starts_trained else 0
    grid = np.unique(np.append(np.arange(first, steps, every), steps)).astype(np.float64)
    values = np.full(len(grid), missing)
    if run.curve:
        values[np.searchsorted(grid, run.curve["step"])] = run.curve[metric]
    return grid, values


def steps_to(runs: RunsByCondition, metric: str, level: float) -> tuple[Estimate, int]:
    """Estimate the Kaplan-Meier median of the steps to a level.

    Args:
        runs: Runs of one method.
        metric: Column of the validations.
        level: Level of the metric, reached from below, or from above if lower is better.

    Returns:
        Median with its interval, and the number of runs that reach the level.
    """
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    pairs = []
    for run in all_runs(runs):
        grid, values = _whole_curve(run, metric, np.nan)
        values = np.where(np.isnan(values), sign * level - 1.0, sign * values)  # no success: no time
        pairs.append(steps_to_threshold(grid, values, sign * level))  # a failed run never reaches it
    steps, reached = zip(*pairs, strict=True)
    return median_steps(steps, np.array(reached)), sum(reached)


def interquartile(scores: ScoresByCondition) -> Estimate:
    """Compute the interquartile mean over all runs with its stratified bootstrap interval."""
    return bootstrap_interval(scores, np.random.default_rng(SEED))


def improvements(
    scores: dict[str, ScoresByCondition], pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Estimate, float | None]]:
    """Estimate the probability of improvement for pairs of methods, with Holm-adjusted p-values.

    There is no p-value with a single run per condition, such as for a controller.

    Args:
        scores: Method -> condition -> one score per run.
        pairs: Pairs of methods.

    Returns:
        Pair -> probability that a run of the first method is better, and the p-value.
    """
    sampled = {name for name, values in scores.items() if max(map(len, values.values())) > 1}
    tested = {f"{a}\0{b}": (a, b) for a, b in pairs if {a, b} <= sampled}
    p_values = holm({key: rank_test(scores[a], scores[b]) for key, (a, b) in tested.items()})
    rng = np.random.default_rng(SEED)
    return {
        (a, b): (probability_of_improvement(scores[a], scores[b], rng), p_values.get(f"{a}\0{b}"))
        for a, b in pairs
    }

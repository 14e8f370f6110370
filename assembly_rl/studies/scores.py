"""Numbers for the report of a study: of each run, then of each method over its runs."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from assembly_rl.studies.results import Result
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

Runs = dict[str, list[Result]]  # of one method: condition -> its ended runs
Methods = dict[str, Runs]
Values = dict[str, NDArray[np.float64]]  # condition -> a number for each run

LOWER_IS_BETTER = ("time", "peak_force", "force_p95", "peak_moment")
SEED = 0
"""Of the bootstrap: the same rows make the same report."""


def by_method(results: Iterable[Result]) -> Methods:
    """Method -> condition -> runs, of those that are done or died."""
    methods: Methods = {}
    for result in results:
        if result.ended:
            runs = methods.setdefault(result.cell.method, {})
            runs.setdefault(result.cell.condition, []).append(result)
    return methods


def comparable(methods: Methods) -> Methods:
    """The same with the conditions that all methods have met."""
    shared = [
        condition
        for condition in next(iter(methods.values()), {})
        if all(condition in runs for runs in methods.values())
    ]
    return {method: {key: runs[key] for key in shared} for method, runs in methods.items()} if shared else {}


def learning(methods: Methods) -> Methods:
    """Those that learn."""
    return {name: runs for name, runs in methods.items() if flat(runs)[0].cell.subject is None}


def flat(runs: Runs) -> list[Result]:
    """All runs of a method."""
    return [run for of in runs.values() for run in of]


def of_each_run(runs: Runs, score: Callable[[Result], float]) -> Values:
    """A score of each run."""
    return {condition: np.array([score(run) for run in of]) for condition, of in runs.items()}


def success(run: Result) -> float:
    """Share of successful held-out episodes; 0 of a training that died."""
    return float(run.episodes["success"].mean()) if run.episodes else 0.0


def pooled(runs: Iterable[Result], column: str) -> NDArray[np.float64]:
    """A column of the episodes of all runs."""
    parts = [run.episodes[column] for run in runs if run.episodes]
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)


def time_of_successes(runs: Iterable[Result]) -> NDArray[np.float64]:
    """[s], of all runs."""
    runs = list(runs)
    return pooled(runs, "time")[pooled(runs, "success") > 0.0]


def area(run: Result) -> float:
    """Mean height of the curve of validation success; a training that died counts 0 from there on."""
    grid, values = _whole_curve(run, "success", 0.0)
    return normalised_area(grid, values, run.cell.config.steps)


def curve(runs: list[Result], metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Steps, and values of shape (runs, steps); after its death a run's success is 0, the rest unknown."""
    missing = 0.0 if metric == "success" else np.nan
    curves = [_whole_curve(run, metric, missing) for run in runs]
    return curves[0][0], np.array([values for _, values in curves])


def _whole_curve(run: Result, metric: str, missing: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Over all steps that were meant; what is carried over from another run is evaluated before them, too."""
    config = run.cell.config
    steps, every = config.steps, config.evaluation.every
    first = every if config.transfer.run is None else 0
    grid = np.unique(np.append(np.arange(first, steps, every), steps)).astype(np.float64)
    values = np.full(len(grid), missing)
    if run.curve:
        values[np.searchsorted(grid, run.curve["step"])] = run.curve[metric]
    return grid, values


def steps_to(runs: Runs, metric: str, level: float) -> tuple[Estimate, int]:
    """Kaplan-Meier median of the steps to a level, and how many runs got there."""
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    pairs = []
    for run in flat(runs):
        grid, values = _whole_curve(run, metric, np.nan)
        values = np.where(np.isnan(values), sign * level - 1.0, sign * values)  # no success has no time
        pairs.append(steps_to_threshold(grid, values, sign * level))  # one that died never gets there
    steps, reached = zip(*pairs, strict=True)
    return median_steps(steps, np.array(reached)), sum(reached)


def interquartile(values: Values) -> Estimate:
    """Interquartile mean over all runs with its stratified bootstrap interval."""
    return bootstrap_interval(values, np.random.default_rng(SEED))


def improvements(
    scores: dict[str, Values], pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Estimate, float | None]]:
    """For pairs of methods: probability that the first is better, and Holm's p-value over all pairs.

    One run under each condition, as a controller has, is no sample to test: no p-value.
    """
    sampled = {name for name, values in scores.items() if max(map(len, values.values())) > 1}
    tested = {f"{a}\0{b}": (a, b) for a, b in pairs if {a, b} <= sampled}
    p_values = holm({key: rank_test(scores[a], scores[b]) for key, (a, b) in tested.items()})
    rng = np.random.default_rng(SEED)
    return {
        (a, b): (probability_of_improvement(scores[a], scores[b], rng), p_values.get(f"{a}\0{b}"))
        for a, b in pairs
    }

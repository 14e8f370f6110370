import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from assembly_rl.studies.statistics import (
    bootstrap_band,
    bootstrap_interval,
    holm,
    interquartile_mean,
    median_steps,
    normalised_area,
    probability_of_improvement,
    rank_test,
    steps_to_threshold,
)

NAN, INF = float("nan"), float("inf")
numbers = st.floats(-1e3, 1e3)
runs = st.lists(numbers, min_size=1, max_size=7)
halves = st.lists(st.integers(-4, 4).map(lambda k: k / 2), min_size=1, max_size=4)  # with many ties


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([7.0], 7.0),
        ([1, 2, 6], 3.0),
        ([9, 1, 2, 4], 3.0),
        ([100, 1, 3, 5, -9], 3.0),
        ([8, 7, 0, 1, 2, 3, 9, 5, 6], 4.6),
    ],
)
def test_interquartile_mean_cuts_whole_values(values: list[float], mean: float) -> None:
    assert interquartile_mean(values) == pytest.approx(mean)


def test_interquartile_mean_along_an_axis() -> None:
    values = np.array([[1.0, 2.0, 3.0, 50.0], [0.0, 0.0, 2.0, 2.0]])
    assert interquartile_mean(values, axis=1).tolist() == [2.5, 1.0]
    assert interquartile_mean(values) == 1.75  # 0 0 | 1 2 2 2 | 3 50


@given(runs, numbers, st.floats(0.1, 10.0))
def test_interquartile_mean_moves_with_its_values(values: list[float], shift: float, scale: float) -> None:
    moved = [scale * value + shift for value in values]
    assert interquartile_mean(moved) == pytest.approx(scale * interquartile_mean(values) + shift, abs=1e-6)


@pytest.mark.parametrize("statistic", [interquartile_mean, np.mean])
def test_bootstrap_of_one_condition_is_that_of_scipy(statistic: Callable) -> None:
    values = rng(3).normal(size=12)
    estimate = bootstrap_interval({"a": values}, rng(), statistic, confidence=0.9, resamples=4000)
    theirs = stats.bootstrap(
        (values,), statistic, method="percentile", confidence_level=0.9, n_resamples=40000, rng=rng(1)
    ).confidence_interval
    assert estimate.value == statistic(values)
    assert estimate[1:] == pytest.approx(theirs, abs=0.03)
    assert estimate == bootstrap_interval({"a": values}, rng(), statistic, confidence=0.9, resamples=4000)


def test_runs_are_drawn_within_their_condition() -> None:
    """Conditions far apart whose runs do not differ: only a draw across conditions could move the mean."""
    estimate = bootstrap_interval({"easy": [1.0] * 5, "hard": [0.0] * 5}, rng(), np.mean)
    assert estimate == (0.5, 0.5, 0.5)


def test_the_interval_narrows_with_confidence_and_has_the_normal_width() -> None:
    strata = {str(k): 10.0 * k + rng(k).normal(size=50) for k in range(4)}
    deviation = math.sqrt(sum(np.var(values) / 50 for values in strata.values())) / 4
    for confidence, z in ((0.5, 0.6745), (0.95, 1.96)):
        value, low, high = bootstrap_interval(strata, rng(), np.mean, confidence, resamples=4000)
        assert (value - low, high - value) == pytest.approx((z * deviation, z * deviation), rel=0.1)


def test_a_band_is_the_interval_of_each_point() -> None:
    curves = {"a": rng(1).normal(size=(5, 3)), "b": rng(2).normal(size=(4, 3))}
    value, low, high = bootstrap_band(curves, rng())
    assert value.shape == low.shape == high.shape == (3,)
    for k in range(3):
        column = {name: curve[:, k] for name, curve in curves.items()}
        assert (value[k], low[k], high[k]) == bootstrap_interval(column, rng())


@pytest.mark.filterwarnings("error")
def test_one_run_has_a_value_and_no_interval() -> None:
    value, low, high = bootstrap_interval({"a": [2.0], "b": [4.0, 6.0]}, rng())
    assert value == 4.0
    assert math.isnan(low)
    assert math.isnan(high)
    value, low, high = probability_of_improvement({"a": [2.0]}, {"a": [1.0, 3.0]}, rng())
    assert value == 0.5
    assert math.isnan(low)
    assert math.isnan(high)


def test_the_interval_covers_the_truth() -> None:
    draw, conditions = rng(11), range(4)

    def study(runs: int) -> dict[str, np.ndarray]:
        return {str(k): 0.7 * k + draw.exponential(size=runs) for k in conditions}

    truth = interquartile_mean(np.concatenate(list(study(200_000).values())))
    intervals = [bootstrap_interval(study(8), draw, resamples=500) for _ in range(200)]
    assert 0.88 <= np.mean([low <= truth <= high for _, low, high in intervals]) <= 0.99


def test_probability_of_improvement_by_hand() -> None:
    a = {"x": [1.0, 3.0], "y": [5.0, 5.0, 9.0]}
    b = {"y": [5.0], "x": [2.0, 0.0]}  # 3 of 4 pairs; a win and two draws of 3
    value = probability_of_improvement(a, b, rng()).value
    assert value == pytest.approx((3 / 4 + 2 / 3) / 2)
    u = [stats.mannwhitneyu(a[name], b[name]).statistic / (len(a[name]) * len(b[name])) for name in a]
    assert value == pytest.approx(np.mean(u))


def test_interval_of_the_probability_by_its_draws() -> None:
    a, b = {"x": [1.0, 3.0], "y": [0.0, 2.0]}, {"x": [2.0, 2.0], "y": [1.0, 1.0]}
    low, high = probability_of_improvement(a, b, rng())[1:]
    assert (low, high) == (0.0, 1.0)  # each end in 1 of 16 draws
    assert probability_of_improvement(a, b, rng(), confidence=0.8)[1:] == (0.25, 0.75)  # in 1 of 4 then


@given(st.lists(st.tuples(halves, halves), min_size=1, max_size=3))
def test_what_one_method_gains_the_other_loses(pairs: list[tuple[list[float], list[float]]]) -> None:
    a, b = ({str(k): pair[side] for k, pair in enumerate(pairs)} for side in (0, 1))
    one, other = (
        probability_of_improvement(*strata, rng(), resamples=10).value for strata in ((a, b), (b, a))
    )
    assert one + other == pytest.approx(1.0)
    assert 0.0 <= one <= 1.0
    assert rank_test(a, b) == pytest.approx(rank_test(b, a))


def by_enumeration(pairs: Sequence[tuple[list[float], list[float]]]) -> float:
    """Share of all exchanges within the conditions whose sum of U is at least as far from its mean."""

    def u(pool: Sequence[float], chosen: tuple[int, ...]) -> float:
        rest = [value for k, value in enumerate(pool) if k not in chosen]
        return sum((pool[k] > y) + 0.5 * (pool[k] == y) - 0.5 for k in chosen for y in rest)

    pools = [[*x, *y] for x, y in pairs]
    draws = [itertools.combinations(range(len(x) + len(y)), len(x)) for x, y in pairs]
    us = [[u(pool, chosen) for chosen in draw] for pool, draw in zip(pools, draws, strict=True)]
    sums = [abs(sum(combination)) for combination in itertools.product(*us)]
    return float(np.mean(np.array(sums) >= sums[0] - 1e-9))


@given(st.lists(st.tuples(halves, halves), min_size=1, max_size=2))
def test_rank_test_counts_every_exchange(pairs: list[tuple[list[float], list[float]]]) -> None:
    a, b = ({str(k): pair[side] for k, pair in enumerate(pairs)} for side in (0, 1))
    assert rank_test(a, b) == pytest.approx(by_enumeration(pairs))


def test_rank_test_of_one_condition_is_that_of_scipy() -> None:
    x, y = rng(0).normal(0.8, size=7), rng(1).normal(size=9)
    assert rank_test({"": x}, {"": y}) == pytest.approx(stats.mannwhitneyu(x, y, method="exact").pvalue)
    assert rank_test({"": range(5, 10)}, {"": range(5)}) == pytest.approx(2 / 252)


def test_conditions_add_up_and_their_scale_does_not_matter() -> None:
    a, b = {"x": [4, 5, 6], "y": [4e6, 5e6, 6e6]}, {"x": [1, 2, 3], "y": [1e6, 2e6, 3e6]}
    assert rank_test(a, b) == pytest.approx(2 / 20**2)
    assert rank_test(a, a) == 1.0


def test_p_values_are_small_as_often_as_they_say() -> None:
    draw = rng(5)
    p = [rank_test(*({str(k): k + draw.normal(size=5) for k in range(4)} for _ in "ab")) for _ in range(1000)]
    for level in (0.05, 0.2, 0.5):
        share = np.mean(np.array(p) <= level)  # below the level by the steps of p
        assert 0.75 * level <= share <= level + 3 * math.sqrt(level / 1000)


def test_holm_by_hand() -> None:
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(adjusted) == ["a", "b", "c", "d"]
    assert holm({"a": 0.6, "b": 0.7, "c": 0.02}) == pytest.approx({"a": 1.0, "b": 1.0, "c": 0.06})
    assert holm({}) == {}


@pytest.mark.parametrize(
    ("threshold", "found"),
    [
        (0.0, (10.0, True)),
        (0.5, (20.0, True)),
        (0.51, (40.0, True)),
        (0.9, (40.0, True)),
        (0.91, (40.0, False)),
    ],
)
def test_steps_to_threshold(threshold: float, found: tuple[float, bool]) -> None:
    assert steps_to_threshold([10, 20, 30, 40], [0.0, 0.5, 0.4, 0.9], threshold) == found


@given(runs, numbers, numbers)
def test_a_higher_threshold_takes_longer(values: list[float], one: float, other: float) -> None:
    steps = range(len(values))
    easy, hard = (steps_to_threshold(steps, values, threshold) for threshold in sorted((one, other)))
    assert easy[0] <= hard[0]
    assert easy[1] >= hard[1]


@pytest.mark.parametrize(
    ("reached", "censored", "median"),
    [
        ([3], [], 3),
        ([], [3], INF),
        ([], [5, 5, 5], INF),
        ([1, 2, 3], [4, 4, 4], 3),  # 5/6 4/5 3/4: a half
        ([1, 2], [4, 4, 4], INF),
        ([1, 2, 2, 3], [2, 4, 4], 3),  # 6/7, 4/6 with the one censored at 2 still there, 2/3
        ([1, 4], [2, 2, 5], 4),  # 4/5, 1/2
        ([7, 7, 7, 9], [], 7),
        (range(1, 13), range(13, 25), 12),  # a half, in floats a little above
    ],
)
@pytest.mark.filterwarnings("error")
def test_kaplan_meier_median_by_hand(reached: Sequence[int], censored: Sequence[int], median: float) -> None:
    flags = [True] * len(reached) + [False] * len(censored)
    value, low, high = median_steps([*reached, *censored], flags)
    assert value == median
    assert low <= value <= high


@pytest.mark.parametrize(
    ("reached", "censored", "interval"),
    [
        (range(1, 21), [], (5, 15)),  # order statistics 6 and 15 by the binomial law
        (range(1, 10), [20] * 11, (5, INF)),
        ([2] * 5, [], (0, INF)),  # 2 * 0.5**5 > 0.05: nothing can be said
        ([2] * 6, [], (2, 2)),
        ([], [5] * 6, (5, INF)),
        ([], [5] * 5, (0, INF)),
    ],
)
def test_interval_of_the_median(reached: Sequence[int], censored: Sequence[int], interval: tuple) -> None:
    flags = [True] * len(reached) + [False] * len(censored)
    assert median_steps([*reached, *censored], flags)[1:] == interval


def test_band_of_the_median_by_its_formula() -> None:
    steps = np.minimum(np.arange(1, 31), 25)
    reached = steps < 25
    share, variance, ends = 1.0, 0.0, []
    for step, at_risk in zip(range(1, 25), range(30, 6, -1), strict=True):
        share *= 1 - 1 / at_risk
        variance += 1 / (at_risk * (at_risk - 1))
        wing = stats.norm.ppf(0.9) * math.sqrt(variance) / math.log(share)
        ends.append((step, share ** math.exp(-wing), share ** math.exp(wing)))
    low = next(step for step, *band in ends if min(band) <= 0.5)
    high = next(step for step, *band in ends if max(band) <= 0.5)
    assert median_steps(steps, reached, confidence=0.8) == (15, low, high)


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_the_band_of_the_median_at_its_ends_is_that_of_scipy(confidence: float) -> None:
    """Until all runs arrive, their share is 1: its band is Clopper and Pearson's interval of all of them."""
    for count in range(1, 20):
        ends = stats.binomtest(count, count).proportion_ci(confidence, method="exact")
        low = median_steps([7.0] * count, [True] * count, confidence)[1]
        assert low == (0.0 if ends.low <= 0.5 else 7.0)


def test_the_interval_of_the_median_covers_it() -> None:
    draw, hits = rng(2), []
    for _ in range(400):
        needed = draw.exponential(size=20)
        _, low, high = median_steps(np.minimum(needed, 1.2), needed <= 1.2)
        hits.append(low <= math.log(2) <= high)
    assert 0.91 <= np.mean(hits) <= 0.99


@pytest.mark.parametrize(
    ("steps", "values", "last", "area"),
    [
        ([10], [1.0], 10, 0.5),  # a triangle
        ([5, 10], [1.0, 1.0], 10, 0.75),
        ([0, 10], [1.0, 1.0], 10, 1.0),
        ([10, 20, 40], [0.2, 0.6, 1.0], 40, (1.0 + 4.0 + 16.0) / 40),
        ([10, 20, 40], [0.2, 0.6, 1.0], 30, (1.0 + 4.0 + 7.0) / 30),  # cut in the middle of a line
        ([10, 20, 40], [0.2, 0.6, 1.0], 5, 0.05),
    ],
)
def test_normalised_area_by_hand(steps: list[int], values: list[float], last: float, area: float) -> None:
    assert normalised_area(steps, values, last) == pytest.approx(area)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: interquartile_mean([]), r"values: needs values"),
        (lambda: interquartile_mean([1.0, NAN]), r"values: value 1 is nan"),
        (lambda: bootstrap_interval({}, rng()), r"needs a condition"),
        (lambda: bootstrap_interval({"sq": [1.0, INF]}, rng()), r"condition 'sq': value 1.* is inf"),
        (lambda: bootstrap_interval({"sq": []}, rng()), r"condition 'sq': needs values"),
        (lambda: bootstrap_interval({"sq": [1.0, 2.0]}, rng(), confidence=95), r"confidence .*not 95"),
        (lambda: bootstrap_band({"a": [[1]], "b": [[1, 2]]}, rng()), r"'b': \(1, 2\)"),
        (lambda: bootstrap_band({"a": [[1.0, NAN]]}, rng()), r"'a': value 0, 1 is nan"),
        (lambda: probability_of_improvement({"a": [1]}, {"b": [1]}, rng()), r"'a'. and .'b'"),
        (lambda: probability_of_improvement({"a": [1]}, {"a": [NAN]}, rng()), r"'a': value 0 is nan"),
        (lambda: rank_test({}, {}), r"same conditions"),
        (lambda: rank_test({"a": [1], "b": [2]}, {"a": [1]}), r"\['a', 'b'\] and \['a'\]"),
        (lambda: holm({"a over b": NAN}), r"'a over b' .* not nan"),
        (lambda: holm({"a over b": 1.5}), r"'a over b' .* not 1.5"),
        (lambda: steps_to_threshold([1, 2], [0, 1], NAN), r"threshold .* not nan"),
        (lambda: steps_to_threshold([1, 2], [0, NAN], 1), r"values: value 1 is nan"),
        (lambda: steps_to_threshold([1, 2], [0], 1), r"2 steps do not go with 1 values"),
        (lambda: steps_to_threshold([2, 2], [0, 1], 1), r"steps have to be >= 0 and rise"),
        (lambda: steps_to_threshold([-1, 2], [0, 1], 1), r"steps have to be >= 0 and rise"),
        (lambda: median_steps([], []), r"steps: needs values"),
        (lambda: median_steps([1, NAN], [True, True]), r"steps: value 1 is nan"),
        (lambda: median_steps([1, -2], [True, True]), r"steps have to be >= 0, not -2"),
        (lambda: median_steps([1, 2], [True]), r"2 booleans"),
        (lambda: median_steps([1, 2], [1, 0]), r"2 booleans.*\[1 0\]"),
        (lambda: median_steps([1], [True], confidence=1.0), r"confidence .*not 1.0"),
        (lambda: normalised_area([10], [1], 20), r"last step .*10\].*not 20"),
        (lambda: normalised_area([10], [1], 0), r"last step .*not 0"),
        (lambda: normalised_area([10], [1], NAN), r"last step .*not nan"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()

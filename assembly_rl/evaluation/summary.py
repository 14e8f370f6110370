"""Statistics of episode rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from assembly_rl.evaluation.episodes import Row

LEANS_ON_ENGINE = 0.03
"""Difference of the success between two engines above which a result leans on the engine."""


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the Wilson score interval of a proportion.

    Args:
        successes: Number of successes, 0 to ``trials``.
        trials: Number of trials, at least 1.
        confidence: Coverage of the interval, in (0, 1).

    Returns:
        Lower and upper end, in [0, 1].
    """
    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class PairedComparison:
    """Comparison of the success of two controllers on the same episodes.

    Attributes:
        lost: Number of episodes in which only the first succeeds.
        gained: Number of episodes in which only the second succeeds.
        p: Two-sided p-value of the hypothesis that both succeed equally often.
    """

    lost: int
    gained: int
    p: float


def mcnemar(before: list[Row], after: list[Row]) -> PairedComparison:
    """Compare the successes of two controllers by McNemar's exact test.

    This is a binomial test: under the null hypothesis, each controller wins half of the discordant episodes.

    Args:
        before: Rows of the first controller.
        after: Rows of the second one, for the same seeds in the same order.

    Raises:
        ValueError: The numbers of rows differ.
    """
    pairs = [(one["success"], other["success"]) for one, other in zip(before, after, strict=True)]
    lost, gained = pairs.count((True, False)), pairs.count((False, True))
    p = float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0
    return PairedComparison(lost, gained, p)


def ranking_key(success: float, time: float) -> tuple[float, float]:
    """Return the sort key of an evaluation: more successes are better, then a shorter time.

    Args:
        success: Share of successes.
        time: Median time of the successful insertions [s]; ignored without any success.
    """
    return success, -time if success else -float("inf")


def best_validation(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the validation whose policy is kept: the best one by ``ranking_key``, the latest among equals.

    On several parts the mean of the success on all parts and on the worst tenth of them counts as success.

    Args:
        rows: Validations with ``success``, ``time`` and, on several parts, ``worst_tenth``, in the order of
            their steps, at least one.
    """

    def key(row: Mapping[str, Any]) -> tuple[float, float]:
        success = row["success"]
        return ranking_key(0.5 * (success + row.get("worst_tenth", success)), row["time"])

    return max(reversed(rows), key=key)


@dataclass(frozen=True)
class Summary:
    """Statistics over episodes.

    Attributes:
        episodes: Number of episodes.
        success: Share of successes.
        interval: 95 % Wilson interval of the success.
        time: Median time of the successful insertions [s]; nan without any.
        peak_force: Median over episodes of the largest force [N].
        force_p95: Median over episodes of the 95th percentile of the force [N].
        peak_moment: Median over episodes of the largest moment [Nm].
        reward: Mean return, the undiscounted sum of rewards.
        results: Result code -> number of episodes.
        certificates_failed: Episodes whose contact certificate is not valid.
    """

    episodes: int
    success: float
    interval: tuple[float, float]
    time: float
    peak_force: float
    force_p95: float
    peak_moment: float
    reward: float
    results: dict[str, int]
    certificates_failed: int


def worst_tenth(rows: list[Row]) -> float:
    """Return the mean success of the tenth of the parts, at least one, with the lowest success.

    Args:
        rows: Rows with the label of their ``part``.
    """
    successes: dict[str, list[bool]] = {}
    for row in rows:
        successes.setdefault(row["part"], []).append(row["success"])
    lowest = sorted(sum(own) / len(own) for own in successes.values())
    return float(np.mean(lowest[: max(1, len(lowest) // 10)]))


def summarize(rows: list[Row]) -> Summary:
    """Compute the statistics of episodes.

    Args:
        rows: Rows of ``run_episode``, at least one.
    """
    successes = [row for row in rows if row["success"]]

    def median(name: str) -> float:
        return float(np.median([row[name] for row in rows]))

    return Summary(
        episodes=len(rows),
        success=len(successes) / len(rows),
        interval=wilson_interval(len(successes), len(rows)),
        time=float(np.median([row["time"] for row in successes])) if successes else float("nan"),
        peak_force=median("peak_force"),
        force_p95=median("force_p95"),
        peak_moment=median("peak_moment"),
        reward=float(np.mean([row["reward"] for row in rows])),
        results=dict(Counter(row["result"] for row in rows).most_common()),
        certificates_failed=sum(not row["certificate_valid"] for row in rows),
    )

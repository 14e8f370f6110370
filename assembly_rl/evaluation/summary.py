"""Summary of episode rows."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from assembly_rl.evaluation.episodes import Row


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion."""
    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Change:
    """From one set of episodes to another with the same seeds.

    Attributes:
        lost: Episodes that succeed only in the first.
        gained: Episodes that succeed only in the second.
        p: Of no difference, by McNemar's exact test.
    """

    lost: int
    gained: int
    p: float


def change(before: list[Row], after: list[Row]) -> Change:
    """Compare rows of the same seeds, in the same order."""
    pairs = [(one["success"], other["success"]) for one, other in zip(before, after, strict=True)]
    lost, gained = pairs.count((True, False)), pairs.count((False, True))
    p = float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0
    return Change(lost, gained, p)


@dataclass(frozen=True)
class Summary:
    """Of a number of episodes.

    Attributes:
        episodes: Number of episodes.
        success: Share of successes.
        interval: Its 95 % Wilson interval.
        time: Median time of the successful insertions [s]; nan without any.
        peak_force: Median over episodes of the largest force [N].
        force_p95: Median over episodes of the 95th percentile of the force [N].
        peak_moment: Median over episodes of the largest moment [Nm].
        reward: Mean sum of rewards.
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


def summarize(rows: list[Row]) -> Summary:
    """Summarise one or more rows of ``run_episode``."""
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

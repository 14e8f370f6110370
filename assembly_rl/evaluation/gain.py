"""Sentence on the gain of a learned controller over another one, on the same episodes."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import wilcoxon

from assembly_rl.evaluation.episodes import Row
from assembly_rl.evaluation.summary import mcnemar

LEVEL = 0.05
"""Level of significance below which a difference is called a gain or a loss."""


def gain(name: str, rows: Sequence[Row], other: str, other_rows: Sequence[Row]) -> str:
    """Return success and time of a controller beside those of another one, and which of them is better.

    The success is compared by McNemar's test, the time of the episodes in which both succeed by Wilcoxon's
    signed-rank test.

    Args:
        name: Name of the controller.
        rows: Its rows.
        other: Name of the other one.
        other_rows: Rows of the other one, for the same seeds in the same order.
    """
    count = len(rows)
    effect = mcnemar(list(other_rows), list(rows))
    success = (1 if effect.gained > effect.lost else -1) if effect.p < LEVEL else 0
    text = (
        f"{name} inserts {sum(row['success'] for row in rows)} of {count}, {other} "
        f"{sum(row['success'] for row in other_rows)} of the same {count}"
    )
    both = [
        (row["time"], before["time"])
        for row, before in zip(rows, other_rows, strict=True)
        if row["success"] and before["success"]
    ]
    faster = 0
    if both:
        own, before = np.array(both).T
        differences = own - before
        if differences.any() and wilcoxon(differences).pvalue < LEVEL:
            faster = 1 if np.median(own) < np.median(before) else -1
        text += f", in {np.median(own):.2f} s instead of {np.median(before):.2f} s where both do"
    words: dict[int, list[str]] = {1: [], -1: [], 0: []}
    words[success].append("success")
    words[faster].append("time")
    starts = {1: "it gains ", -1: "it loses ", 0: "there is no difference beyond chance in "}
    verdict = (starts[sign] + " and ".join(own) for sign, own in words.items() if own)
    return f"{text}: {', '.join(verdict)}."

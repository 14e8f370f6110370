"""Comparison of the controllers at each step of a transfer."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from assembly_rl.evaluation import Summary, mcnemar, ranking_key, summarize

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Step:
    """Controller at a step of a transfer, with its episodes, on which nothing was chosen before.

    Attributes:
        name: Name of the step.
        samples: Policy steps on the new part so far, probing included.
        rows: Rows of the episodes, which are the same for every step.
    """

    name: str
    samples: int
    rows: list[dict[str, Any]]

    @cached_property
    def summary(self) -> Summary:
        """Statistics of the episodes."""
        return summarize(self.rows)

    @property
    def score(self) -> tuple[float, float]:
        """Sort key by success, then by speed."""
        return ranking_key(self.summary.success, self.summary.time)


def change(before: Step, after: Step) -> tuple[str, float]:
    """Return "helped", "hurt" or "no difference to be seen", and the p-value of McNemar's exact test.

    Args:
        before: Previous step.
        after: Later step, on the same episodes.
    """
    found = mcnemar(before.rows, after.rows)
    if found.p >= SIGNIFICANT:
        return "no difference to be seen", found.p
    return ("helped" if found.gained > found.lost else "hurt"), found.p

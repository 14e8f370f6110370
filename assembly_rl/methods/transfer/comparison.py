"""What each step of a transfer was worth."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from assembly_rl.evaluation import Summary, mcnemar, ranking_key, summarize

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Step:
    """A controller on the way, and the episodes that it met, which have chosen nothing before.

    Attributes:
        name: Of the step.
        samples: Policy steps on the new part that it took, probing included.
        rows: Of the episodes, the same ones for every step.
    """

    name: str
    samples: int
    rows: list[dict[str, Any]]

    @cached_property
    def summary(self) -> Summary:
        """Of the episodes."""
        return summarize(self.rows)

    @property
    def score(self) -> tuple[float, float]:
        """Successes, then speed."""
        return ranking_key(self.summary.success, self.summary.time)


def change(before: Step, after: Step) -> tuple[str, float]:
    """Verdict on a step, "helped", "hurt" or "no difference to be seen", and p of McNemar's exact test.

    Args:
        before: The step before.
        after: Another one, on the same episodes.
    """
    found = mcnemar(before.rows, after.rows)
    if found.p >= SIGNIFICANT:
        return "no difference to be seen", found.p
    return ("helped" if found.gained > found.lost else "hurt"), found.p

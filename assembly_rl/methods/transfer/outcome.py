"""What each step of a transfer was worth."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from scipy.stats import binomtest

from assembly_rl.evaluation import Summary, summarize

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
        return self.summary.success, -self.summary.time if self.summary.success else 0.0


def change(before: Step, after: Step) -> tuple[str, float]:
    """Whether a step helped, and the p of an exact test on the episodes that came out differently.

    McNemar's test: of the episodes that one of the two controllers inserted and the other did not, half
    would go either way by chance.

    Args:
        before: The step before.
        after: Another one, on the same episodes.
    """
    won = sum(b["success"] < a["success"] for b, a in zip(before.rows, after.rows, strict=True))
    lost = sum(b["success"] > a["success"] for b, a in zip(before.rows, after.rows, strict=True))
    p = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    if p >= SIGNIFICANT:
        return "no difference to be seen", p
    return ("helped" if won > lost else "hurt"), p

"""Sequential test of a success rate: after each trial it says whether more trials are needed."""

from dataclasses import dataclass
from math import log

from assembly_rl.controllers.validation import InputError, is_finite

MARGIN = 0.2
"""Distance below the level at which a success rate is to be told from the level."""

REACHED, MISSED, OPEN = "reached", "missed", "open"


@dataclass(frozen=True)
class SequentialTest:
    """Wald's sequential probability ratio test of a success rate.

    It compares two hypotheses: the rate is ``level``, or it is ``level - MARGIN``. After each trial the
    logarithm of the ratio of their likelihoods is compared with ``log(confidence / (1 - confidence))`` and
    with its negative. A controller at the lower rate passes with a probability of about ``1 - confidence`` at
    most, and one at the level is refused as rarely. (A. Wald, Sequential Tests of Statistical Hypotheses,
    Annals of Mathematical Statistics 16, 1945.) The test ends early, undecided, where even successes alone
    could no longer make it pass in the trials that are left; that makes neither error more frequent.

    Attributes:
        level: Success rate that is asked for.
        confidence: Confidence of the decision.
    """

    level: float = 0.95
    confidence: float = 0.9

    def __post_init__(self) -> None:
        if not (is_finite(self.level) and MARGIN < self.level < 1.0):
            raise InputError(f"level must be above {MARGIN:g} and below 1 for a test, got {self.level!r:.80}")
        if not (is_finite(self.confidence) and 0.5 < self.confidence < 1.0):
            raise InputError(f"confidence must be above 0.5 and below 1, got {self.confidence!r:.80}")

    @property
    def lower(self) -> float:
        """Success rate that is told from the level."""
        return self.level - MARGIN

    def log_ratio(self, successes: int, trials: int) -> float:
        """Return the logarithm of the ratio of the likelihoods of both rates."""
        failures = trials - successes
        return successes * log(self.level / self.lower) + failures * log(
            (1.0 - self.level) / (1.0 - self.lower)
        )

    def decision(self, successes: int, trials: int, left: int) -> str | None:
        """Return "reached", "missed", or "open" if the budget cannot decide any more; None to go on.

        Args:
            successes: Number of successes so far.
            trials: Number of trials so far.
            left: Number of trials that are left.
        """
        bound, ratio = log(self.confidence / (1.0 - self.confidence)), self.log_ratio(successes, trials)
        if ratio >= bound:
            return REACHED
        if ratio <= -bound:
            return MISSED
        return None if self.log_ratio(successes + left, trials + left) >= bound else OPEN

import math

import pytest

from assembly_rl.evaluation import MISSED, OPEN, REACHED, SequentialTest


def test_ratio_by_its_formula() -> None:
    test = SequentialTest(0.9, 0.9)
    assert test.lower == pytest.approx(0.7)
    assert test.log_ratio(3, 5) == pytest.approx(3 * math.log(0.9 / 0.7) + 2 * math.log(0.1 / 0.3))


def test_ten_insertions_without_a_failure_reach_the_level() -> None:
    test = SequentialTest(0.95, 0.9)
    decisions = [test.decision(count, count, 20 - count) for count in range(1, 11)]
    assert decisions == [None] * 9 + [REACHED]
    assert test.decision(16, 17, 3) is None and test.decision(17, 18, 2) == REACHED  # one failure
    assert test.decision(5, 7, 13) == OPEN  # two failures: not in 20 insertions any more
    assert test.decision(5, 7, 100) is None
    assert test.decision(0, 2, 18) == MISSED
    assert test.decision(0, 0, 9) == OPEN  # too few insertions


def probabilities(test: SequentialTest, rate: float, budget: int) -> dict[str, float]:
    """Return the exact probability of each decision at a success rate."""
    found = {REACHED: 0.0, MISSED: 0.0, OPEN: 0.0}
    going = {0: 1.0}  # successes -> probability that the test goes on
    for trials in range(1, budget + 1):
        ended: dict[int, float] = {}
        for successes, share in going.items():
            for more, chance in ((1, rate), (0, 1.0 - rate)):
                decision = test.decision(successes + more, trials, budget - trials)
                if decision is None:
                    ended[successes + more] = ended.get(successes + more, 0.0) + share * chance
                else:
                    found[decision] += share * chance
        going = ended
    assert not going
    return found


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("budget", [20, 200])
def test_errors_are_as_rare_as_the_confidence_says(level: float, confidence: float, budget: int) -> None:
    test = SequentialTest(level, confidence)
    low, high = probabilities(test, test.lower, budget), probabilities(test, level, budget)
    assert sum(low.values()) == pytest.approx(1.0) and sum(high.values()) == pytest.approx(1.0)
    wald = (1.0 - confidence) / confidence  # his bound of either error, for a test without an end
    assert low[REACHED] <= wald and high[MISSED] <= wald
    if budget == 200:
        assert low[MISSED] > 0.7 and high[REACHED] > 0.7


@pytest.mark.parametrize(
    ("level", "confidence", "told"),
    [(1.0, 0.9, "level"), (0.2, 0.9, "level"), (0.9, 0.5, "confidence"), (0.9, 1.0, "confidence")],
)
def test_what_cannot_be_tested_is_refused(level: float, confidence: float, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SequentialTest(level, confidence)

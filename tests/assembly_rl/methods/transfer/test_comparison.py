"""The verdict on a step of a transfer rests on the episodes that came out differently."""

from typing import Any

import pytest

from assembly_rl.methods.transfer.comparison import Step, change


def step(outcomes: str) -> Step:
    rows: list[dict[str, Any]] = [
        {
            "success": int(outcome == "+"),
            "result": "success" if outcome == "+" else "timeout",
            "time": 2.0,
            "peak_force": 10.0,
            "force_p95": 9.0,
            "peak_moment": 0.3,
            "reward": 1.0,
            "certificate_valid": 1,
        }
        for outcome in outcomes
    ]
    return Step("step", 0, rows)


@pytest.mark.parametrize(
    ("before", "after", "verdict", "p"),
    [
        ("+++---", "+++---", "no difference to be seen", 1.0),
        ("------++", "++++++++", "helped", 2 * 0.5**6),
        ("++++++++--", "----------", "hurt", 2 * 0.5**8),
        ("+-+-+-", "-+-+-+", "no difference to be seen", 1.0),
        ("-----", "+++++", "no difference to be seen", 2 * 0.5**5),
    ],
)
def test_only_differences_count(before: str, after: str, verdict: str, p: float) -> None:
    found, probability = change(step(before), step(after))
    assert found == verdict
    assert probability == pytest.approx(p)


def test_more_successes_are_better_and_then_speed() -> None:
    assert step("++-").score > step("+--").score > step("---").score

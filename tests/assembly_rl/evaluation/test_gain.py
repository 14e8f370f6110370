"""The sentence on what a controller gains over another one."""

import pytest

from assembly_rl.evaluation.gain import gain


def rows(successes: int, time: float) -> list[dict]:
    return [{"success": number < successes, "time": time + 0.01 * number} for number in range(40)]


@pytest.mark.parametrize(
    ("own", "other", "told"),
    [
        (
            rows(40, 2.0),
            rows(25, 3.0),
            "in 2.12 s instead of 3.12 s where both do: it gains success and time.",
        ),
        (rows(20, 2.0), rows(40, 3.0), ": it gains time, it loses success."),
        (rows(40, 3.0), rows(39, 2.0), ": it loses time, there is no difference beyond chance in success."),
        (rows(40, 2.0), rows(40, 2.0), ": there is no difference beyond chance in success and time."),
        (rows(9, 2.0), rows(0, 2.0), "a inserts 9 of 40, b 0 of the same 40: it gains success, there is"),
    ],
)
def test_success_and_time_are_judged_on_the_same_episodes(own: list, other: list, told: str) -> None:
    assert told in gain("a", own, "b", other)

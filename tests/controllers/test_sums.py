"""Sums are the same on every version of Python: 3.12 made ``sum`` compensate for its rounding."""

from assembly_rl.controllers.sums import added


def test_numbers_are_added_one_after_the_other() -> None:
    assert added([1e16, 1.0, -1e16]) == 0.0
    assert added(value for value in (0.1, 0.2, 0.3)) == (0.1 + 0.2) + 0.3
    assert added([]) == 0.0

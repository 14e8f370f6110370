"""Weights of the distillation: they sum to their number, and favour what stays as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembly_rl.methods.transfer.weights import by_compliance, normalised

SIX = st.lists(st.floats(1e-3, 1e3), min_size=6, max_size=6)


@given(SIX, SIX, st.floats(0.0, 5.0))
def test_they_sum_to_their_number(old: list[float], new: list[float], beta: float) -> None:
    for weights in (by_compliance(old, new, beta), normalised(old)):
        assert weights.sum() == pytest.approx(6.0)
        assert (weights >= 0.0).all()


def test_what_changes_more_is_held_less() -> None:
    old = np.array([200.0, 200.0, 40.0, 500.0, 500.0, 250.0])
    new = old * [1.0, 1.0, 2.0, 1.0, 0.5, 1.0]
    weights = by_compliance(old, new, 2.0)
    assert weights[2] < weights[4] < weights[0] == weights[5]
    assert weights[2] / weights[0] == pytest.approx(np.exp(-2.0))
    np.testing.assert_allclose(by_compliance(old, old, 3.0), 1.0)
    np.testing.assert_allclose(by_compliance(old, new, 0.0), 1.0)


def test_a_direction_that_was_free_has_no_weight_once_it_resists() -> None:
    weights = by_compliance([1.0, 1.0, 0.0], [1.0, 1.0, 1.0], 1.0)
    np.testing.assert_allclose(weights, [1.5, 1.5, 0.0])


def test_what_are_no_weights_is_refused() -> None:
    for values in ([0.0, 0.0], [1.0, -1.0], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="weights must be finite, not negative and not all zero"):
            normalised(values)
    with pytest.raises(ValueError, match="beta must be >= 0"):
        by_compliance([1.0], [1.0], -1.0)

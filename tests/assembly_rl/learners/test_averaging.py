"""The average of the actor's weights: that of the formula, and only where it is asked for."""

from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.callbacks import BaseCallback
from test_off_policy import ALGORITHMS, make

from assembly_rl.learners import off_policy


def actor(model: Any) -> np.ndarray:
    return np.concatenate([values.detach().numpy().ravel() for values in model.actor.parameters()])


class Mean(BaseCallback):
    """The average by its definition, and the weights before anything was learned."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share, self._updates = share, 0
        self.value: Any = None

    def _on_rollout_start(self) -> None:
        if self.value is None:
            self.value = actor(self.model)
        if self.model._n_updates > self._updates:
            self._updates = self.model._n_updates
            self.value += self._share * (actor(self.model) - self.value)

    _on_training_end = _on_rollout_start

    def _on_step(self) -> bool:
        return True


@pytest.mark.parametrize("environments", [1, 3])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_is_that_of_the_formula_and_the_training_goes_on_without_it(name: str, environments: int) -> None:
    averaged, mean = make(off_policy, name, environments), Mean(environments / 30)
    averaged.average_over(30)
    averaged.learn(102, callback=mean)
    plain = make(off_policy, name, environments).learn(102)  # its seed is set when it is made
    latest = actor(plain)
    np.testing.assert_array_equal(actor(averaged), latest)
    with averaged.averaged():
        np.testing.assert_allclose(actor(averaged), mean.value, atol=1e-6)
    np.testing.assert_array_equal(actor(averaged), latest)  # what learns is as it was
    assert np.abs(mean.value - latest).max() > 1e-3
    with plain.averaged():
        np.testing.assert_array_equal(actor(plain), latest)


def test_over_one_step_it_is_the_latest() -> None:
    model = make(off_policy, "SAC")
    model.average_over(1)
    model.learn(80)
    with model.averaged():
        own = actor(model)
    np.testing.assert_array_equal(own, actor(model))

from random import Random
from typing import Any

import numpy as np
import pytest

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.insertion import ActionConfig, ActionKind, InsertionConfig
from assembly_rl.controllers.insertion.action import Dither
from assembly_rl.controllers.insertion.insertion import Insertion
from assembly_rl.controllers.se3 import IDENTITY
from assembly_rl.controllers.wrench import ToolConfig

LAW = ComplianceLaw.from_diagonals([4.0] * 3 + [0.06] * 3, [800.0] * 3 + [10.0] * 3, [0.0] * 6)
AMPLITUDES = [0.5, 0.0, 0.2, 1.0, 0.1, 0.3]


def last_actions(config: ActionConfig, action: list[float], steps: int = 4) -> np.ndarray:
    """Actions as the observations have them."""
    insertion = Insertion(InsertionConfig(action=config), LAW, ToolConfig([0.0, 0.0, -0.04]))
    insertion.reset(((0.0, 0.0, 0.0), IDENTITY))
    where: Any = slice(
        *np.flatnonzero([n.startswith("last_action") for n in insertion.observer.names])[[0, -1]]
    )
    found = []
    for _ in range(steps):
        insertion.apply(np.array(action))
        zero = np.zeros(6)
        found.append(
            insertion.observe(zero, zero, zero, np.random.default_rng(0))[where.start : where.stop + 1]
        )
    return np.array(found)


def test_the_signal_is_uniform_within_its_amplitudes_and_the_same_in_every_episode() -> None:
    dither = Dither(AMPLITUDES)
    first = np.array([dither(np.zeros(6)) for _ in range(2000)])
    assert (np.abs(first) <= AMPLITUDES).all()
    np.testing.assert_allclose(first.std(axis=0), np.array(AMPLITUDES) / np.sqrt(3.0), rtol=0.03)
    np.testing.assert_allclose(first.mean(axis=0), 0.0, atol=0.03)
    dither.reset()
    np.testing.assert_array_equal(first, [dither(np.zeros(6)) for _ in range(2000)])
    numbers = Random(0)
    np.testing.assert_array_equal(
        first[0], AMPLITUDES * (2.0 * np.array([numbers.random() for _ in range(6)]) - 1.0)
    )


def test_the_sum_is_cut() -> None:
    dither = Dither([1.0] * 6)
    found = np.array([dither(np.full(6, 0.9)) for _ in range(200)])
    assert found.max() == 1.0 and found.min() >= -0.1 - 1e-12


def test_without_amplitude_an_action_is_itself() -> None:
    action = np.linspace(-1.0, 1.0, 6)
    np.testing.assert_array_equal(Dither([0.0] * 6)(action), action)


def test_the_observation_has_the_action_that_was_applied() -> None:
    dither, action = Dither(AMPLITUDES), [0.1, -0.2, 0.3, 0.4, -0.5, 0.6]
    expected = [dither(np.array(action)) for _ in range(4)]
    np.testing.assert_allclose(last_actions(ActionConfig(dither=AMPLITUDES), action), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", [ActionKind.damping, ActionKind.stiffness])
def test_changes_of_gains_have_no_dither(kind: ActionKind) -> None:
    action = [0.1, -0.2, 0.3, 0.4, -0.5, 0.6]
    found = last_actions(ActionConfig(kind=kind, dither=AMPLITUDES), action)
    np.testing.assert_allclose(found, [action] * 4, rtol=1e-6)


@pytest.mark.parametrize("dither", [[0.5] * 5, [0.5] * 5 + [1.1], [-0.1] + [0.5] * 5])
def test_other_amplitudes_are_refused(dither: list[float]) -> None:
    with pytest.raises(ValueError, match=r"ActionConfig\.dither"):
        ActionConfig(dither=dither)

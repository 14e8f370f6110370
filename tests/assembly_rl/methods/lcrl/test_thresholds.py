import numpy as np
import pytest

from assembly_rl.methods.cs3.estimate import Influence
from assembly_rl.methods.lcrl.thresholds import above_chance, cumulative, with_an_input

VALUES = np.array([[[0.6, 0.05], [0.3, 0.9], [0.1, 0.05]]] * 3)
"""(members, states, actions), members that agree."""


@pytest.mark.parametrize(
    ("share", "edges"),
    [
        (0.5, [[1, 0], [0, 1], [0, 0]]),
        (0.85, [[1, 0], [1, 1], [0, 0]]),
        (0.93, [[1, 1], [1, 1], [1, 0]]),
        (1.0, [[1, 1], [1, 1], [1, 1]]),
    ],
)
def test_the_fewest_edges_with_a_share(share: float, edges: list[list[int]]) -> None:
    found, threshold = cumulative(VALUES, share)
    np.testing.assert_array_equal(found, np.array(edges, dtype=bool))
    np.testing.assert_allclose(threshold[0], np.where(found, VALUES[0], 1.0).min(0))


def test_what_is_not_positive_has_no_share() -> None:
    found, _ = cumulative(np.array([[[-5.0], [1.0], [-0.1]]]), 1.0)
    assert found[1, 0] and found.sum() == 1


def test_an_edge_is_above_chance_with_its_whole_interval() -> None:
    rng = np.random.default_rng(0)
    null = np.abs(rng.normal(0.0, 0.1, size=(4, 3, 2)))
    values = np.array([[[0.5, 0.5], [0.5, 0.02], [0.5, 0.5]], [[0.6, 0.1], [0.6, 0.01], [0.6, 0.6]]])
    edges, threshold = above_chance(Influence(values, null), quantile=1.0, floor=0.05)
    np.testing.assert_array_equal(threshold, np.maximum(null.max((0, 2)), 0.05)[:, None] * np.ones((3, 2)))
    np.testing.assert_array_equal(edges, [[True, False], [True, False], [True, True]])
    assert not above_chance(Influence(values, null), quantile=1.0, floor=0.7)[0].any()


def test_every_action_sees_something() -> None:
    edges = np.zeros((3, 2), dtype=bool)
    edges[0, 0] = True
    found = with_an_input(edges, [[9.0, -3.0], [9.0, -1.0], [9.0, -2.0]])
    np.testing.assert_array_equal(found, [[True, False], [False, True], [False, False]])
    assert edges.sum() == 1

import numpy as np
import pytest

from assembly_rl.controllers.mlp import MLP


def test_layers_and_activations_by_hand() -> None:
    first = (np.array([[1.0, -2.0], [0.5, 0.5]]), np.array([0.25, -1.0]), "relu")
    second = (np.array([[2.0, 1.0]]), np.array([-0.5]), "tanh")
    hidden = np.array([1.0 * 3.0 - 2.0 * 1.0 + 0.25, 0.5 * 3.0 + 0.5 * 1.0 - 1.0])
    expected = np.tanh(2.0 * hidden[0] + hidden[1] - 0.5)
    assert MLP([first, second])(np.array([3.0, 1.0], dtype=np.float32)) == pytest.approx(expected)


def test_layers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"layer 1 has weight \(1, 3\), bias \(1,\) and 2 inputs"):
        MLP([(np.ones((2, 2)), np.ones(2), "relu"), (np.ones((1, 3)), np.ones(1), "tanh")])
    with pytest.raises(ValueError, match="unknown activation 'gelu'; known: relu, tanh, identity"):
        MLP([(np.ones((2, 2)), np.ones(2), "gelu")])

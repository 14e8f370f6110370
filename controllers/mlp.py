"""Multilayer perceptron in numpy, for inference with a trained policy."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float32]


def _relu(values: Array) -> Array:
    return np.maximum(values, 0.0)


def _identity(values: Array) -> Array:
    return values


def _constant(values: Array) -> Array:
    """Return a copy that nobody can change."""
    own = np.array(values, dtype=np.float32)
    own.setflags(write=False)
    return own


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"relu": _relu, "tanh": np.tanh, "identity": _identity}
"""Activation functions by name."""


class MLP:
    """Multilayer perceptron of linear layers, each followed by an activation; float32.

    Args:
        layers: Weight (outputs, inputs), bias (outputs,) and name of the activation of each layer.

    Raises:
        ValueError: Layers that do not fit together, or an unknown activation.
    """

    def __init__(self, layers: Sequence[tuple[Array, Array, str]]) -> None:
        width = layers[0][0].shape[1] if layers else 0
        for number, (weight, bias, activation) in enumerate(layers):
            if weight.shape != (len(bias), width):
                raise InputError(
                    f"layer {number} has weight {weight.shape}, bias {bias.shape} and {width} inputs: "
                    "they do not fit"
                )
            if activation not in ACTIVATIONS:
                known = ", ".join(ACTIVATIONS)
                raise InputError(f"layer {number}: unknown activation {activation!r}; known: {known}")
            width = len(bias)
        self.layers = tuple(
            (_constant(weight), _constant(bias), activation) for weight, bias, activation in layers
        )

    def __call__(self, inputs: Array) -> Array:
        """Return the outputs, shape (outputs,), for inputs of shape (inputs,)."""
        values = inputs
        for weight, bias, activation in self.layers:
            values = ACTIVATIONS[activation](weight @ values + bias)
        return values

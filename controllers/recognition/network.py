"""One-dimensional convolutional network in numpy, for inference."""

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from assembly_rl.controllers.recognition.features import BLOCK, CHANNELS, PRESENT, WINDOW
from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float32]

STRIDES = (2, 2, 2)
"""Steps of the convolutions, in samples."""

HEADS = ("state", "offset", "side", "kind")
"""Outputs: contact states, offset from the hole, side of the contact, kind of section."""

MAX_WIDTH = 1024
"""Largest number of channels or units of a layer."""


def array_names() -> list[str]:
    """Return the names of the network's arrays."""
    layers = [f"conv{number}" for number in range(len(STRIDES))] + ["dense", *HEADS]
    return [f"{layer}.{array}" for layer in layers for array in ("weight", "bias")]


class Network:
    """Network of three convolutions over time, a dense layer, and a linear head for each output; float32.

    The convolutions (without padding, in steps of ``STRIDES``) and the dense layer are followed by a ReLU.
    The dense layer sees the last feature map, channel by channel, and then the present pose.

    Args:
        arrays: Arrays by the names of ``array_names``: weights of convolutions (outputs, inputs, length),
            other weights (outputs, inputs), and biases (outputs,). They are copied.

    Raises:
        ValueError: An array is missing, does not fit, or has a value that is not finite.
    """

    def __init__(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        own: dict[str, Array] = {}
        for name in array_names():
            if name not in arrays:
                raise InputError(f"the network has no array {name!r}: write the file again")
            if not np.issubdtype(arrays[name].dtype, np.floating) or not np.isfinite(arrays[name]).all():
                raise InputError(f"the network's array {name!r} must have finite floats")
            own[name] = np.array(arrays[name], dtype=np.float32)
            own[name].setflags(write=False)
        self.arrays = own
        width, length = len(CHANNELS), WINDOW // BLOCK
        for number, step in enumerate(STRIDES):
            shape = own[f"conv{number}.weight"].shape
            width = self._checked(f"conv{number}", 3, width)
            length = (length - shape[2]) // step + 1
            if length < 1:
                raise InputError(
                    f"the network's array 'conv{number}.weight' is longer than its input: {shape}"
                )
        width = self._checked("dense", 2, width * length + len(PRESENT))
        for head in HEADS:
            self._checked(head, 2, width)

    def _checked(self, layer: str, dimensions: int, inputs: int) -> int:
        """Return the number of outputs of a layer that fits."""
        weight, bias = self.arrays[f"{layer}.weight"], self.arrays[f"{layer}.bias"]
        fits = weight.ndim == dimensions and weight.shape[1] == inputs and bias.shape == weight.shape[:1]
        if not fits or not 0 < len(bias) <= MAX_WIDTH:
            raise InputError(
                f"the network's layer {layer!r} has weight {weight.shape} and bias {bias.shape}, but "
                f"{inputs} inputs: they do not fit"
            )
        return len(bias)

    def __call__(self, channels: Array, present: Array) -> dict[str, Array]:
        """Return the outputs by the names of ``HEADS``.

        Args:
            channels: Channels over time (18, ``WINDOW / BLOCK``).
            present: Present pose (7,).
        """
        values = channels
        for number, step in enumerate(STRIDES):
            weight, bias = self.arrays[f"conv{number}.weight"], self.arrays[f"conv{number}.bias"]
            windows = sliding_window_view(values, weight.shape[2], axis=1)[:, ::step]
            values = np.maximum(np.tensordot(weight, windows, axes=((1, 2), (0, 2))) + bias[:, None], 0.0)
        values = np.concatenate((values.ravel(), present))
        values = np.maximum(self.arrays["dense.weight"] @ values + self.arrays["dense.bias"], 0.0)
        return {head: self.arrays[f"{head}.weight"] @ values + self.arrays[f"{head}.bias"] for head in HEADS}

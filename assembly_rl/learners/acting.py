"""Action selection during training: the actor's forward pass in numpy, on the memory of the learner."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from assembly_rl.learners.networks import Network
from assembly_rl.learners.symmetrization import Symmetrization

Array = NDArray[np.float32]


class Actor:
    """Forward pass of a network for a few rows at a time, without the overhead of a framework.

    On the CPU it shares the memory of the network's weights; ``refresh`` copies them from another device.

    Args:
        network: Actor network with one head.
        symmetrization: Symmetries over which the outputs are averaged; by default they are not.
    """

    def __init__(self, network: Network, symmetrization: Symmetrization | None = None) -> None:
        self._symmetrization = symmetrization
        self._source = network.flat.values
        self._is_near = self._source.device.type == "cpu"
        near = self._source if self._is_near else self._source.cpu()
        self._values = near.numpy()
        start = self._source.data_ptr()
        size = self._source.element_size()

        def place(tensor: Tensor) -> Array:
            first = (tensor.data_ptr() - start) // size
            return self._values[first : first + tensor.numel()].reshape(tensor.shape)

        self._layers = [(place(layer.weight)[0].T, place(layer.bias)[0]) for layer in network.layers]

    def refresh(self) -> None:
        """Copy the weights from the device, which synchronises with it."""
        if not self._is_near:
            self._values[:] = self._source.cpu().numpy()

    def __call__(self, observations: Array) -> Array:
        """Compute the outputs (rows, outputs) for observations (rows, inputs)."""
        own = self._symmetrization
        if own is None:
            return self._outputs(observations)
        rows, width = observations.shape
        views = (own.signs * observations[:, own.source]).reshape(rows * own.views, width)
        return np.asarray(self._outputs(views).reshape(rows, len(own.average)) @ own.average)

    def _outputs(self, observations: Array) -> Array:
        values = observations
        last = len(self._layers) - 1
        for number, (weight, bias) in enumerate(self._layers):
            values = np.matmul(values, weight) + bias
            if number < last:
                np.maximum(values, 0.0, out=values)
        return values

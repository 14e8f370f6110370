"""Acting while learning: the actor's forward pass in numpy, on the memory that is being learned in."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from assembly_rl.devices.networks import Network

Array = NDArray[np.float32]


class Actor:
    """What a network computes, without the cost of a framework: for a few rows at a time.

    On the CPU its weights are the network's own memory. From another device they are copied, by ``refresh``.

    Args:
        network: The actor.
    """

    def __init__(self, network: Network) -> None:
        self._source = network.flat.values
        self._is_near = self._source.device.type == "cpu"
        near = self._source if self._is_near else self._source.cpu()
        self._values = near.numpy()
        start = self._source.data_ptr()
        size = self._source.element_size()

        def place(tensor: Tensor) -> Array:
            first = (tensor.data_ptr() - start) // size
            return self._values[first : first + tensor.numel()].reshape(tensor.shape)

        self._layers = [
            (place(layer.weight).transpose(0, 2, 1), place(layer.bias)) for layer in network.layers
        ]

    def refresh(self) -> None:
        """Fetch the weights; this waits for the device."""
        if not self._is_near:
            self._values[:] = self._source.cpu().numpy()

    def __call__(self, observations: Array) -> list[Array]:
        """Outputs, heads side by side: (rows, heads) for each output of a head, or one (rows, outputs)."""
        values = observations[None]
        last = len(self._layers) - 1
        for number, (weight, bias) in enumerate(self._layers):
            values = np.matmul(values, weight) + bias
            if number < last:
                np.maximum(values, 0.0, out=values)
        if len(values) == 1:
            return [values[0]]
        return [values[:, :, k].T for k in range(values.shape[2])]

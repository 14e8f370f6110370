"""Actors averaged over the symmetries of an insertion, which makes them equivariant.

The mean over all turns and reflections g of ``g^-1 pi(g observation)`` turns and reflects with its
observation, whatever the network pi is: the Reynolds operator, or group averaging. Sources: O. Puny et al.,
"Frame averaging for invariant and equivariant network design", 2022; D. Wang et al., "SO(2)-equivariant
reinforcement learning", 2022. The mean is taken before tanh, which is odd and so keeps the symmetry, and of
the logarithms of standard deviations. The averaged actor then is a multilayer perceptron, too: the networks
of all views side by side.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import block_diag
from torch import Tensor

from assembly_rl.controllers.insertion.symmetry import symmetries
from assembly_rl.controllers.validation import AXES
from assembly_rl.learners.networks import Network, Pass


class Symmetrization:
    """Views of an observation, and the average of the outputs of a network for them.

    The views (rows, views * inputs) are ``signs * observations[:, source]``, one beside the other; the
    average is the product of the outputs (rows, views * outputs) with ``average``.

    Args:
        names: Names of the components of an observation.
        stochastic: True if the outputs are means, then logarithms of standard deviations, False for actions
            alone.

    Attributes:
        views: Number of symmetries.
        source: Index of the component that each component of the views is taken from (views * inputs,).
        signs: Its sign (views * inputs,).
        average: Map of the outputs for all views to their average (views * outputs, outputs).

    Raises:
        ValueError: It is not known how a component of the observation changes.
    """

    def __init__(self, names: Sequence[str], stochastic: bool) -> None:
        observed = symmetries(names)
        self.views = len(observed)
        self.source = np.concatenate([own.source for own in observed])
        self.signs = np.concatenate([own.signs for own in observed])
        blocks = []
        for own in symmetries(AXES):
            back = own.inverse()(np.eye(len(AXES), dtype=np.float32)) / self.views
            blocks.append(block_diag(back, np.abs(back)) if stochastic else back)
        self.average: NDArray[np.float32] = np.concatenate(blocks)


class SymmetrizedPass:
    """Forward and backward pass of a fixed input through the average of a network over the symmetries.

    It is used like a ``Pass``; the gradients are those of the averaged outputs.

    Args:
        symmetrization: Views and average.
        network: Network with one head.
        inputs: (rows, inputs) tensor, read at every call.
        learns: Number of first rows that contribute to the gradients of the parameters.

    Attributes:
        outputs: (1, rows, outputs) result of ``forward``.
        slope: (1, rows, outputs) input of ``backward``: gradient of the loss by the outputs.
    """

    def __init__(
        self, symmetrization: Symmetrization, network: Network, inputs: Tensor, learns: int = 0
    ) -> None:
        views = symmetrization.views
        rows, width = inputs.shape
        self._inputs = inputs
        self._source, self._signs, self._average = (
            torch.from_numpy(array).to(inputs.device)
            for array in (symmetrization.source, symmetrization.signs, symmetrization.average)
        )
        self._views = inputs.new_empty(rows, views * width)
        self._pass = Pass(network, self._views.view(rows * views, width), learns * views)
        self._of_views = self._pass.outputs.view(rows, len(self._average))
        self._slope_of_views = self._pass.slope.view(-1, len(self._average))
        self.outputs = inputs.new_empty(1, rows, self._average.shape[1])
        self.slope = inputs.new_zeros(1, len(self._slope_of_views), self._average.shape[1])

    def forward(self) -> Tensor:
        """Compute the outputs for the present inputs; they are valid until the next call."""
        torch.index_select(self._inputs, 1, self._source, out=self._views)
        self._views.mul_(self._signs)
        self._pass.forward()
        torch.mm(self._of_views, self._average, out=self.outputs[0])
        return self.outputs

    def backward(self) -> None:
        """Overwrite the gradients with those from ``slope``; call it right after ``forward``."""
        torch.mm(self.slope[0], self._average.t(), out=self._slope_of_views)
        self._pass.backward()


def pass_of(
    symmetrization: Symmetrization | None, network: Network, inputs: Tensor, learns: int = 0
) -> Pass | SymmetrizedPass:
    """Return a pass through an actor, averaged over the symmetries if they are given."""
    if symmetrization is None:
        return Pass(network, inputs, learns)
    return SymmetrizedPass(symmetrization, network, inputs, learns)

"""Network of the recogniser in torch, and the pretext tasks on its hidden feature maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from assembly_rl.controllers.recognition import BLOCK, CHANNELS, PRESENT, STATES, WINDOW
from assembly_rl.controllers.recognition.network import HEADS, STRIDES

WIDTHS, LENGTHS = (32, 32, 64), (5, 5, 3)
"""Channels of the hidden feature maps, and lengths of the kernels in samples."""

UNITS = 64
"""Units of the dense layer."""

PARTS = 4
"""Segments of time, and groups of channels, into which a feature map is divided."""


def map_lengths() -> list[int]:
    """Return the samples of each hidden feature map."""
    length, found = WINDOW // BLOCK, []
    for kernel, step in zip(LENGTHS, STRIDES, strict=True):
        length = (length - kernel) // step + 1
        found.append(length)
    return found


class RecognizerNetwork(nn.Module):
    """Network whose arrays are those of ``assembly_rl.controllers.recognition.Network``.

    Args:
        kinds: Number of kinds of sections.
        dropout: Probability with which a value of a hidden feature map is dropped in training.
    """

    def __init__(self, kinds: int, dropout: float = 0.0) -> None:
        super().__init__()
        width = len(CHANNELS)
        for number, (own, kernel, step) in enumerate(zip(WIDTHS, LENGTHS, STRIDES, strict=True)):
            self.add_module(f"conv{number}", nn.Conv1d(width, own, kernel, step))
            width = own
        self.dense = nn.Linear(width * map_lengths()[-1] + len(PRESENT), UNITS)
        for head, outputs in zip(HEADS, (len(STATES), 2, 2, kinds), strict=True):
            self.add_module(head, nn.Linear(UNITS, outputs))
        self._dropout = dropout

    def hidden(self, channels: Tensor, present: Tensor, drop: "Drop | None" = None) -> Tensor:
        """Return the dense layer's output (n, 64).

        Args:
            channels: Channels over time (n, 18, 50).
            present: Present pose (n, 7).
            drop: Parts of a hidden feature map that are dropped; nothing without a pretext task.
        """
        values = channels
        for number in range(len(STRIDES)):
            values = self.get_submodule(f"conv{number}")(values)
            if drop is not None and drop.number == number:
                # Zeros before the ReLU are zeros after it, and its gradient there is zero, too.
                values.detach()[: len(drop.factors)] *= drop.factors
            values = functional.relu(values)
            if self._dropout:
                values = functional.dropout(values, self._dropout, self.training)
        return functional.relu(self.dense(torch.cat((values.flatten(1), present), dim=1)))

    def forward(self, channels: Tensor, present: Tensor) -> dict[str, Tensor]:
        """Return the outputs by the names of ``HEADS``; arguments as in ``hidden``."""
        return self.outputs(self.hidden(channels, present))

    def outputs(self, hidden: Tensor) -> dict[str, Tensor]:
        """Return the outputs for the dense layer's output."""
        return {head: self.get_submodule(head)(hidden) for head in HEADS}

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return copies of the arrays, by name."""
        return {name: value.detach().numpy().copy() for name, value in self.state_dict().items()}


@dataclass(frozen=True)
class Drop:
    """Parts of a hidden feature map that are dropped in a batch.

    Attributes:
        number: Number of the hidden feature map.
        classifier: Number of the classifier, one for each map and task.
        parts: Part that is dropped in each sample of the first quarter of the batch (n / 4,).
        factors: Factors on their maps, (n / 4, channels, 1) or (n / 4, 1, length).
    """

    number: int
    classifier: int
    parts: Tensor
    factors: Tensor


class Pretext(nn.Module):
    """Pretext tasks: which part of a hidden feature map was dropped, together with the contact state.

    In each batch a hidden feature map and a task are drawn, and in a quarter of the samples a part of that
    map is set to zero: one of ``PARTS`` segments of time, or one of ``PARTS`` groups of channels. A
    classifier for each map and task, on the output of the dense layer, learns the joint label
    ``state x part``. The tasks share the forward pass of the training, whose own outputs learn from the other
    samples, and their classifiers are not needed afterwards.

    Source: H. Lee et al., "Self-supervised label augmentation via input transformations", 2020, for joint
    labels, here with feature maps in place of inputs.

    Args:
        tasks: Tasks, of ``segments`` and ``channels``.
    """

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__()
        sizes = list(zip(WIDTHS, map_lengths(), strict=True))
        self._choices = [
            (number, _factors(task, *sizes[number])) for number in range(len(STRIDES)) for task in tasks
        ]
        self.classifiers = nn.ModuleList(nn.Linear(UNITS, len(STATES) * PARTS) for _ in self._choices)

    def draw(self, count: int) -> Drop:
        """Draw what is dropped in a batch of a number of samples."""
        classifier = int(torch.randint(len(self._choices), ()))
        number, factors = self._choices[classifier]
        parts = torch.randint(PARTS, (count // 4,))
        return Drop(number, classifier, parts, factors[parts])

    def loss(self, hidden: Tensor, states: Tensor, drop: Drop) -> Tensor:
        """Return the mean cross-entropy of the joint labels.

        Args:
            hidden: Output (n, 64) of the dense layer.
            states: Contact states (n,).
            drop: Parts that were dropped.
        """
        count = len(drop.parts)
        said = self.classifiers[drop.classifier](hidden[:count])
        return functional.cross_entropy(said, states[:count] * PARTS + drop.parts)


def _factors(task: str, width: int, length: int) -> Tensor:
    """Return the factors on a map for each part, (parts, width, 1) or (parts, 1, length)."""
    size = length if task == "segments" else width
    bounds = np.linspace(0, size, PARTS + 1).round().astype(int)
    found = torch.ones(PARTS, size)
    for part in range(PARTS):
        found[part, bounds[part] : bounds[part + 1]] = 0.0
    return found[:, None, :] if task == "segments" else found[:, :, None]

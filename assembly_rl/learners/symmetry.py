"""Batches of transitions that are turned and reflected about the insertion's axis."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from assembly_rl.controllers.insertion.symmetry import symmetries
from assembly_rl.controllers.validation import AXES


class Augmentation:
    """Transformation of the rows of a batch of transitions by all symmetries, equally many rows by each.

    A row is observation, action, next observation, and further columns that do not change.

    Args:
        names: Names of the components of an observation.
        batch: Memory of the batch (rows, columns).
    """

    def __init__(self, names: Sequence[str], batch: Tensor) -> None:
        rows, columns = batch.shape
        width, actions = len(names), len(AXES)
        source = np.tile(np.arange(columns), (rows, 1))
        signs = np.ones((rows, columns), np.float32)
        pairs = list(zip(symmetries(names), symmetries(AXES), strict=True))
        for row in range(rows):
            for_observation, for_action = pairs[row * len(pairs) // rows]
            for start, own in ((0, for_observation), (width, for_action), (width + actions, for_observation)):
                stop = start + len(own.source)
                source[row, start:stop] = start + own.source
                signs[row, start:stop] = own.signs
        self._source = torch.from_numpy(source).to(batch.device)
        self._signs = torch.from_numpy(signs).to(batch.device)
        self.drawn = torch.zeros_like(batch)
        self._batch = batch

    def __call__(self) -> None:
        """Fill the batch with the transformed rows of ``drawn``."""
        torch.gather(self.drawn, 1, self._source, out=self._batch)
        self._batch.mul_(self._signs)

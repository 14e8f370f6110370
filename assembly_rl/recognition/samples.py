"""Samples for the network: inputs and targets of each policy step of a recording."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.recognition import WINDOW, features
from assembly_rl.controllers.recognition.recognizer import OFFSET_SCALE, SIDE_SCALE
from assembly_rl.recognition.episodes import Recording
from assembly_rl.recognition.labels import states

Array = NDArray[np.float32]

TOGETHER = 4096
"""Windows whose inputs are computed together."""


@dataclass(frozen=True)
class Samples:
    """Inputs and targets of policy steps.

    Attributes:
        channels: Channels over time (n, 18, 50); see ``features``.
        present: Present pose (n, 7).
        states: Contact state (n,), its place in ``STATES``.
        kinds: Kind of section (n,), by number.
        offsets: Offset from the hole (n, 2), in ``OFFSET_SCALE``.
        sides: Side of the contact (n, 2), in ``SIDE_SCALE``; zero without one.
    """

    channels: Array
    present: Array
    states: NDArray[np.int64]
    kinds: NDArray[np.int64]
    offsets: Array
    sides: Array

    def __len__(self) -> int:
        return len(self.states)


def windows(recording: Recording, steps: NDArray[np.int64]) -> Array:
    """Return the readings (n, 100, 18) up to the end of some policy steps.

    Before the start of an episode its first reading is repeated.
    """
    rows = recording.ends[steps, None] - WINDOW + np.arange(WINDOW)
    return np.asarray(recording.readings[np.maximum(rows, recording.starts[steps, None])])


def samples(recording: Recording) -> Samples:
    """Compute the samples of all policy steps of a recording."""
    count = len(recording.ends)
    found = [
        features(windows(recording, np.arange(first, min(first + TOGETHER, count))))
        for first in range(0, count, TOGETHER)
    ]
    return Samples(
        channels=np.concatenate([channels for channels, _ in found]),
        present=np.concatenate([present for _, present in found]),
        states=states(recording),
        kinds=recording.kinds,
        offsets=(recording.offsets / OFFSET_SCALE).astype(np.float32),
        sides=(recording.sides / SIDE_SCALE).astype(np.float32),
    )

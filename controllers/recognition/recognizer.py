"""Recogniser of the contact state, updated in each control step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.recognition.features import READING, WINDOW, features
from assembly_rl.controllers.recognition.network import Network
from assembly_rl.controllers.recognition.states import IN_HOLE, RIM, STATES
from assembly_rl.controllers.validation import InputError, is_finite

Array = NDArray[np.float64]

CONTROL_RATE = 200.0
"""Rate [Hz] at which the recogniser is updated, on which its network was trained."""

OFFSET_SCALE = 2e-3
"""Unit [m] of the network's offset."""

SIDE_SCALE = 1e-2
"""Unit [m] of the network's side."""


@dataclass(frozen=True)
class Recognition:
    """Estimate of the present contact state; vectors are in nominal axes, x and y.

    Attributes:
        states: Contact state -> probability, if all states were equally frequent; see ``STATES``.
        offset: Vector (2,) [m] from the axis of the true hole to the tip: the way to go is its negative.
        error: Vector (2,) [m] from the true hole to the estimated one at the height of the tip: ``offset``
            less the position of the tip in the estimated hole.
        side: Vector (2,) [m] from the tip to the middle of its contacts, on the rim and in the hole.
        kinds: Kind of section -> probability.
    """

    states: dict[str, float]
    offset: Array
    error: Array
    side: Array
    kinds: dict[str, float]

    @property
    def state(self) -> str:
        """Most probable contact state."""
        return max(self.states, key=lambda name: self.states[name])

    @property
    def rim(self) -> float:
        """Probability of a contact on the rim."""
        return sum(self.states[name] for name in RIM)

    @property
    def in_hole(self) -> float:
        """Probability that the peg is in the hole."""
        return sum(self.states[name] for name in IN_HOLE)

    @property
    def kind(self) -> str:
        """Most probable kind of section."""
        return max(self.kinds, key=lambda name: self.kinds[name])


class ContactRecognizer:
    """Recogniser of the contact state from the wrench, the pose and the command of the last half second.

    ``update`` is called in each control step, at ``CONTROL_RATE``, and ``read`` whenever the state is needed.
    After a reset the first reading stands for those before it.

    Args:
        network: Network.
        kinds: Names of the kinds of sections, in the order of the network's output.

    Raises:
        ValueError: The network has other outputs.
    """

    def __init__(self, network: Network, kinds: Sequence[str]) -> None:
        own = {head: len(network.arrays[f"{head}.bias"]) for head in ("state", "offset", "side", "kind")}
        expected = {"state": len(STATES), "offset": 2, "side": 2, "kind": len(kinds)}
        for head, count in expected.items():
            if own[head] != count:
                raise InputError(
                    f"the network's output {head!r} must have {count} components, got {own[head]}"
                )
        self.network, self.kinds = network, tuple(kinds)
        self._readings = np.zeros((WINDOW, READING), dtype=np.float64)
        self.reset()

    def reset(self) -> None:
        """Forget all readings."""
        self._next, self._empty = 0, True

    def update(
        self, wrench: Sequence[float] | Array, pose: Sequence[float] | Array, command: Sequence[float] | Array
    ) -> None:
        """Take the readings of a control step, in the axes of the nominal frame.

        Args:
            wrench: Wrench that the environment applies to the tool at the tip (6,) [N, Nm].
            pose: Measured pose of the tip, translation and rotation vector (6,) [m, rad].
            command: Commanded pose of the tip, likewise.

        Raises:
            ValueError: One of them is not six finite numbers.
        """
        reading = (*wrench, *pose, *command)
        if not len(wrench) == len(pose) == len(command) == 6 or not all(map(is_finite, reading)):
            raise InputError(
                "wrench, pose and command must be six finite numbers each, got "
                f"{wrench!r:.80}, {pose!r:.80}, {command!r:.80}"
            )
        if self._empty:
            self._readings[:] = reading
            self._empty = False
        self._readings[self._next] = reading
        self._next = (self._next + 1) % WINDOW

    @property
    def window(self) -> Array:
        """Copy of the readings (100, 18) of the last half second, the latest one last."""
        return np.roll(self._readings, -self._next, axis=0)

    def read(self) -> Recognition:
        """Recognise the present contact state.

        Raises:
            ValueError: There was no reading since the last reset.
        """
        if self._empty:
            raise InputError("there is no reading yet: call update in each control step")
        channels, present = features(self.window[None])
        found = self.network(channels[0], present[0])
        offset = OFFSET_SCALE * found["offset"].astype(np.float64)
        latest = self._readings[self._next - 1, 6:8]
        return Recognition(
            states=dict(zip(STATES, _probabilities(found["state"]), strict=True)),
            offset=offset,
            error=offset - latest,
            side=SIDE_SCALE * found["side"].astype(np.float64),
            kinds=dict(zip(self.kinds, _probabilities(found["kind"]), strict=True)),
        )


def _probabilities(logits: NDArray[np.float32]) -> list[float]:
    weights = np.exp(logits.astype(np.float64) - logits.max())
    return [float(value) for value in weights / weights.sum()]

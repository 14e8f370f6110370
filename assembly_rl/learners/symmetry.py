"""Symmetry of an insertion under quarter turns about its axis and under reflections.

If sections are drawn in all orientations, an insertion that is turned about the axis, or reflected, is as
likely as the original one. Source: D. Wang et al., "SO(2)-equivariant reinforcement learning", 2022, which
builds the symmetry into the networks; here transitions are transformed. Quarter turns and reflections only
permute components and change their signs, so that clipped and compressed components stay exact.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assembly_rl.controllers.validation import AXES, InputError
from assembly_rl.envs.geometry.descriptor import DIRECTIONS

AXIS = re.compile(
    r"(?P<prefix>last_action_|true_|velocity_|)(?P<kind>[fmr]?)(?P<axis>[xyz])(?P<age>\[t-\d+\])?"
)
AXIAL = ("m", "r")
"""Kinds of components that are axial vectors: moments and rotation vectors."""

INVARIANT = ("time", "friction", "clearance", "chamfer", "lag", "delay")
"""Components that a turn or reflection does not change."""

Image = tuple[str, float]
"""Name of the component that takes the place of another one, and its sign."""


@dataclass(frozen=True)
class Transformation:
    """Linear map that permutes components and changes signs: ``signs * values[..., source]``.

    Attributes:
        source: Index of the component that each component is taken from (n,).
        signs: Sign of each component (n,).
    """

    source: NDArray[np.int64]
    signs: NDArray[np.float32]

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Transform values (..., n)."""
        return self.signs * values[..., self.source]

    def after(self, other: "Transformation") -> "Transformation":
        """Return the map that applies another one first."""
        return Transformation(other.source[self.source], self.signs * other.signs[self.source])


VISIT = re.compile(r"visits_(\d+)_(\d+)")


def symmetries(names: Sequence[str]) -> list[Transformation]:
    """Return the eight combinations of quarter turns about z and the reflection y -> -y, identity first.

    Args:
        names: Names of the components, as in observations; ``AXES`` for an action.

    Raises:
        ValueError: It is not known how a component changes.
    """
    identity = Transformation(np.arange(len(names)), np.ones(len(names), np.float32))
    turn, reflection = _map(names, _turned), _map(names, _reflected)
    turns = [identity]
    for _ in range(3):
        turns.append(turn.after(turns[-1]))
    return turns + [reflection.after(own) for own in turns]


def _map(names: Sequence[str], image: Callable[[str, int], Image]) -> Transformation:
    places = {name: place for place, name in enumerate(names)}
    last = max((int(found[1]) for name in names if (found := VISIT.fullmatch(name))), default=0)
    images = [image(name, last) for name in names]
    missing = next((source for source, _ in images if source not in places), None)
    if missing is not None:
        raise InputError(f"the symmetry of the observation needs its component {missing!r}, which it lacks")
    return Transformation(
        np.array([places[source] for source, _ in images]), np.array([sign for _, sign in images], np.float32)
    )


def _parts(name: str) -> tuple[str, str, str, str]:
    found = AXIS.fullmatch(name)
    if found is None:
        raise InputError(f"no symmetry is known for the component {name!r} of the observation")
    prefix, kind, axis, age = found.groups("")
    return prefix, kind, axis, age


def _turned(name: str, last: int) -> Image:
    """Return what a component becomes when all vectors turn by 90 degrees from x to y.

    Args:
        name: Name of the component.
        last: Number of the last cell of a map along an axis.
    """
    if cell := VISIT.fullmatch(name):
        return f"visits_{cell[2]}_{last - int(cell[1])}", 1.0
    if name in INVARIANT:
        return name, 1.0
    if name.startswith("extent_"):
        return f"extent_{(int(name[7:]) - DIRECTIONS // 4) % DIRECTIONS}", 1.0
    prefix, kind, axis, age = _parts(name)
    source, sign = {"x": ("y", -1.0), "y": ("x", 1.0), "z": ("z", 1.0)}[axis]
    return f"{prefix}{kind}{source}{age}", sign


def _reflected(name: str, last: int) -> Image:
    """Return what a component becomes under y -> -y, which turns axial vectors about, too."""
    if cell := VISIT.fullmatch(name):
        return f"visits_{cell[1]}_{last - int(cell[2])}", 1.0
    if name in INVARIANT:
        return name, 1.0
    if name.startswith("extent_"):
        return f"extent_{-int(name[7:]) % DIRECTIONS}", 1.0
    _, kind, axis, _ = _parts(name)
    return name, -1.0 if (axis == "y") != (kind in AXIAL) else 1.0


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

"""Symmetry of an insertion under quarter turns about its axis and under reflections.

If sections are drawn in all orientations, an insertion that is turned about the axis, or reflected, is as
likely as the original one. Source: D. Wang et al., "SO(2)-equivariant reinforcement learning", 2022, which
builds the symmetry into the networks; here observations and actions are transformed. Quarter turns and
reflections only permute components and change their signs, so that clipped and compressed components stay
exact.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import AXES, InputError, require_not_negative, require_positive

AXIS = re.compile(
    r"(?P<prefix>last_action_|base_action_|true_|velocity_|)(?P<kind>[fmr]?)(?P<axis>[xyz])(?P<age>\[t-\d+\])?"
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

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Transform values (..., n)."""
        return np.asarray(self.signs * values[..., self.source])

    def inverse(self) -> "Transformation":
        """Return the map back."""
        source = np.argsort(self.source)
        return Transformation(source, self.signs[source])

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


def _map(names: Sequence[str], image: Callable[[str, int, int], Image]) -> Transformation:
    places = {name: place for place, name in enumerate(names)}
    last = max((int(found[1]) for name in names if (found := VISIT.fullmatch(name))), default=0)
    directions = sum(name.startswith("extent_") for name in names)
    images = [image(name, last, directions) for name in names]
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


def _turned(name: str, last: int, directions: int) -> Image:
    """Return what a component becomes when all vectors turn by 90 degrees from x to y.

    Args:
        name: Name of the component.
        last: Number of the last cell of a map along an axis.
        directions: Number of directions in which a section's extents are given.
    """
    if cell := VISIT.fullmatch(name):
        return f"visits_{cell[2]}_{last - int(cell[1])}", 1.0
    if name in INVARIANT:
        return name, 1.0
    if name.startswith("extent_"):
        return f"extent_{(int(name[7:]) - directions // 4) % directions}", 1.0
    prefix, kind, axis, age = _parts(name)
    source, sign = {"x": ("y", -1.0), "y": ("x", 1.0), "z": ("z", 1.0)}[axis]
    return f"{prefix}{kind}{source}{age}", sign


def _reflected(name: str, last: int, directions: int) -> Image:
    """Return what a component becomes under y -> -y, which turns axial vectors about, too."""
    if cell := VISIT.fullmatch(name):
        return f"visits_{cell[1]}_{last - int(cell[2])}", 1.0
    if name in INVARIANT:
        return name, 1.0
    if name.startswith("extent_"):
        return f"extent_{-int(name[7:]) % directions}", 1.0
    _, kind, axis, _ = _parts(name)
    return name, -1.0 if (axis == "y") != (kind in AXIAL) else 1.0


ORDER = (4, 2, 6, 1, 5, 3, 7, 0)
"""Order in which ``Views`` takes the symmetries: a reflection first, each far from the one before."""


@dataclass
class SymmetryConfig:
    """Axes in which a policy sees an insertion that takes long.

    A policy without a state of its own can stay at a place of the rim from which it does not find the hole.
    Seen in turned or reflected axes the same place is another one for it, and it moves on. For policies that
    were trained on parts in all orientations.

    Attributes:
        after: Time from which on the axes change [s]; null for the axes of the nominal frame throughout.
        every: Time between two changes [s].
    """

    after: float | None = None
    every: float = 0.5

    def __post_init__(self) -> None:
        require_positive(self, every=bounds.TIME)
        if self.after is not None:
            require_not_negative(self, after=bounds.TIME)


class Views:
    """Turned and reflected axes, one after the other, in which a policy sees an insertion that takes long.

    Args:
        config: Times of the changes.
        names: Names of the components of an observation.

    Raises:
        ValueError: It is not known how a component of the observation changes.
    """

    def __init__(self, config: SymmetryConfig, names: Sequence[str]) -> None:
        self._after, self._every = config.after, config.every
        self._observations = [] if config.after is None else symmetries(names)
        self._actions = [own.inverse() for own in symmetries(AXES)]

    def number(self, time: float) -> int:
        """Return the number of the axes, as in ``symmetries``, at a time since the start [s]."""
        if self._after is None or time < self._after:
            return 0
        return ORDER[int((time - self._after) / self._every + 1e-9) % len(ORDER)]

    def observed(self, number: int, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an observation in the axes of a number."""
        return self._observations[number](observation) if number else observation

    def applied(self, number: int, action: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return an action, which a policy took in the axes of a number, in those of the nominal frame."""
        return np.asarray(self._actions[number](action)) if number else action

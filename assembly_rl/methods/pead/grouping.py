"""Groups of action components that move together: ``a = E u``."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.validation import AXES, InputError

TOLERANCE = 0.01
"""Relative tolerance of a stated ratio."""


@dataclass(frozen=True)
class Grouping:
    """The dimensions of a stage.

    Attributes:
        matrix: E (components, dimensions), each -1, 0 or 1; a component belongs to one dimension at most.
    """

    matrix: NDArray[np.float32]

    @property
    def dimensions(self) -> int:
        """How many the policy learns in."""
        return self.matrix.shape[1]

    @property
    def active(self) -> NDArray[np.bool_]:
        """(components,), whether a component is moved at all."""
        return np.abs(self.matrix).sum(1) > 0.0

    @property
    def leaders(self) -> NDArray[np.int64]:
        """(components,), the first component of the same dimension; -1 of one that is not moved."""
        first = np.argmax(self.matrix != 0.0, axis=0)
        return np.where(self.active, first[np.argmax(self.matrix != 0.0, axis=1)], -1)

    @property
    def tie(self) -> NDArray[np.float32]:
        """E E^T (components, components): the sum over tied components, with their signs."""
        return self.matrix @ self.matrix.T

    @property
    def follow(self) -> NDArray[np.float32]:
        """(components, components): takes each component from the leader of its dimension."""
        result = np.zeros((len(self.matrix),) * 2, dtype=np.float32)
        for component in np.flatnonzero(self.active):
            leader = self.leaders[component]
            result[component, leader] = self.tie[component, leader]
        return result

    @property
    def shares(self) -> NDArray[np.float32]:
        """(components,): one over the number of components of its dimension; 0 where it is not moved."""
        sizes = np.abs(self.matrix) @ np.abs(self.matrix).sum(0)
        return np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 0.0).astype(np.float32)

    @property
    def projection(self) -> NDArray[np.float32]:
        """E (E^T E)^-1 E^T: onto the actions that can be reached."""
        return self.tie * self.shares[:, None]

    def refines(self, other: "Grouping") -> bool:
        """Whether all that the other can do can be done with this one."""
        return bool(np.allclose(self.projection @ other.matrix, other.matrix))

    def __str__(self) -> str:
        """Such as ``x y | z``."""
        names = []
        for column in self.matrix.T:
            members = np.flatnonzero(column)
            names.append(" ".join(("-" if column[k] < 0 else "") + AXES[k] for k in members))
        return " | ".join(names)


FULL = Grouping(np.eye(6, dtype=np.float32))
"""Every component a dimension of its own."""


def parse(groups: Sequence[str], scales: Sequence[float] | None) -> Grouping:
    """A grouping from the names of each dimension's components, such as ``["x y", "-rx ry"]``.

    A minus turns a component round. Forces and moments are tied in one dimension only with the ratio of
    their scales, in metres: ``"x ry @ 0.03"``.

    Args:
        groups: One text for each dimension.
        scales: Of the action components [N] and [Nm]; None where they have no such units.

    Raises:
        ValueError: An unknown or repeated component, an empty dimension, or units that are mixed without
            the ratio of the scales.
    """
    matrix = np.zeros((6, len(groups)), dtype=np.float32)
    for column, text in enumerate(groups):
        members, _, ratio = text.partition("@")
        for name in members.split():
            axis = name.removeprefix("-")
            if axis not in AXES:
                raise InputError(f"the group {text!r} has {name!r}; known components: {', '.join(AXES)}")
            if matrix[AXES.index(axis)].any():
                raise InputError(f"{axis} is in more than one place of the groups {list(groups)}")
            matrix[AXES.index(axis), column] = -1.0 if name.startswith("-") else 1.0
        if not members.split():
            raise InputError(f"the groups {list(groups)} have one without components")
        _check_units(text, matrix[:, column], ratio, scales)
    if not len(groups):
        raise InputError("a stage needs at least one group of components")
    return Grouping(matrix)


def _check_units(text: str, column: NDArray[np.float32], ratio: str, scales: Sequence[float] | None) -> None:
    members = np.flatnonzero(column)
    kinds = {bool(member >= 3) for member in members}
    if len(kinds) < 2:
        if ratio:
            raise InputError(f"the group {text!r} states a ratio, but has components of one unit only")
        return
    if scales is None:
        raise InputError(f"the group {text!r} ties forces and moments: here actions are neither")
    forces, moments = ([scales[int(k)] for k in members if (k >= 3) == kind] for kind in (False, True))
    actual = max(moments) / max(forces)
    try:
        stated = float(ratio)
    except ValueError:
        stated = float("nan")
    if not abs(stated - actual) <= TOLERANCE * actual:
        raise InputError(
            f"the group {text!r} ties N and Nm: state the ratio of their scales, here {actual:g} m, as in "
            f"'{text.partition('@')[0].strip()} @ {actual:g}'"
        )


def check_stages(stages: Sequence[Grouping]) -> None:
    """Raise a ValueError where stages do not extend each other, or leave a component unreachable."""
    for number, (before, after) in enumerate(zip(stages, stages[1:], strict=False), start=1):
        if not after.refines(before) or after.dimensions <= before.dimensions:
            raise InputError(f"stage {number + 1} ({after}) does not extend stage {number} ({before})")
    if not stages[-1].active.all():
        missing = [AXES[k] for k in np.flatnonzero(~stages[-1].active)]
        raise InputError(f"no stage reaches {', '.join(missing)}: the last one, {stages[-1]}, lacks them")


def permuted(stages: Sequence[Grouping], rng: np.random.Generator) -> list[Grouping]:
    """Return stages of the same sizes with components drawn at random: a control."""
    order = rng.permutation(6)
    return [Grouping(stage.matrix[order]) for stage in stages]

"""Groups of action components that act as one dimension: ``a = E u``."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.validation import AXES, InputError

TOLERANCE = 0.01
"""Relative tolerance of a stated ratio."""


@dataclass(frozen=True)
class Grouping:
    """Action dimensions of a stage.

    Attributes:
        matrix: (components, dimensions) matrix E of -1, 0 and 1; a component is in at most one dimension.
    """

    matrix: NDArray[np.float32]

    @property
    def dimensions(self) -> int:
        """Number of dimensions in which the policy learns."""
        return self.matrix.shape[1]

    @property
    def active(self) -> NDArray[np.bool_]:
        """(components,) True for each component that belongs to a dimension."""
        return np.abs(self.matrix).sum(1) > 0.0

    @property
    def leaders(self) -> NDArray[np.int64]:
        """(components,) index of the first component of the same dimension; -1 for inactive components."""
        first = np.argmax(self.matrix != 0.0, axis=0)
        return np.where(self.active, first[np.argmax(self.matrix != 0.0, axis=1)], -1)

    @property
    def tie(self) -> NDArray[np.float32]:
        """(components, components) matrix E E^T, the sum over grouped components with their signs."""
        return self.matrix @ self.matrix.T

    @property
    def follow(self) -> NDArray[np.float32]:
        """(components, components) matrix that replaces each component by the leader of its dimension."""
        result = np.zeros((len(self.matrix),) * 2, dtype=np.float32)
        for component in np.flatnonzero(self.active):
            leader = self.leaders[component]
            result[component, leader] = self.tie[component, leader]
        return result

    @property
    def shares(self) -> NDArray[np.float32]:
        """(components,) reciprocal of the number of components of the dimension; 0 if inactive."""
        sizes = np.abs(self.matrix) @ np.abs(self.matrix).sum(0)
        return np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 0.0).astype(np.float32)

    @property
    def projection(self) -> NDArray[np.float32]:
        """(components, components) matrix E (E^T E)^-1 E^T, the projection onto reachable actions."""
        return self.tie * self.shares[:, None]

    def refines(self, other: "Grouping") -> bool:
        """Return True if all actions that the other grouping can reach are reachable with this one."""
        return bool(np.allclose(self.projection @ other.matrix, other.matrix))

    def __str__(self) -> str:
        """Return a text such as ``x y | z``."""
        names = []
        for column in self.matrix.T:
            members = np.flatnonzero(column)
            names.append(" ".join(("-" if column[k] < 0 else "") + AXES[k] for k in members))
        return " | ".join(names)


FULL = Grouping(np.eye(6, dtype=np.float32))
"""Grouping in which each component is a separate dimension."""


def parse(groups: Sequence[str], scales: Sequence[float] | None) -> Grouping:
    """Parse a grouping from the names of each dimension's components, such as ``["x y", "-rx ry"]``.

    A minus inverts the sign of a component. A dimension with forces and moments needs the ratio of their
    scales [m]: ``"x ry @ 0.03"``.

    Args:
        groups: Text for each dimension.
        scales: Scales of the action components [N, Nm]; None if they have no such units.

    Raises:
        ValueError: A component is unknown or repeated, a dimension is empty, or units are mixed without
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
    """Raise a ValueError if a stage does not extend the previous one, or a component remains unreachable."""
    for number, (before, after) in enumerate(zip(stages, stages[1:], strict=False), start=1):
        if not after.refines(before) or after.dimensions <= before.dimensions:
            raise InputError(f"stage {number + 1} ({after}) does not extend stage {number} ({before})")
    if not stages[-1].active.all():
        missing = [AXES[k] for k in np.flatnonzero(~stages[-1].active)]
        raise InputError(f"no stage reaches {', '.join(missing)}: the last one, {stages[-1]}, lacks them")


def permuted(stages: Sequence[Grouping], rng: np.random.Generator) -> list[Grouping]:
    """Return stages of the same sizes with randomly permuted components, as a control."""
    order = rng.permutation(6)
    return [Grouping(stage.matrix[order]) for stage in stages]

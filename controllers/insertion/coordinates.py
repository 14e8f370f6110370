"""Another part seen in the coordinates of the one that a policy knows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.compliance import ComplianceLaw

Array = NDArray[np.float64]


class Coordinates:
    """``x_old = A x_new`` and ``F_new = A^T F_old``: what ETCL found for the new part.

    Law, action and observation of a task are those of the old part; this makes the new part's of them. The
    policy acts, feels and sees as if it had the old part at hand.

    Args:
        matrix: A (6, 6), invertible; None where nothing changes.

    Raises:
        ValueError: The matrix is none.
    """

    def __init__(self, matrix: Sequence[Sequence[float]] | None) -> None:
        self._matrix = None
        if matrix is None:
            return
        try:
            self._matrix = np.array(matrix, dtype=np.float64)
        except (TypeError, ValueError):
            self._matrix = np.zeros(0)
        if self._matrix.shape != (6, 6) or not np.isfinite(self._matrix).all():
            raise ValueError(f"coordinates must be six rows of six finite numbers, got {matrix!r}")
        if abs(np.linalg.det(self._matrix)) < 1e-9:
            raise ValueError("coordinates must be invertible")
        self._inverse = np.array(np.linalg.inv(self._matrix))

    def law(self, old: ComplianceLaw) -> ComplianceLaw:
        """The new part's law."""
        return old if self._matrix is None else old.congruent(self._matrix)

    def told_wrench(self, old: Array) -> Array:
        """A wrench that the policy asks for [N, Nm], as the controller of the new part is told."""
        return old if self._matrix is None else self._matrix.T @ old

    def told_twist(self, old: Array) -> Array:
        """The same of a twist [m/s, rad/s]."""
        return old if self._matrix is None else self._inverse @ old

    def seen_wrench(self, new: Array) -> Array:
        """A measured wrench [N, Nm], as the policy feels it."""
        return new if self._matrix is None else self._inverse.T @ new

    def seen_twist(self, new: Array) -> Array:
        """The same of a twist [m/s, rad/s]."""
        return new if self._matrix is None else self._matrix @ new

    def seen_pose(self, new: Array, height: float) -> Array:
        """A pose [m, rad] in the nominal frame, by its offset from the path at that height [m]."""
        if self._matrix is None:
            return new
        path = np.array([0.0, 0.0, height, 0.0, 0.0, 0.0])
        return path + self._matrix @ (new - path)

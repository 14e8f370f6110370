"""Linear change of coordinates between a policy's part and another one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers import bounds
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]


class CoordinateTransform:
    """Linear map ``x_source = A x_target``, and its dual ``F_target = A^T F_source`` for wrenches.

    Law, action and observation of a task belong to the source part. ETCL computes the A with which they apply
    to the target part: the policy acts and observes as with the source part.

    Args:
        matrix: Invertible matrix A (6, 6); None for the identity.

    Raises:
        ValueError: The matrix has another shape, is not finite or not invertible.
    """

    def __init__(self, matrix: Sequence[Sequence[float]] | None) -> None:
        self._matrix = None
        if matrix is None:
            return
        try:
            self._matrix = np.array(matrix, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            self._matrix = np.zeros(0)
        if self._matrix.shape != (6, 6) or not np.isfinite(self._matrix).all():
            raise InputError(f"coordinates must be six rows of six finite numbers, got {matrix!r:.200}")
        if np.abs(self._matrix).max() > bounds.RATIO:
            raise InputError(
                f"coordinates must be within +-{bounds.RATIO:g} in SI units, got {matrix!r:.200}"
            )
        if abs(np.linalg.det(self._matrix)) < 1e-9:
            raise InputError("coordinates must be invertible")
        self._inverse = np.array(np.linalg.inv(self._matrix))

    def target_law(self, source: ComplianceLaw) -> ComplianceLaw:
        """Return the compliance law of the target part."""
        return source if self._matrix is None else source.congruent(self._matrix)

    def target_wrench(self, source: Array) -> Array:
        """Return a wrench (6,) [N, Nm] in the coordinates of the target part."""
        return source if self._matrix is None else self._matrix.T @ source

    def target_twist(self, source: Array) -> Array:
        """Return a twist (6,) [m/s, rad/s] in the coordinates of the target part."""
        return source if self._matrix is None else self._inverse @ source

    def source_wrench(self, target: Array) -> Array:
        """Return a wrench (6,) [N, Nm] in the coordinates of the source part."""
        return target if self._matrix is None else self._inverse.T @ target

    def source_twist(self, target: Array) -> Array:
        """Return a twist (6,) [m/s, rad/s] in the coordinates of the source part."""
        return target if self._matrix is None else self._matrix @ target

    def source_pose(self, target: Array, height: float) -> Array:
        """Return a pose (6,) [m, rad] of the nominal frame in the coordinates of the source part.

        Args:
            target: Pose in the coordinates of the target part.
            height: Height of the path [m]; only the offset from the path is transformed.
        """
        if self._matrix is None:
            return target
        path = np.array([0.0, 0.0, height, 0.0, 0.0, 0.0])
        return path + self._matrix @ (target - path)

"""Compliance law: a virtual mass-damper-spring in six dimensions."""

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers.se3 import Pose, adjoint, checked_pose
from assembly_rl.controllers.validation import AXES, InputError

Matrix = NDArray[np.float64]

LARGEST = 1e12
"""Largest entry of a law in SI units; beyond, rounding makes its arithmetic meaningless."""


def _six(name: str, values: ArrayLike) -> Matrix:
    vector = np.array(values, dtype=np.float64)
    if vector.shape != (6,):
        raise InputError(f"{name} must have six entries {' '.join(AXES)}, got shape {vector.shape}")
    return vector


def _require_finite(name: str, matrix: Matrix) -> None:
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise InputError(f"{name}[{AXES[row]}, {AXES[column]}] = {matrix[row, column]} is not finite")
    if np.abs(matrix).max() > LARGEST:
        row, column = np.unravel_index(np.abs(matrix).argmax(), (6, 6))
        raise InputError(
            f"{name}[{AXES[row]}, {AXES[column]}] = {matrix[row, column]} is beyond {LARGEST:g} in SI units"
        )


def _require_symmetric(name: str, matrix: Matrix, advice: str) -> None:
    difference = np.abs(matrix - matrix.T)
    if difference.max() > 1e-9 * max(1.0, np.abs(matrix).max()):
        row, column = np.unravel_index(difference.argmax(), (6, 6))
        raise InputError(
            f"{name} must be symmetric: [{AXES[row]}, {AXES[column]}] = {matrix[row, column]} but "
            f"[{AXES[column]}, {AXES[row]}] = {matrix[column, row]}{advice}"
        )


def _require_definite(name: str, matrix: Matrix, strictly: bool) -> None:
    eigenvalues, vectors = np.linalg.eigh(matrix)
    smallest = eigenvalues[0]
    if smallest <= 0.0 if strictly else smallest < -1e-9 * max(1.0, eigenvalues[-1]):
        axis = AXES[int(np.abs(vectors[:, 0]).argmax())]
        bound = "> 0" if strictly else ">= 0"
        raise InputError(
            f"{name} must have eigenvalues {bound}: the smallest is {smallest:g}, mostly along {axis}"
        )


@dataclass(frozen=True, eq=False)
class ComplianceLaw:
    """Compliance law ``M a + D v + K x = F - F_ref`` at a named centre, linear components first.

    x is the offset from the nominal pose (translation [m], rotation vector [rad]), v and a its
    derivatives; F is the wrench that the ENVIRONMENT applies to the tool, about the compliance centre. A
    tool that is pushed in +x moves in +x.

    Args:
        mass: Mass matrix M, shape (6, 6), kg, kg m and kg m2; positive definite.
        damping: Damping matrix D, shape (6, 6), Ns/m, Ns and Nms/rad; positive semidefinite.
        stiffness: Stiffness matrix K, shape (6, 6), N/m, N and Nm/rad; positive semidefinite.
        centre: Name of the frame whose origin is the compliance centre and whose axes x, v and F are in.
        asymmetric_stiffness: True to accept an asymmetric K whose symmetric part is positive semidefinite.
            Such a spring has no potential energy: going round a circle against it can do work without end.

    Raises:
        ValueError: A wrong shape, or a matrix that is not finite, not symmetric or indefinite; the message
            names the entry.
    """

    mass: Matrix
    damping: Matrix
    stiffness: Matrix
    centre: str = "tip"
    asymmetric_stiffness: bool = False

    @classmethod
    def from_diagonals(
        cls, mass: ArrayLike, damping: ArrayLike, stiffness: ArrayLike, centre: str = "tip"
    ) -> "ComplianceLaw":
        """Create a law with uncoupled axes, from three diagonals of six entries x y z rx ry rz.

        Raises:
            ValueError: An invalid entry, by name.
        """
        return cls(
            np.diag(_six("mass", mass)),
            np.diag(_six("damping", damping)),
            np.diag(_six("stiffness", stiffness)),
            centre,
        )

    @classmethod
    def from_damping_ratio(
        cls, mass: ArrayLike, damping_ratio: ArrayLike, stiffness: ArrayLike, centre: str = "tip"
    ) -> "ComplianceLaw":
        """Create a law with uncoupled axes and ``D = 2 zeta sqrt(M K)``; zeta = 1 is critically damped.

        Args:
            mass: Masses and moments of inertia, shape (6,), kg and kg m2.
            damping_ratio: Damping ratios zeta, shape (6,).
            stiffness: Stiffnesses, shape (6,), N/m and Nm/rad.
            centre: Name of the compliance frame.

        Raises:
            ValueError: An invalid entry, by name, or an axis without stiffness, which would be left undamped.
        """
        m, ratio, k = _six("mass", mass), _six("damping_ratio", damping_ratio), _six("stiffness", stiffness)
        for axis, value, spring in zip(AXES, ratio, k, strict=True):
            if not 0.0 <= value < np.inf:
                raise InputError(f"damping_ratio[{axis}] must be >= 0, got {value}")
            if not np.isfinite(spring):
                raise InputError(f"stiffness[{axis}] = {spring} is not finite")
            if spring == 0.0:
                raise InputError(
                    f"stiffness[{axis}] = 0 leaves the axis undamped at any damping_ratio, here {value} "
                    "(D = 2 zeta sqrt(M K)); give the damping itself, with from_diagonals"
                )
        product = np.maximum(m * k, 0.0)  # a negative factor is refused below, by its own name
        return cls.from_diagonals(m, 2.0 * ratio * np.sqrt(product), k, centre)

    def __post_init__(self) -> None:
        for name in ("mass", "damping", "stiffness"):
            matrix = np.array(getattr(self, name), dtype=np.float64)
            if matrix.shape != (6, 6):
                raise InputError(f"{name} must have shape (6, 6), got {matrix.shape}")
            _require_finite(name, matrix)
            symmetric = 0.5 * (matrix + matrix.T)
            if name != "stiffness":
                _require_symmetric(name, matrix, "")
            elif not self.asymmetric_stiffness:
                _require_symmetric(name, matrix, "; to have it so, set asymmetric_stiffness")
            _require_definite(name, symmetric, strictly=name == "mass")
            if name != "stiffness" or not self.asymmetric_stiffness:
                matrix = symmetric
            matrix.setflags(write=False)
            object.__setattr__(self, name, matrix)

    def transport(self, pose: Pose, centre: str) -> "ComplianceLaw":
        """Express the law at another centre, in other axes (ETCL, point 1).

        ``K_b = Ad^T K_a Ad``, D and M alike, with Ad the adjoint of ``T_ab``. Exact for offsets that are
        logarithms of the error; for a translation and a rotation vector, to first order in the angle.

        Args:
            pose: Pose T_ab of the new frame b in the law's frame a, position [m] and quaternion xyzw.
            centre: Name of the new frame.

        Raises:
            ValueError: A position that is not finite or beyond 1 km, or not a unit quaternion.
        """
        pose = checked_pose("pose", pose)
        if not max(map(abs, pose[0])) <= 1000.0:
            raise InputError(f"pose must be within 1 km, in metres, got position {pose[0]}")
        return self.congruent(adjoint(pose), centre)

    def scaled(self, factor: float, centre: str | None = None) -> "ComplianceLaw":
        """Scale the law with the size of the part, at equal contact stiffness (ETCL, point 2).

        Translational compliance stays, rotational compliance is divided by factor^2: a moment and a
        rotation act over arms that are factor times as long. ``K' = S K S`` with ``S = diag(1, 1, 1,
        factor, factor, factor)``, D and M alike, so that periods and damping ratios stay.

        Args:
            factor: Length of the new part / length of the old one [1].
            centre: Name of the new frame; the old one if None.

        Raises:
            ValueError: A factor that is not > 0.
        """
        if not 0.0 < factor < np.inf:
            raise InputError(f"factor must be > 0, got {factor}")
        return self.congruent(np.diag([1.0, 1.0, 1.0, factor, factor, factor]), centre)

    def damped(self, gains: Matrix) -> "ComplianceLaw":
        """Multiply the damping ``D_ij`` by ``g_i g_j``; any such law is admissible, so nothing is checked.

        Args:
            gains: Gains g, shape (6,), > 0.
        """
        return self._with("damping", self.damping * np.outer(gains, gains))

    def stiffened(self, added: Matrix) -> "ComplianceLaw":
        """Add a diagonal to the stiffness; any such law is admissible, so nothing is checked.

        Args:
            added: Stiffness to be added, shape (6,), >= 0, N/m and Nm/rad.
        """
        return self._with("stiffness", self.stiffness + np.diag(added))

    def _with(self, name: str, matrix: Matrix) -> "ComplianceLaw":
        law = copy(self)
        matrix.setflags(write=False)
        object.__setattr__(law, name, matrix)
        return law

    def congruent(self, matrix: Matrix, centre: str | None = None) -> "ComplianceLaw":
        """Express the law in other coordinates x', ``x = A x'``: ``M' = A^T M A``, D and K alike.

        Args:
            matrix: Invertible matrix A, shape (6, 6).
            centre: Name of the new frame; the old one if None.
        """
        return ComplianceLaw(
            matrix.T @ self.mass @ matrix,
            matrix.T @ self.damping @ matrix,
            matrix.T @ self.stiffness @ matrix,
            centre or self.centre,
            self.asymmetric_stiffness,
        )

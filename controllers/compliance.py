"""The compliance law: a virtual mass-damper-spring in six dimensions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

AXES = ("x", "y", "z", "rx", "ry", "rz")


def _diagonal_matrix(name: str, values: ArrayLike) -> NDArray[np.float64]:
    diagonal = np.array(values, dtype=np.float64)
    if diagonal.shape != (6,):
        raise ValueError(f"{name} must have six entries {' '.join(AXES)}, got shape {diagonal.shape}")
    return np.diag(diagonal)


def _symmetric_matrix(name: str, value: ArrayLike) -> NDArray[np.float64]:
    matrix = np.array(value, dtype=np.float64)
    if matrix.shape != (6, 6):
        raise ValueError(f"{name} must have shape (6, 6), got {matrix.shape}")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise ValueError(f"{name}[{AXES[row]}, {AXES[column]}] = {matrix[row, column]} is not finite")
    difference = np.abs(matrix - matrix.T)
    if difference.max() > 1e-9 * max(1.0, np.abs(matrix).max()):
        row, column = np.unravel_index(difference.argmax(), (6, 6))
        raise ValueError(
            f"{name} must be symmetric: [{AXES[row]}, {AXES[column]}] = {matrix[row, column]} but "
            f"[{AXES[column]}, {AXES[row]}] = {matrix[column, row]}"
        )
    return 0.5 * (matrix + matrix.T)


def _require_definite(name: str, matrix: NDArray[np.float64], strictly: bool) -> None:
    eigenvalues, vectors = np.linalg.eigh(matrix)
    smallest = eigenvalues[0]
    if smallest <= 0.0 if strictly else smallest < -1e-9 * max(1.0, eigenvalues[-1]):
        axis = AXES[int(np.abs(vectors[:, 0]).argmax())]
        bound = "> 0" if strictly else ">= 0"
        raise ValueError(
            f"{name} must have eigenvalues {bound}: the smallest is {smallest:g}, mostly along {axis}"
        )


@dataclass(frozen=True, eq=False)
class ComplianceLaw:
    """``M a + D v + K x = F - F_ref``, linear components first.

    x is the offset from the nominal pose (translation [m], rotation vector [rad]), v and a its
    derivatives; F is the wrench that the environment applies to the tool at the compliance centre.

    Args:
        mass: M, shape (6, 6), kg and kg m2; positive definite.
        damping: D, shape (6, 6), Ns/m and Nms/rad; positive semidefinite.
        stiffness: K, shape (6, 6), N/m and Nm/rad; positive semidefinite.

    Raises:
        ValueError: A shape, a non-finite, an asymmetric or an indefinite entry; the message names it.
    """

    mass: NDArray[np.float64]
    damping: NDArray[np.float64]
    stiffness: NDArray[np.float64]

    @classmethod
    def from_diagonals(cls, mass: ArrayLike, damping: ArrayLike, stiffness: ArrayLike) -> "ComplianceLaw":
        """A law whose axes do not interact, from three times six entries x y z rx ry rz.

        Raises:
            ValueError: An entry that is refused, by name.
        """
        diagonals = {"mass": mass, "damping": damping, "stiffness": stiffness}
        return cls(**{name: _diagonal_matrix(name, values) for name, values in diagonals.items()})

    def __post_init__(self) -> None:
        for name in ("mass", "damping", "stiffness"):
            matrix = _symmetric_matrix(name, getattr(self, name))
            _require_definite(name, matrix, strictly=name == "mass")
            matrix.setflags(write=False)
            object.__setattr__(self, name, matrix)

    def implicit_euler(self, dt: float) -> NDArray[np.float64]:
        """One step of length dt [s] as a matrix of shape (12, 18).

        ``[x, v]_next = A [x, v, F - F_ref]`` with
        ``v_next = (M + dt D + dt^2 K)^-1 (M v + dt (F - F_ref - K x))`` and ``x_next = x + dt v_next``:
        implicit Euler, stable in free space for every dt (explicit Euler diverges at usual gains).
        """
        if not dt > 0.0:
            raise ValueError(f"dt must be > 0 s, got {dt}")
        gain = np.linalg.inv(self.mass + dt * self.damping + dt * dt * self.stiffness)
        velocity = np.hstack([-dt * gain @ self.stiffness, gain @ self.mass, dt * gain])
        offset = dt * velocity
        offset[:, :6] += np.eye(6)
        return np.vstack([offset, velocity])

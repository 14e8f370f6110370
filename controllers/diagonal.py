"""Off-diagonal couplings of a compliance law, and the frame in which it is diagonal."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.se3 import IDENTITY, Pose, Quaternion, Vector
from assembly_rl.controllers.validation import AXES

Matrix = NDArray[np.float64]

MATRICES = ("mass", "damping", "stiffness")
ROUNDING = 1e-9
"""Coupling up to which an off-diagonal entry counts as rounding [1]."""


@dataclass(frozen=True)
class Discarded:
    """Off-diagonal entries of a matrix, as couplings ``|K_ij| / sqrt(K_ii K_jj)``.

    Scaled by the diagonal the entries have no units; 1 is as strong as the axes themselves.

    Attributes:
        norm: Frobenius norm of all couplings [1].
        entry: Name of the strongest entry, such as ``stiffness[x, ry]``.
        value: Value of that entry, in its own unit.
        coupling: Coupling of that entry [1].
    """

    norm: float
    entry: str
    value: float
    coupling: float

    def __str__(self) -> str:
        return f"{self.entry} = {self.value:.6g} (coupling {self.coupling:.3g}, norm of all {self.norm:.3g})"


def split(matrix: Matrix) -> tuple[Matrix, Matrix]:
    """Split into diagonal (6,) and couplings ``|K_ij| / sqrt(K_ii K_jj)`` (6, 6), without rounding errors."""
    diagonal = matrix.diagonal().copy()
    rest = np.abs(matrix - np.diag(diagonal))
    if not rest.any():
        return diagonal, rest
    # A transported law has entries at the level of rounding of its largest one; they count as zero.
    noise = 1e-13 * np.abs(matrix).max()
    diagonal[np.abs(diagonal) <= noise] = 0.0
    rest[rest <= noise] = 0.0
    root = np.sqrt(np.maximum(diagonal, 0.0))
    scale = np.outer(root, root)
    coupling = np.divide(rest, scale, out=np.full((6, 6), np.inf), where=scale > 0.0)
    coupling[(rest == 0.0) | (coupling <= ROUNDING)] = 0.0
    return diagonal, coupling


def off_diagonal(law: ComplianceLaw) -> dict[str, Discarded]:
    """Off-diagonal entries above rounding, by matrix; empty for a diagonal law."""
    found = {}
    for label in MATRICES:
        matrix: Matrix = getattr(law, label)
        coupling = split(matrix)[1]
        if coupling.any():
            row, column = np.unravel_index(int(coupling.argmax()), (6, 6))
            found[label] = Discarded(
                norm=float(np.linalg.norm(coupling)),
                entry=f"{label}[{AXES[row]}, {AXES[column]}]",
                value=float(matrix[row, column]),
                coupling=float(coupling[row, column]),
            )
    return found


def _nearest_rotation(axes: Matrix) -> Quaternion:
    """Quaternion xyzw of orthogonal axes (the columns), in the order and with the signs nearest to x y z."""
    r = np.zeros((3, 3))
    left = np.abs(axes)
    for _ in range(3):
        row, column = np.unravel_index(int(left.argmax()), (3, 3))
        r[:, row] = axes[:, column] * np.sign(axes[row, column])
        left[row, :] = left[:, column] = -1.0
    # Largest entries first and all positive make a proper rotation of trace >= 0: w is at least 1/2.
    w = 0.5 * sqrt(1.0 + r.trace())
    x, y, z = (np.array((r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1])) / (4.0 * w)).tolist()
    return (x, y, z, w)


def diagonal_frame(law: ComplianceLaw) -> Pose | None:
    """Find the frame (centre and axes) in which M, D and K are all diagonal.

    Returns:
        Pose of that frame in the frame of the law, for ``law.transport``; None if there is no such frame.
    """
    # There the mass has no coupling of forces and rotations; elsewhere that coupling is M_linear times [arm].
    solved = -np.linalg.solve(law.mass[:3, :3], law.mass[:3, 3:])
    skew = 0.5 * (solved - solved.T)
    centre: Vector = (float(skew[2, 1]), float(skew[0, 2]), float(skew[1, 0]))
    moved = law.transport((centre, IDENTITY), law.centre)
    # Eigenvectors of a mixture in no particular proportion are those that all blocks have in common, if any.
    mixture = np.zeros((3, 3))
    weights = iter((1.0, 0.73, 0.54, 0.41, 0.29, 0.17))
    for label in MATRICES:
        for part in (slice(3), slice(3, 6)):
            block = getattr(moved, label)[part, part]
            mixture += next(weights) * block / (np.abs(block).max() or 1.0)
    rotation = _nearest_rotation(np.linalg.eigh(mixture)[1])
    for pose in ((centre, IDENTITY), (centre, rotation)):  # unrotated first: a round law has no axes
        if not off_diagonal(law.transport(pose, law.centre)):
            return pose
    return None

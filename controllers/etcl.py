"""ETCL: a compliance law for another part that is equivalent to a given law.

This is a reconstruction of the Equivalent Theory of Compliance Law from its abstract. Equivalence has three
levels:

1. another centre or frame, the same part: ``ComplianceLaw.transport``;
2. the same shape in another size: ``ComplianceLaw.scaled``;
3. another part, whose contact has another stiffness: ``reconfigure``, with a stiffness that
   ``identify_contact_stiffness`` estimates from small motions in contact.

In contact the environment applies ``F = -K_e x``. A law with compliance ``C = D^-1`` then settles with the
rates of ``C K_e``. For another contact and the same modes, in coordinates ``x_new = T x_old``, it would have

    C_new = T C_old K_e,old T^-1 K_e,new^-1.

This is symmetric only if the two contacts have common axes, and no passive law can be asymmetric.
``reconfigure`` uses the change of coordinates nearest to the identity that maps the old contact to the new,

    K_e,new = E^T K_t E,    E = K_t^-1 (K_t # K_e,new),    K_t = T^-T K_e,old T^-1,

with # the geometric mean of positive definite matrices, and transforms the old law by it: ``D_new = E^T T^-T
D_old T^-1 E``, and likewise mass and stiffness. The result equals the law above if that is symmetric, and is
always passive. Law and contact change together, so that all modes of the closed loop are preserved, including
those of mass, delay and filters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.validation import AXES, InputError

Matrix = NDArray[np.float64]

EXCITED = 1e-3
"""Smallest motion in a direction, relative to the largest, that determines a stiffness."""
SOFTEST = 1e3
"""Largest factor on mass and damping that is tried to make a law stable."""


@dataclass(frozen=True)
class ContactStiffness:
    """Response of a contact to small motions: ``F = F_0 - K_e x``.

    Attributes:
        matrix: K_e (6, 6), symmetric, positive semidefinite [N/m, N, Nm/rad].
        preload: F_0 (6,), the wrench at zero offset [N, Nm].
        residual: Root-mean-square of the unexplained wrench, relative to the explained change [1].
        asymmetry: Antisymmetric part of the unconstrained least-squares matrix, relative to that matrix [1];
            it indicates friction or an environment that is not a spring.
        samples: Number of pairs used.
    """

    matrix: Matrix
    preload: Matrix
    residual: float
    asymmetry: float
    samples: int


def probing_offsets(translation: float, rotation: float) -> Matrix:
    """Return offsets (24, 6) for wrench measurements: along each axis, in both directions, half and full.

    The half offsets reveal friction, which is independent of the offset's size, in the residual.

    Args:
        translation: Offset along x, y, z [m].
        rotation: Offset about x, y, z [rad].

    Raises:
        ValueError: An offset is not > 0.
    """
    for name, value in (("translation", translation), ("rotation", rotation)):
        if not 0.0 < value < np.inf:
            raise InputError(f"{name} must be > 0, got {value}")
    axes = np.diag([translation] * 3 + [rotation] * 3)
    return np.stack([0.5 * axes, axes, -0.5 * axes, -axes], axis=1).reshape(24, 6)


def identify_contact_stiffness(offsets: ArrayLike, wrenches: ArrayLike) -> ContactStiffness:
    """Identify K_e by least squares from pairs of offset and wrench, from simulation or a robot.

    Record them at rest, equally often in both directions of motion, so that friction averages out.

    Args:
        offsets: x (n, 6) of the commanded compliance centre, in the axes of the law [m, rad]; of the
            measured one for the stiffness of the contact without the robot's.
        wrenches: F (n, 6) applied by the environment to the tool at the compliance centre [N, Nm].

    Raises:
        ValueError: Shapes do not fit, numbers are not finite, or the motions do not excite every
            direction.
    """
    x, f = (np.array(values, dtype=np.float64) for values in (offsets, wrenches))
    if x.ndim != 2 or x.shape[1] != 6 or f.shape != x.shape:
        raise InputError(f"offsets and wrenches must both be (n, 6), got {x.shape} and {f.shape}")
    if not (np.isfinite(x).all() and np.isfinite(f).all()):
        raise InputError("offsets and wrenches must be finite")
    # Rotations as the translations of a point at an arm at which both are of the same size: one unit.
    moved = x - x.mean(0)
    sizes = np.linalg.norm(moved[:, :3]), np.linalg.norm(moved[:, 3:])
    if min(sizes) == 0.0:
        raise InputError("the offsets must have translations and rotations: K_e has both")
    unit = np.array([1.0] * 3 + [sizes[0] / sizes[1]] * 3)
    _, spread, directions = np.linalg.svd(moved * unit, full_matrices=True)
    if len(spread) < 6 or spread[-1] < EXCITED * spread[0]:
        axis = AXES[int(np.abs(directions[-1]).argmax())]
        raise InputError(
            f"the {len(x)} offsets leave a direction out, mostly along {axis}: move along all six axes"
        )
    y, g = moved * unit, f / unit
    symmetric = _least_squares(y, g, [(i, j) for i in range(6) for j in range(i, 6)])
    values, vectors = np.linalg.eigh(symmetric)
    stiffness = (vectors * values.clip(0.0)) @ vectors.T
    free = np.linalg.lstsq(np.column_stack([-y, np.ones(len(y))]), g, rcond=None)[0][:6]
    change = y @ stiffness
    rest = g - g.mean(0) + change
    scale = max(float(np.linalg.norm(change)), np.finfo(float).tiny)
    matrix = unit[:, None] * stiffness * unit
    return ContactStiffness(
        matrix,
        f.mean(0) + matrix @ x.mean(0),
        float(np.linalg.norm(rest)) / scale,
        float(np.linalg.norm(free - free.T) / max(2.0 * np.linalg.norm(free), np.finfo(float).tiny)),
        len(x),
    )


def _least_squares(y: Matrix, g: Matrix, entries: list[tuple[int, int]]) -> Matrix:
    """Fit a symmetric S with ``g = mean - y S`` by least squares; the mean of y is zero."""
    columns = np.zeros((len(y), 6, len(entries)))
    for number, (i, j) in enumerate(entries):
        columns[:, i, number] -= y[:, j]
        if i != j:
            columns[:, j, number] -= y[:, i]
    found = np.linalg.lstsq(columns.reshape(-1, len(entries)), (g - g.mean(0)).ravel(), rcond=None)[0]
    result = np.zeros((6, 6))
    for value, (i, j) in zip(found, entries, strict=True):
        result[i, j] = result[j, i] = value
    return result


@dataclass(frozen=True)
class Reconfiguration:
    """Compliance law for another contact, and its changes.

    Attributes:
        before: Old law.
        law: New law.
        coordinates: Matrix A (6, 6), ``x_old = A x_new`` and ``F_new = A^T F_old``: map from the new part to
            the coordinates of a policy that was trained with the old law.
        rates_before: Eigenvalues (6,) of ``D^-1 K_e`` with old law and contact [1/s], increasing.
        rates: Eigenvalues (6,) of ``D^-1 K_e`` with new law and contact [1/s], increasing.
        discarded: Part of ``T C_old K_e,old T^-1 K_e,new^-1`` that is not in the symmetric law, relative to
            the law's compliance [1].
        share: Share of the change from the old law to the new one, in [0, 1]; below 1 the full change is
            unstable.
        softened: Factor on mass and damping without which no such law would be stable.
        bounded: True if the contacts differ so much that the change was limited.
    """

    before: ComplianceLaw
    law: ComplianceLaw
    coordinates: Matrix
    rates_before: Matrix
    rates: Matrix
    discarded: float
    share: float
    softened: float
    bounded: bool

    def content(self) -> dict[str, Any]:
        """Return all fields in types of JSON."""
        laws = {
            name: {key: getattr(law, key).tolist() for key in ("mass", "damping", "stiffness")}
            for name, law in (("before", self.before), ("law", self.law))
        }
        rest = {name: value for name, value in vars(self).items() if name not in laws}
        return laws | {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in rest.items()}


def reconfigure(
    law: ComplianceLaw,
    old: ArrayLike,
    new: ArrayLike,
    transform: ArrayLike | None = None,
    stable: Callable[[ComplianceLaw], bool] | None = None,
    floor: float = 1.0,
    limit: float = 3.0,
) -> Reconfiguration:
    """Compute the law that settles in the new contact as the old one in the old contact (ETCL, level 3).

    Args:
        law: Old law, with positive definite damping.
        old: K_e (6, 6) of the old contact, positive semidefinite.
        new: K_e (6, 6) of the new contact, in the axes of the new law.
        transform: T (6, 6), ``x_new = T x_old``: ``adjoint(T_ba)`` for another frame, ``diag(1, 1, 1,
            1 / s, 1 / s, 1 / s)`` for another size; by default only the contact changes.
        stable: Predicate that is true if a law may be used, such as ``ContactLoop.is_stable``; by default
            all laws may be used.
        floor: Rate [1/s] below which a direction is free, in which the law is unchanged.
        limit: Largest factor by which lengths grow or shrink; forces change by it, stiffness by its square.

    Raises:
        ValueError: A matrix or number is not admissible, or no law is stable.
    """
    shift = np.eye(6) if transform is None else _six_by_six("transform", transform)
    if abs(np.linalg.det(shift)) < 1e-12:
        raise InputError("transform must be invertible")
    for name, value in (("floor", floor), ("limit - 1", limit - 1.0)):
        if not 0.0 < value < np.inf:
            raise InputError(f"{name} must be > 0, got {value}")
    back = np.array(np.linalg.inv(shift))
    stiffness, target = _semidefinite("old", old), _semidefinite("new", new)
    seen = law.congruent(back)
    if np.linalg.eigvalsh(seen.damping)[0] <= 0.0:
        raise InputError("the law has a direction without damping: it has no rate to keep")
    loaded, to_load = (floored(k, seen.damping, floor) for k in (back.T @ stiffness @ back, target))
    factor = np.linalg.cholesky(loaded)
    inverse = np.linalg.inv(factor)
    values, vectors = np.linalg.eigh(inverse @ to_load @ inverse.T)
    lengths = np.sqrt(values).clip(1.0 / limit, limit)
    left, right = inverse.T @ vectors, vectors.T @ factor.T

    def part(share: float) -> Matrix:
        """Return E for a share of the change."""
        return np.asarray((left * lengths**share) @ right)

    share, softened = 1.0, 1.0
    if stable is not None:
        share, softened = _stable_share(seen, part, stable)
    change = part(share)
    found = seen.congruent(change)
    if softened > 1.0:
        found = _softened(found, softened)
    wanted = np.linalg.solve(seen.damping, loaded @ np.linalg.inv(to_load))
    unit = np.linalg.cholesky(seen.damping)
    asked, given = (unit.T @ matrix @ unit for matrix in (wanted, np.linalg.inv(found.damping)))
    return Reconfiguration(
        law,
        found,
        back @ change,
        _rates(law, stiffness),
        _rates(found, target),
        float(np.linalg.norm(asked - given) / np.linalg.norm(given)),
        share,
        softened,
        bool((np.abs(np.sqrt(values) - lengths) > 1e-9).any()),
    )


def _stable_share(
    law: ComplianceLaw, part: Callable[[float], Matrix], stable: Callable[[ComplianceLaw], bool]
) -> tuple[float, float]:
    """Return the largest stable share of the change and 1, or else 0 and the factor of softening."""
    if stable(law.congruent(part(1.0))):
        return 1.0, 1.0
    low, high = 0.0, 1.0
    if stable(law):
        while high - low > 1e-3:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if stable(law.congruent(part(middle))) else (low, middle)
        return low, 1.0
    factor = 1.0
    while factor < SOFTEST:
        factor *= 1.05
        if stable(_softened(law, factor)):
            return 0.0, factor
    raise InputError(
        f"no law is stable in this contact, not with {SOFTEST:g} times mass and damping: check K_e, delay "
        "and filters"
    )


def _softened(law: ComplianceLaw, factor: float) -> ComplianceLaw:
    """Return the law with mass and damping multiplied by a factor."""
    return ComplianceLaw(
        factor * law.mass, factor * law.damping, law.stiffness, law.centre, law.asymmetric_stiffness
    )


def floored(stiffness: Matrix, damping: Matrix, floor: float) -> Matrix:
    """Raise a stiffness K (6, 6) until all rates of ``D^-1 K`` are at least a floor [1/s], D > 0."""
    root = np.linalg.cholesky(damping)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ stiffness @ inverse.T)
    outer = root @ vectors
    return np.array((outer * np.maximum(values, floor)) @ outer.T)


def _rates(law: ComplianceLaw, stiffness: Matrix) -> Matrix:
    inverse = np.linalg.inv(np.linalg.cholesky(law.damping))
    return np.array(np.linalg.eigvalsh(inverse @ stiffness @ inverse.T))


def _six_by_six(name: str, values: ArrayLike) -> Matrix:
    matrix = np.array(values, dtype=np.float64)
    if matrix.shape != (6, 6) or not np.isfinite(matrix).all():
        raise InputError(f"{name} must be finite and of shape (6, 6), got shape {matrix.shape}")
    return matrix


def _semidefinite(name: str, values: ArrayLike) -> Matrix:
    matrix = _six_by_six(name, values)
    ComplianceLaw(np.eye(6), np.eye(6), matrix)  # refuses what is no stiffness
    return 0.5 * (matrix + matrix.T)

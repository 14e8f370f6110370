"""ETCL: a compliance law for another part, equivalent to the one that worked.

A reconstruction of the Equivalent Theory of Compliance Law from its abstract. Equivalence has three depths:

1. another centre or frame, the same part: ``ComplianceLaw.transport``;
2. the same shape in another size: ``ComplianceLaw.scaled``;
3. another part, whose contact answers with another stiffness: ``reconfigure``, with a stiffness that
   ``identify_contact_stiffness`` finds from small motions in contact.

Near contact the tool meets ``F = -K_e x``. A law with compliance ``C = D^-1`` then settles with the rates of
``C K_e``, and the law for another contact with the same modes, in coordinates ``x_new = T x_old``, would have

    C_new = T C_old K_e,old T^-1 K_e,new^-1.

That is symmetric only where the two contacts have axes in common; no passive law can have an asymmetric one.
``reconfigure`` takes the change of coordinates nearest to none that makes the old contact the new one,

    K_e,new = E^T K_t E,    E = K_t^-1 (K_t # K_e,new),    K_t = T^-T K_e,old T^-1,

with # the geometric mean of positive definite matrices, and sees the old law in it: ``D_new = E^T T^-T D_old
T^-1 E``, mass and stiffness alike. It is the law above wherever that is symmetric, and always passive. Law
and contact change together, so that all modes of the closed loop stay, those of mass, delay and filters
included.
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
"""Smallest motion in a direction, relative to the largest, from which a stiffness can be told."""
SOFTEST = 1e3
"""Largest factor on mass and damping that is tried to make a law stable."""


@dataclass(frozen=True)
class ContactStiffness:
    """Response of a contact to small motions: ``F = F_0 - K_e x``.

    Attributes:
        matrix: K_e (6, 6), symmetric, positive semidefinite [N/m, N, Nm/rad].
        preload: F_0 (6,), the wrench at no offset [N, Nm].
        residual: Wrench that this does not explain, relative to the change that it does [1], rms.
        asymmetry: Antisymmetric part of the best matrix without constraints, relative to it [1]: friction
            or an environment that is no spring.
        samples: Pairs that were used.
    """

    matrix: Matrix
    preload: Matrix
    residual: float
    asymmetry: float
    samples: int


def probing_offsets(translation: float, rotation: float) -> Matrix:
    """Offsets (24, 6) to measure a wrench at: along each axis, one way and the other, half way and whole.

    Half ways show friction, which answers to both alike, in the residual of what is found.

    Args:
        translation: Along x, y, z [m].
        rotation: About x, y, z [rad].

    Raises:
        ValueError: One of them is not > 0.
    """
    for name, value in (("translation", translation), ("rotation", rotation)):
        if not 0.0 < value < np.inf:
            raise InputError(f"{name} must be > 0, got {value}")
    axes = np.diag([translation] * 3 + [rotation] * 3)
    return np.stack([0.5 * axes, axes, -0.5 * axes, -axes], axis=1).reshape(24, 6)


def identify_contact_stiffness(offsets: ArrayLike, wrenches: ArrayLike) -> ContactStiffness:
    """K_e by least squares from pairs of offset and wrench, recorded in simulation or on a robot.

    Record them at rest, going each way as often as the other, so that friction averages out.

    Args:
        offsets: x (n, 6) of the commanded compliance centre, in the axes of the law [m, rad]; for the
            contact alone, without the robot that gives way, those of the measured one.
        wrenches: F (n, 6) that the environment applied to the tool there [N, Nm].

    Raises:
        ValueError: Shapes that do not fit, numbers that are not finite, or motions that leave a direction
            out.
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
    """Symmetric S with ``g = mean - y S`` at best; y has no mean."""
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
    """A law for another contact, and what changed.

    Attributes:
        before: The old law.
        law: The new one.
        coordinates: A (6, 6), ``x_old = A x_new`` and ``F_new = A^T F_old``: how a policy that was learned
            with the old law sees the new part.
        rates_before: Eigenvalues (6,) of ``D^-1 K_e`` before [1/s], rising.
        rates: The same with the new law and the new contact.
        discarded: Part of ``T C_old K_e,old T^-1 K_e,new^-1`` that the law does not have, relative to what
            it has [1]: no symmetric law can.
        share: Share of the way from the old law to the new one, in (0, 1]; below 1 all of it is unstable.
        softened: Factor on mass and damping without which no law on that way would be stable.
        bounded: A contact so different that the change was cut to its limit.
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
        """All of it as JSON can hold it."""
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
    """The law that settles in the new contact as the old one did in the old contact (ETCL, point 3).

    Args:
        law: The old law; its damping is positive definite.
        old: K_e (6, 6) of the old contact, positive semidefinite.
        new: K_e (6, 6) of the new one, in the axes of the new law.
        transform: T (6, 6), ``x_new = T x_old``: ``adjoint(T_ba)`` for another frame, ``diag(1, 1, 1,
            1 / s, 1 / s, 1 / s)`` for another size; by default nothing but the contact changes.
        stable: Predicate that is true if a law may be used, such as ``ContactLoop.is_stable``; by default
            every law may.
        floor: Rate [1/s] below which a direction counts as free, where the law stays as it was.
        limit: Largest factor by which lengths change, either way: forces by it, stiffness by its square.

    Raises:
        ValueError: Matrices that are none of these, or no law that is stable.
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
        """E, as far as that share of the way."""
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
    """The largest share of the way that is stable; else none of it, and how much softer the law has to be."""
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
    """Gives way more slowly: mass and damping times a factor."""
    return ComplianceLaw(
        factor * law.mass, factor * law.damping, law.stiffness, law.centre, law.asymmetric_stiffness
    )


def floored(stiffness: Matrix, damping: Matrix, floor: float) -> Matrix:
    """The stiffness (6, 6) with every rate of ``D^-1 K`` at least the floor [1/s]; D positive definite."""
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

"""Compliance law in discrete time: one control step as a matrix."""

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.validation import InputError

Matrix = NDArray[np.float64]


class Discretization(Enum):
    """Integration method of the law over a control period.

    - ``implicit_euler``: stable for every law and period, first order, dissipates a little more than the law.
    - ``zero_order_hold``: exact for a wrench that is constant over the period.
    """

    implicit_euler = "implicit_euler"
    zero_order_hold = "zero_order_hold"


def expm(matrix: Matrix) -> Matrix:
    """Matrix exponential by a Taylor series with scaling and squaring, shape (n, n).

    Meant for the well scaled matrices of this package: the series runs at a norm of at most 1/4, where its
    13 terms leave an error of 1e-18. Source: Moler and Van Loan, SIAM Review 45 (2003), method 3.
    """
    norm = float(np.abs(matrix).sum(axis=1).max())
    squarings = max(0, int(np.ceil(np.log2(norm))) + 2) if norm > 0.0 else 0
    scaled = matrix / 2.0**squarings
    identity = np.eye(len(matrix))
    result = identity
    for term in range(13, 0, -1):
        result = identity + scaled @ result / term
    for _ in range(squarings):
        result = result @ result
    return result


def _implicit_euler(mass: Matrix, damping: Matrix, stiffness: Matrix, dt: float) -> Matrix:
    """Step of ``v_next = (M + dt D + dt^2 K)^-1 (M v + dt (F - K x))``, ``x_next = x + dt v_next``."""
    size = len(mass)
    inverse = np.linalg.inv(mass + dt * damping + dt * dt * stiffness)
    step = np.empty((2 * size, 3 * size))
    velocity = step[size:]
    velocity[:, :size] = -dt * (inverse @ stiffness)
    velocity[:, size : 2 * size] = inverse @ mass
    velocity[:, 2 * size :] = dt * inverse
    np.multiply(velocity, dt, out=step[:size])
    step[:size, :size] += np.eye(size)
    return step


def _zero_order_hold(mass: Matrix, damping: Matrix, stiffness: Matrix, dt: float) -> Matrix:
    """Exponential of ``d/dt [x, v, F] = [v, M^-1 (F - D v - K x), 0]``, with v in units of x per dt."""
    size = len(mass)
    inverse = np.linalg.inv(mass)
    flow = np.zeros((3 * size, 3 * size))
    flow[:size, size : 2 * size] = np.eye(size)
    flow[size : 2 * size, :size] = -dt * dt * (inverse @ stiffness)
    flow[size : 2 * size, size : 2 * size] = -dt * (inverse @ damping)
    flow[size : 2 * size, 2 * size :] = dt * dt * inverse
    step = expm(flow)[: 2 * size]
    step[:size, size : 2 * size] *= dt
    step[size:, :size] /= dt
    step[size:, 2 * size :] /= dt
    return step


_METHODS = {
    Discretization.implicit_euler: _implicit_euler,
    Discretization.zero_order_hold: _zero_order_hold,
}


@lru_cache(maxsize=64)  # one for every selection
def _places(selected_axes: tuple[bool, ...]) -> tuple[Any, ...]:
    """Return indices: held axes, free axes, and the blocks of free axes and of their couplings."""
    free = np.flatnonzero(selected_axes)
    held = np.flatnonzero(np.logical_not(selected_axes))
    rows = np.concatenate((free, 6 + free))
    return (
        held, free, np.ix_(free, free), np.ix_(rows, np.concatenate((rows, 12 + free))), np.ix_(rows, held),
        np.ix_(free, held),
    )  # fmt: skip


def step_matrix(
    mass: Matrix,
    damping: Matrix,
    stiffness: Matrix,
    dt: float,
    discretization: Discretization = Discretization.implicit_euler,
    selected_axes: Sequence[bool] = (True,) * 6,
) -> Matrix:
    """Return one step of a law as a matrix A, shape (12, 18): ``[x, v]_next = A [x, v, F - F_ref]``.

    An axis that is not selected is held: its offset stays, its velocity is zero, and the others move as
    under a rigid constraint along it.

    Args:
        mass: Mass matrix M of a valid law, shape (6, 6), kg, kg m and kg m2.
        damping: Damping matrix D of that law, shape (6, 6), Ns/m, Ns and Nms/rad.
        stiffness: Stiffness matrix K of that law, shape (6, 6), N/m, N and Nm/rad.
        dt: Length of the step [s].
        discretization: Integration method of the law.
        selected_axes: Six flags, True for an axis that moves.

    Raises:
        ValueError: A dt that is not > 0, or selected_axes that are not six.
    """
    if not 0.0 < dt < np.inf:
        raise InputError(f"dt must be > 0 s, got {dt}")
    if len(selected_axes) != 6:
        raise InputError(f"selected_axes must be six booleans, got {list(selected_axes)}")
    method = _METHODS[discretization]
    if all(selected_axes):
        return method(mass, damping, stiffness, dt)
    held, free, block, target, moved, springs = _places(tuple(map(bool, selected_axes)))
    step = np.zeros((12, 18))
    step[held, held] = 1.0
    if len(free):
        part = method(mass[block], damping[block], stiffness[block], dt)
        step[target] = part
        # The spring also acts on the offset of the held axes.
        drive = part[:, 2 * len(free) :]
        step[moved] = -drive @ stiffness[springs]
    return step

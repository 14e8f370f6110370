"""Weights of the distillation: imitation of the teacher per action component; they sum to their number.

This is a reconstruction: only the abstract of the publication was available.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]


def normalised(values: ArrayLike) -> Array:
    """Scale values (n,) so that they sum to n.

    Raises:
        ValueError: A value is negative or not finite, or all are zero.
    """
    weights = np.array(values, dtype=np.float64)
    if weights.ndim != 1 or not (np.isfinite(weights).all() and (weights >= 0.0).all() and weights.any()):
        raise InputError(f"weights must be finite, not negative and not all zero, got {weights.tolist()}")
    return np.array(weights * (len(weights) / weights.sum()))


def by_compliance(old: ArrayLike, new: ArrayLike, beta: float) -> Array:
    """Compute larger weights for axes along which the loop in contact differs less.

    ``w_j = exp(-beta |g_new - g_old|_j / |g_old|_j)`` with g = diag(D^-1 K_e), normalised.

    Args:
        old: (n,) rates g of the teacher's part under its law [1/s]; see ``contact_rates``.
        new: (n,) rates g of the new part under its law [1/s].
        beta: Weight of a relative difference.

    Raises:
        ValueError: ``beta`` is negative or infinite.
    """
    if not 0.0 <= beta < np.inf:
        raise InputError(f"beta must be >= 0, got {beta}")
    before, after = (np.asarray(values, dtype=np.float64) for values in (old, new))
    smallest = 1e-9 * max(float(np.abs(before).max()), 1e-300)
    return normalised(np.exp(-beta * np.abs(after - before) / np.maximum(np.abs(before), smallest)))

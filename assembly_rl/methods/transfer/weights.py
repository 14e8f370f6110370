"""How much each action component is held to what the teacher does: weights that sum to their number.

A reconstruction: the publication was read as an abstract only.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]
LEAST = 1e-3
"""Error of a teacher below which it counts as exact."""


def normalised(values: ArrayLike) -> Array:
    """Values (n,) times a factor, so that they sum to n.

    Raises:
        ValueError: One of them is negative or not finite, or all are zero.
    """
    weights = np.array(values, dtype=np.float64)
    if weights.ndim != 1 or not (np.isfinite(weights).all() and (weights >= 0.0).all() and weights.any()):
        raise InputError(f"weights must be finite, not negative and not all zero, got {weights.tolist()}")
    return np.array(weights * (len(weights) / weights.sum()))


def by_compliance(old: ArrayLike, new: ArrayLike, beta: float) -> Array:
    """The less the loop in contact differs along an axis, the more of the teacher holds there.

    ``w_j = exp(-beta |g_new - g_old|_j / |g_old|_j)`` with g = diag(C K_e), normalised.

    Args:
        old: g (n,) of the teacher's part under its law [1/s]; see ``contact_gains``.
        new: The same of the new part under the law that it will have.
        beta: How much a difference counts.

    Raises:
        ValueError: A negative ``beta``.
    """
    if not 0.0 <= beta < np.inf:
        raise InputError(f"beta must be >= 0, got {beta}")
    before, after = (np.asarray(values, dtype=np.float64) for values in (old, new))
    smallest = 1e-9 * max(float(np.abs(before).max()), 1e-300)
    return normalised(np.exp(-beta * np.abs(after - before) / np.maximum(np.abs(before), smallest)))


def by_similarity(old: ArrayLike, new: ArrayLike) -> Array:
    """Cosine of the two parts' influence of each action component on the state; normalised.

    Args:
        old: CS3 (states, n) of the teacher's part.
        new: The same of the new part.
    """
    before, after = (np.asarray(values, dtype=np.float64) for values in (old, new))
    lengths = np.linalg.norm(before, axis=0) * np.linalg.norm(after, axis=0)
    cosine = (before * after).sum(0) / np.maximum(lengths, 1e-300)
    return normalised(np.maximum(cosine, LEAST))


def by_error(errors: ArrayLike) -> Array:
    """Inverse of the teacher's error along each component; normalised.

    Args:
        errors: (n,), not negative: how much better another action would have been on a few probes.
    """
    return normalised(1.0 / np.maximum(np.asarray(errors, dtype=np.float64), LEAST))

"""Rules that select the edges of a graph by influence.

Each rule returns the edges and their threshold, both (states, actions).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.methods.cs3.estimate import Influence

CONFIDENCE = 0.95

Chosen = tuple[NDArray[np.bool_], NDArray[np.float64]]


def interval(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ends (2, states, actions) of the 95 % intervals over the members (members, ...)."""
    return np.quantile(values, [0.5 - CONFIDENCE / 2.0, 0.5 + CONFIDENCE / 2.0], axis=0)


def above_chance(influence: Influence, quantile: float, floor: float) -> Chosen:
    """Select edges whose interval is above the influence of shuffled actions and above a floor.

    The floor excludes negligible influences, such as less than a tenth of a component's usual change.

    Args:
        influence: Influence with its null distribution.
        quantile: Quantile of the null distribution.
        floor: Least influence, in standard deviations of a step's change.
    """
    chance = np.quantile(influence.null, quantile, axis=(0, 2))
    threshold = np.repeat(np.maximum(chance, floor)[:, None], influence.values.shape[2], axis=1)
    return interval(influence.values)[0] > threshold, threshold


def cumulative(values: NDArray[np.float64], share: float) -> Chosen:
    """Select for each action the fewest edges with a given share of its total positive influence."""
    mean = np.maximum(values.mean(0), 0.0)
    order = np.argsort(-mean, axis=0, kind="stable")
    sums = np.cumsum(np.take_along_axis(mean, order, axis=0), axis=0)
    needed = 1 + (sums < share * sums[-1]).sum(0)
    edges = np.zeros(mean.shape, dtype=np.bool_)
    np.put_along_axis(edges, order, np.arange(len(mean))[:, None] < needed, axis=0)
    lowest = np.where(edges, mean, np.inf).min(0)
    return edges, np.repeat(lowest[None], len(mean), axis=0)


def with_an_input(edges: NDArray[np.bool_], order: ArrayLike) -> NDArray[np.bool_]:
    """Add to each action component without edges the one with the highest ``order``."""
    edges = edges.copy()
    best = np.argmax(order, axis=0)
    for action in np.flatnonzero(~edges.any(0)):
        edges[best[action], action] = True
    return edges

"""Which influences are edges of a graph.

Each rule gives the edges and the threshold above which they are, both (states, actions).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.methods.cs3.estimate import Influence

CONFIDENCE = 0.95

Chosen = tuple[NDArray[np.bool_], NDArray[np.float64]]


def interval(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower and upper ends (2, states, actions) of the 95 % intervals over the members (members, ...)."""
    return np.quantile(values, [0.5 - CONFIDENCE / 2.0, 0.5 + CONFIDENCE / 2.0], axis=0)


def above_chance(influence: Influence, quantile: float, floor: float) -> Chosen:
    """Edges whose interval is above what shuffled actions reach, and above a floor.

    What moves a component by less than a tenth of its usual change is no reason to look at it.

    Args:
        influence: With its null.
        quantile: Of the null.
        floor: Standard deviations of a step's change.
    """
    chance = np.quantile(influence.null, quantile, axis=(0, 2))
    threshold = np.repeat(np.maximum(chance, floor)[:, None], influence.values.shape[2], axis=1)
    return interval(influence.values)[0] > threshold, threshold


def above(values: NDArray[np.float64], level: float) -> Chosen:
    """Edges whose interval is above a fixed level."""
    threshold = np.full(values.shape[1:], level)
    return interval(values)[0] > threshold, threshold


def cumulative(values: NDArray[np.float64], share: float) -> Chosen:
    """For each action the fewest edges that together have this share of all that is positive."""
    mean = np.maximum(values.mean(0), 0.0)
    order = np.argsort(-mean, axis=0, kind="stable")
    sums = np.cumsum(np.take_along_axis(mean, order, axis=0), axis=0)
    needed = 1 + (sums < share * sums[-1]).sum(0)
    edges = np.zeros(mean.shape, dtype=np.bool_)
    np.put_along_axis(edges, order, np.arange(len(mean))[:, None] < needed, axis=0)
    lowest = np.where(edges, mean, np.inf).min(0)
    return edges, np.repeat(lowest[None], len(mean), axis=0)


def with_an_input(edges: NDArray[np.bool_], order: ArrayLike) -> NDArray[np.bool_]:
    """The same edges, and for an action component without any the one that is highest in order."""
    edges = edges.copy()
    best = np.argmax(order, axis=0)
    for action in np.flatnonzero(~edges.any(0)):
        edges[best[action], action] = True
    return edges

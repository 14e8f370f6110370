"""Graphs by the origin of their edges."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assembly_rl.methods.cs3.estimate import Transitions, estimate
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.lcrl.endogenous import find_endogenous
from assembly_rl.methods.lcrl.graph import Graph, given
from assembly_rl.methods.lcrl.physics import physics_edges
from assembly_rl.methods.lcrl.thresholds import (
    Chosen,
    above_chance,
    cumulative,
    interval,
    with_an_input,
)
from assembly_rl.runs import RunError

NORMAL_95 = 1.96
"""Half the width of the 95 % interval of a normal distribution, in standard deviations."""
LARGEST_CORRELATION = 0.9999
"""Largest correlation whose interval is computed."""


def known_graph(edges: str, states: Sequence[str], actions: Sequence[str]) -> Graph:
    """Return a graph that needs no samples: the one of ``physics``, or the one with ``all`` edges."""
    known = physics_edges(states, actions)
    return given(known if edges == "physics" else np.ones_like(known), states, actions, edges)


def estimated_graph(
    config: LCRLConfig,
    transitions: Transitions,
    states: Sequence[str],
    actions: Sequence[str],
    seed: int,
    samples: int,
) -> Graph:
    """Estimate a graph from the transitions collected in a training so far.

    Args:
        config: Configuration of the method.
        transitions: Collected transitions.
        states: Names of the state components.
        actions: Names of the action components.
        seed: Seed of all random generators.
        samples: Policy steps in which the transitions were collected.
    """
    if config.edges == "endogenous":
        return endogenous_graph(config, transitions, states, actions, samples)
    return cs3_graph(config, transitions, states, actions, seed, samples)


def endogenous_graph(
    config: LCRLConfig,
    transitions: Transitions,
    states: Sequence[str],
    actions: Sequence[str],
    samples: int,
) -> Graph:
    """Find the endogenous state components, all of which every action component sees.

    Args:
        config: Configuration of the method.
        transitions: Collected transitions.
        states: Names of the state components.
        actions: Names of the action components.
        samples: Policy steps in which the transitions were collected.

    Returns:
        Graph with correlations as influences; their intervals are by Fisher's transform.
    """
    found = find_endogenous(transitions, config.false_discovery_rate)
    if not found.kept.any():
        raise RunError(
            f"no state component is influenced by the actions in {found.samples} steps: give more "
            "method.samples, or edges=all"
        )
    middle, half = np.arctanh(np.minimum(found.values, LARGEST_CORRELATION)), NORMAL_95 / found.samples**0.5
    low, high = (np.tanh(np.maximum(middle + sign * half, 0.0)) for sign in (-1.0, 1.0))
    edges = np.repeat(found.kept[:, None], len(actions), axis=1)
    chance = np.repeat(found.chance[:, None], len(actions), axis=1)
    names = tuple(states), tuple(actions)
    return Graph(*names, edges, found.values, low, high, chance, "endogenous", samples)


def cs3_graph(
    config: LCRLConfig,
    transitions: Transitions,
    states: Sequence[str],
    actions: Sequence[str],
    seed: int,
    samples: int,
) -> Graph:
    """Estimate the graph of the state components that each action component influences.

    Args:
        config: Configuration of the method.
        transitions: Collected transitions.
        states: Names of the state components.
        actions: Names of the action components.
        seed: Seed of all random generators.
        samples: Policy steps in which the transitions were collected.
    """
    influence = estimate(transitions, seed)
    if config.threshold == "chance":
        chosen = above_chance(influence, config.quantile, config.floor)
    else:
        chosen = cumulative(influence.values, config.share)
    return _graph(influence.values, chosen, states, actions, "cs3", samples)


def _graph(
    values: NDArray[np.float64],
    chosen: Chosen,
    states: Sequence[str],
    actions: Sequence[str],
    source: str,
    samples: int,
) -> Graph:
    edges, threshold = chosen
    mean, (low, high) = values.mean(0), interval(values)
    edges = with_an_input(edges, mean - threshold)
    return Graph(tuple(states), tuple(actions), edges, mean, low, high, threshold, source, samples)

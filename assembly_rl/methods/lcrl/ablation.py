"""What a policy loses when an edge of its graph is cut."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from assembly_rl.controllers.mlp import MLP
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, LearnedPolicy, Scenario
from assembly_rl.methods.lcrl.graph import Graph

Row = dict[str, Any]


@dataclass(frozen=True)
class Edge:
    """From a state component to an action component, by their numbers."""

    state: int
    action: int


def edges_of(graph: Graph) -> list[Edge]:
    """The edges of a graph, action by action."""
    return [Edge(int(state), int(action)) for action, state in np.argwhere(graph.edges.T)]


def seen(actor: MLP, actions: int) -> NDArray[np.bool_]:
    """(states, actions), whether any unit of the action component has a weight on the state component."""
    weight = actor.layers[0][0]
    return (weight.reshape(actions, -1, weight.shape[1]) != 0.0).any(1).T


def cut(actor: MLP, edge: Edge, actions: int) -> MLP:
    """An actor whose action component sees zero instead of the state component.

    Args:
        actor: With as many units of its own for each action component in the first layer.
        edge: To cut.
        actions: Number of action components.
    """
    (weight, bias, activation), *others = actor.layers
    weight = weight.copy()
    width = len(weight) // actions
    weight[edge.action * width : (edge.action + 1) * width, edge.state] = 0.0
    return MLP([(weight, bias, activation), *others])


def ablate(
    evaluator: Evaluator,
    scenario: Scenario,
    policy: LearnedPolicy,
    graph: Graph,
    edges: Mapping[int, Edge],
    episodes: int,
    done: Callable[[int, Row], None],
) -> None:
    """Evaluate a policy without each edge, on the same episodes as with all.

    Args:
        evaluator: Runs the episodes.
        scenario: Part and task.
        policy: The policy.
        graph: That it has.
        edges: Those to cut, one at a time, by their numbers.
        episodes: Of each evaluation, held-out ones.
        done: Told number and row of an edge as soon as they are known: its names, success, and by how much
            success and reward fell, with 95 % intervals of a paired bootstrap.
    """
    whole = evaluator.evaluate(scenario, policy, episodes, HELD_OUT_SEED) if edges else []
    for number, edge in edges.items():
        maimed = LearnedPolicy(cut(policy.actor, edge, len(graph.actions)))
        rows = evaluator.evaluate(scenario, maimed, episodes, HELD_OUT_SEED)
        done(
            number,
            {
                "state": graph.states[edge.state],
                "action": graph.actions[edge.action],
                "episodes": episodes,
                "success": float(np.mean([row["success"] for row in rows])),
                **_fall("success", whole, rows),
                **_fall("reward", whole, rows),
            },
        )


def _fall(name: str, whole: Sequence[Row], rows: Sequence[Row]) -> Row:
    falls = np.array([float(a[name]) - float(b[name]) for a, b in zip(whole, rows, strict=True)])
    low = high = float(falls.mean())
    if np.ptp(falls) > 0.0:
        found = bootstrap((falls,), np.mean, method="percentile", rng=np.random.default_rng(0))
        low, high = found.confidence_interval
    return {f"{name}_lost": float(falls.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}

"""Ablation: a policy's loss of performance when an edge of its graph is removed."""

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
    """Edge from a state component to an action component, by their indices."""

    state: int
    action: int


def edges_of(graph: Graph) -> list[Edge]:
    """Return the edges of a graph, sorted by action."""
    return [Edge(int(state), int(action)) for action, state in np.argwhere(graph.edges.T)]


def seen(actor: MLP, actions: int) -> NDArray[np.bool_]:
    """Return (states, actions), True where the action has a nonzero weight on the state component."""
    weight = actor.layers[0][0]
    return (weight.reshape(actions, -1, weight.shape[1]) != 0.0).any(1).T


def cut(actor: MLP, edge: Edge, actions: int) -> MLP:
    """Return an actor whose action component receives zero in place of the state component.

    Args:
        actor: Actor whose first layer has equally many separate units for each action component.
        edge: Edge that is removed.
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
    """Evaluate a policy without each edge, on the same episodes as with all edges.

    Args:
        evaluator: Worker processes that run the episodes.
        scenario: Part and task.
        policy: Policy.
        graph: Graph of the policy.
        edges: Number -> edge; they are removed one at a time.
        episodes: Number of held-out episodes of each evaluation.
        done: Function called with number and row of each evaluated edge: its names, success, and the
            decreases of success and reward, with 95 % intervals of a paired bootstrap.
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

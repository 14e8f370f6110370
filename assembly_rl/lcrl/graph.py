"""The connection graph: which state components each action component sees, and why."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.lcrl.estimate import Influence
from assembly_rl.runs.files import RunError, read_json, write_json

FORMAT = 1
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Graph:
    """Edges from state components to action components.

    Attributes:
        states: Names of the state components.
        actions: Names of the action components.
        edges: (states, actions), whether the action component sees the state component.
        influence: (states, actions), CS3: standard deviations of a step's change.
        low: Lower end of its 95 % interval over the ensemble.
        high: Upper end.
        threshold: (states,), above which an edge is kept.
        source: How the edges were found.
        samples: Policy steps that were used for it.
    """

    states: tuple[str, ...]
    actions: tuple[str, ...]
    edges: NDArray[np.bool_]
    influence: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    threshold: NDArray[np.float64]
    source: str
    samples: int

    @property
    def weights(self) -> NDArray[np.float64]:
        """(states, actions): share of an action component in what all of them do to a state component."""
        total = self.influence.sum(1, keepdims=True)
        return np.divide(self.influence, total, out=np.zeros_like(self.influence), where=total > 0.0)

    @property
    def density(self) -> float:
        """Share of all possible edges."""
        return float(self.edges.mean())

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        arrays = {name: value.tolist() for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        write_json(path, {"format": FORMAT} | asdict(self) | arrays)

    @classmethod
    def load(cls, path: Path) -> "Graph":
        """Read it.

        Raises:
            RunError: The file is not there, is of a newer version, or its parts do not fit together.
        """
        try:
            content = read_json(path, FORMAT)
            names = {key: tuple(map(str, content[key])) for key in ("states", "actions")}
            shape = tuple(map(len, names.values()))
            arrays = {
                key: np.array(content[key], dtype=np.float64)
                for key in ("influence", "low", "high", "threshold")
            }
            edges = np.array(content["edges"], dtype=np.bool_)
            shapes = [array.shape for key, array in arrays.items() if key != "threshold"]
            if {edges.shape, *shapes} != {shape} or arrays["threshold"].shape != shape[:1]:
                raise ValueError(f"its arrays are not of shape {shape}")
            return cls(
                **names, edges=edges, **arrays, source=str(content["source"]), samples=int(content["samples"])
            )
        except FileNotFoundError:
            raise RunError(
                f"{path} does not exist: a graph is written by a training with method=lcrl"
            ) from None
        except (KeyError, TypeError, ValueError, json.JSONDecodeError) as error:
            raise RunError(f"{path} is not a connection graph: {error}") from error


def from_influence(
    influence: Influence,
    states: Sequence[str],
    actions: Sequence[str],
    samples: int,
    floor: float = 0.1,
    quantile: float = 0.99,
) -> Graph:
    """The edges that stand out of chance.

    An edge stays where the lower end of its influence is above the quantile of what shuffled actions reach,
    and above a floor: what moves a component by less than a tenth of its usual change is no reason to look
    at it. Each action component keeps at least the edge that stands out most.

    Args:
        influence: As estimated.
        states: Names.
        actions: Names.
        samples: Policy steps that the estimate used.
        floor: Standard deviations of a step's change.
        quantile: Of the null.
    """
    mean = influence.values.mean(0)
    low, high = np.quantile(influence.values, [0.5 - CONFIDENCE / 2.0, 0.5 + CONFIDENCE / 2.0], axis=0)
    chance = np.quantile(influence.null, quantile, axis=(0, 2))
    threshold = np.maximum(chance, floor)
    edges = with_an_input(low > threshold[:, None], mean - threshold[:, None])
    return Graph(tuple(states), tuple(actions), edges, mean, low, high, threshold, "cs3", samples)


def with_an_input(edges: NDArray[np.bool_], order: ArrayLike) -> NDArray[np.bool_]:
    """The same edges, and for an action component without any the one that is highest in order."""
    edges = edges.copy()
    best = np.argmax(order, axis=0)
    for action in np.flatnonzero(~edges.any(0)):
        edges[best[action], action] = True
    return edges


def given(edges: ArrayLike, states: Sequence[str], actions: Sequence[str], source: str) -> Graph:
    """A graph whose edges were not estimated: from physics, at random, or all."""
    known = np.asarray(edges, dtype=np.bool_)
    values: dict[str, Any] = {key: known.astype(np.float64) for key in ("influence", "low", "high")}
    threshold = np.full(len(known), 0.5)
    return Graph(
        tuple(states), tuple(actions), known, **values, threshold=threshold, source=source, samples=0
    )


def random_edges(like: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """As many edges to each action component as another graph has, drawn at random."""
    return rng.permuted(like, axis=0)

"""Connection graph: the state components that are inputs of each action component, and their influence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers.validation import InputError
from assembly_rl.runs.files import RunError, read_json, write_json

FORMAT = 1
NUMBERS = ("influence", "low", "high", "threshold")


@dataclass(frozen=True)
class Graph:
    """Graph with edges from state components to action components.

    Attributes:
        states: Names of the state components.
        actions: Names of the action components.
        edges: (states, actions), True where the state component is an input of the action component.
        influence: (states, actions) CS3, in standard deviations of a step's change; the correlation with the
            change if the source is ``endogenous``.
        low: (states, actions) lower end of the influence's 95 % interval.
        high: (states, actions) upper end of that interval.
        threshold: (states, actions) influence above which an edge is kept.
        source: Origin of the edges.
        samples: Policy steps used for the estimate.
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

    def content(self) -> dict[str, Any]:
        """Return the graph in types of JSON."""
        arrays = {name: value.tolist() for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return {"format": FORMAT} | vars(self) | arrays

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Graph":
        """Restore a graph from ``content``; raise a KeyError, TypeError or ValueError if it is invalid."""
        states, actions = (tuple(map(str, content[key])) for key in ("states", "actions"))
        shape = (len(states), len(actions))
        numbers: dict[str, Any] = {key: np.array(content[key], dtype=np.float64) for key in NUMBERS}
        edges = np.array(content["edges"], dtype=np.bool_)
        for key, array in {"edges": edges, **numbers}.items():
            if array.shape != shape:
                raise InputError(f"its {key} are of shape {array.shape}, not {shape}")
            if not np.isfinite(array).all():
                raise InputError(f"its {key} are not all finite")
        if not edges.any(0).all():
            raise InputError(f"{actions[int(np.argmin(edges.any(0)))]} has no edge")
        source, samples = str(content["source"]), int(content["samples"])
        return cls(states, actions, edges, **numbers, source=source, samples=samples)

    def save(self, path: Path) -> None:
        """Write the graph as JSON."""
        write_json(path, self.content())

    @classmethod
    def load(cls, path: Path) -> "Graph":
        """Read a graph.

        Raises:
            RunError: The file is missing, has a newer format, or is inconsistent.
        """
        if not path.is_file():
            raise RunError(f"{path} does not exist: a graph is written by a training with method=lcrl")
        try:
            return cls.from_content(read_json(path, FORMAT))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else error
            raise RunError(f"{path} is not a connection graph: {what}") from error


def given(edges: ArrayLike, states: Sequence[str], actions: Sequence[str], source: str) -> Graph:
    """Return a graph whose edges are not estimated: from physics, at random, or all."""
    known = np.asarray(edges, dtype=np.bool_)
    values: dict[str, Any] = {key: known.astype(np.float64) for key in ("influence", "low", "high")}
    threshold = np.full(known.shape, 0.5)
    return Graph(
        tuple(states), tuple(actions), known, **values, threshold=threshold, source=source, samples=0
    )

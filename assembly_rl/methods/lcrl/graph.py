"""The connection graph: which state components each action component sees, and why."""

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
    """Edges from state components to action components.

    Attributes:
        states: Names of the state components.
        actions: Names of the action components.
        edges: (states, actions), whether the action component sees the state component.
        influence: (states, actions), CS3: standard deviations of a step's change.
        low: Lower end of its 95 % interval over the ensemble.
        high: Upper end.
        threshold: (states, actions), above which an edge is kept.
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

    def content(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        arrays = {name: value.tolist() for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return {"format": FORMAT} | vars(self) | arrays

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Graph":
        """The graph again; a KeyError, TypeError or ValueError where it is none."""
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
        """Write it as JSON."""
        write_json(path, self.content())

    @classmethod
    def load(cls, path: Path) -> "Graph":
        """Read it.

        Raises:
            RunError: The file is not there, is of a newer version, or its parts do not fit together.
        """
        if not path.is_file():
            raise RunError(f"{path} does not exist: a graph is written by a training with method=lcrl")
        try:
            return cls.from_content(read_json(path, FORMAT))
        except (KeyError, TypeError, ValueError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else error
            raise RunError(f"{path} is not a connection graph: {what}") from error


def given(edges: ArrayLike, states: Sequence[str], actions: Sequence[str], source: str) -> Graph:
    """A graph whose edges were not estimated: from physics, at random, or all."""
    known = np.asarray(edges, dtype=np.bool_)
    values: dict[str, Any] = {key: known.astype(np.float64) for key in ("influence", "low", "high")}
    threshold = np.full(known.shape, 0.5)
    return Graph(
        tuple(states), tuple(actions), known, **values, threshold=threshold, source=source, samples=0
    )


def random_edges(like: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """As many edges to each action component as another graph has, drawn at random."""
    return rng.permuted(like, axis=0)

"""Edges from the mechanics of an insertion, by the names of components."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

COUPLED = {
    "x": {"x", "ry"}, "y": {"y", "rx"}, "z": {"z"}, "rx": {"rx", "y"}, "ry": {"ry", "x"}, "rz": {"rz"},
}  # fmt: skip
"""Axis of an action -> axes of its inputs: a lateral force is coupled with the tilt about the other axis."""
AXIS_OF_WRENCH = {"fx": "x", "fy": "y", "fz": "z", "mx": "rx", "my": "ry", "mz": "rz"}


def physics_edges(states: Sequence[str], actions: Sequence[str]) -> NDArray[np.bool_]:
    """Return edges (states, actions) by the endings of the names; the depth is an input of all actions."""
    edges = np.zeros((len(states), len(actions)), dtype=np.bool_)
    for row, state in enumerate(states):
        axis = _axis(state)
        for column, action in enumerate(actions):
            edges[row, column] = axis in COUPLED[action] or state == "z"
    return edges


def _axis(state: str) -> str:
    name = state.partition("[")[0].partition("#")[0].rpartition("_")[2]
    return AXIS_OF_WRENCH.get(name, name)

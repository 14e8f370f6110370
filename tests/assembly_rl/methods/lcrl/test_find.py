"""Known systems: the graph comes out, whatever the actions were correlated with."""

import numpy as np
import pytest
import torch

from assembly_rl.methods.cs3.estimate import Transitions
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.lcrl.find import cs3_graph
from assembly_rl.methods.lcrl.graph import Graph

torch.set_num_threads(1)
STATES, ACTIONS, COUNT = 6, 3, 2000
EFFECT = np.array([[1, 0, 0], [0, 1, 0], [0, 0.5, 1], [0, 0, 0], [0, 0, 0], [0.6, 0, 0]], dtype=float)


def linear(state: np.ndarray, action: np.ndarray) -> np.ndarray:
    return action @ EFFECT.T


def nonlinear(state: np.ndarray, action: np.ndarray) -> np.ndarray:
    """The same edges: saturation, a sign that depends on the state, a product of two actions."""
    change = np.zeros_like(state)
    change[:, 0] = np.tanh(3.0 * action[:, 0])
    change[:, 1] = action[:, 1] * np.sign(state[:, 4])
    change[:, 2] = action[:, 1] * action[:, 2] + action[:, 2]
    change[:, 5] = np.maximum(0.0, action[:, 0]) * 1.5
    return change


def graph(system, confounded: bool) -> Graph:
    """Of transitions in which some state components drift by themselves."""
    rng = np.random.default_rng(0)
    state = rng.normal(size=(COUNT, STATES))
    action = rng.uniform(-1.0, 1.0, size=(COUNT, ACTIONS))
    if confounded:  # a policy that looks at components that it does not move, and which move by themselves
        action = np.tanh(0.8 * state[:, [3, 4, 3]] + 0.5 * action)
    drift = np.zeros_like(state)
    drift[:, 3] = -0.5 * state[:, 3]
    drift[:, 4] = np.sin(state[:, 4])
    change = system(state, action) + drift + 0.05 * rng.normal(size=state.shape)
    parts = (part.astype(np.float32) for part in (state, action, change))
    names = [f"s{k}" for k in range(STATES)], [f"a{k}" for k in range(ACTIONS)]
    return cs3_graph(
        LCRLConfig(edges="cs3", threshold="chance"),
        Transitions(*parts, ages=np.arange(COUNT) % 50),
        *names,
        0,
        COUNT,
    )


@pytest.mark.parametrize("confounded", [False, True])
@pytest.mark.parametrize("system", [linear, nonlinear])
def test_the_graph_of_a_known_system(system, confounded: bool) -> None:
    found = graph(system, confounded)
    np.testing.assert_array_equal(found.edges, EFFECT != 0.0, err_msg=str(found.influence.round(3)))
    assert (found.low <= found.influence).all() and (found.influence <= found.high).all()
    assert (found.high - found.low)[found.edges].max() < 0.3

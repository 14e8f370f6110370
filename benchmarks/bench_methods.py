"""Cost of masks and action groups: policies with them against dense ones of equal width, in one run.

``make bench-methods``. Both policies of a pair have the same layers and run on one thread.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from rich.console import Console
from rich.table import Table

from assembly_rl.learners.config import ALGORITHMS
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.lcrl.connections import connect
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.methods.pead.grouping import parse
from assembly_rl.methods.pead.policy import start
from assembly_rl.planner.prediction import learner, update_of
from assembly_rl.training.method import DenseConfig, MethodConfig
from assembly_rl.training.model import make_model

ACTIONS, HEAD = 6, 24
ROUNDS, CALLS = 31, 40


def connected(model: Any, states: int) -> None:
    """Connect a model by a random graph with a tenth of the edges."""
    connect(model, np.random.default_rng(0).random((states, ACTIONS)) < 0.1)


def tied(model: Any, states: int) -> None:
    """Group the action components of a model into two dimensions."""
    start(model, parse(["x y z", "rx ry rz"], None))


PAIRS = {
    "connections": (60, LCRLConfig(head=[HEAD] * 2), DenseConfig(actor=[ACTIONS * HEAD] * 2), connected),
    "ties": (18, PEADConfig(), DenseConfig(), tied),
}
"""Number of state components, method, dense method and change to the method's model, by feature."""


def ready(name: str, states: int, method: MethodConfig, change: Callable[[Any, int], None] | None) -> Any:
    """Create a model that is ready to update."""
    spaces = Box(-1.0, 1.0, (states,), np.float32), Box(-1.0, 1.0, (ACTIONS,), np.float32)
    made = learner(ALGORITHMS.get(name)(), *spaces, make=partial(make_model, method=method))
    if change:
        change(made, states)
    if isinstance(made, Learner):
        made.bind()
    return made


def forward_of(made: Any) -> Callable[[], None]:
    """Return a function that computes actions for a batch as in an update, without gradients."""
    states = torch.rand(256, *made.observation_space.shape)

    def forward() -> None:
        with torch.no_grad():
            made.policy._predict(states)

    return forward


def ratio(first: Callable[[], None], second: Callable[[], None], calls: int) -> tuple[float, float]:
    """Median ratio of the first time to the second, measured in turns, and the first's median [ms]."""
    times = np.array([[_seconds(call, calls) for call in (first, second)] for _ in range(ROUNDS)])
    return float(np.median(times[:, 0] / times[:, 1])), 1e3 * float(np.median(times[:, 0]))


def _seconds(call: Callable[[], None], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    columns = "forward, ratio", "update, ratio", "forward [ms]", "update [ms]"
    table = Table("policy with", "algorithm", *columns)
    for what, (states, method, plain, change) in PAIRS.items():
        for name in ALGORITHMS.names():
            own, dense = ready(name, states, method, change), ready(name, states, plain, None)
            forward, of_forward = ratio(forward_of(own), forward_of(dense), CALLS)
            update, of_update = ratio(update_of(own), update_of(dense), CALLS)
            numbers = (f"{value:.2f}" for value in (forward, update, of_forward, of_update))
            table.add_row(what, name, *numbers)
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main()

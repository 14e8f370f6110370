"""Cost of masks: a policy with connections beside a dense one of equal width, side by side in one run.

``make bench-lcrl``. Both have the same layers; one of them has masks. On one thread.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from rich.console import Console
from rich.table import Table

from assembly_rl.algorithms.config import ALGORITHMS
from assembly_rl.devices.learner import Learner
from assembly_rl.devices.planner import learner, update_of
from assembly_rl.lcrl.config import LCRLConfig
from assembly_rl.lcrl.connections import connect
from assembly_rl.method import DenseConfig

STATES, ACTIONS, HEAD = 60, 6, 24
ROUNDS, CALLS = 31, 40
DENSE = DenseConfig(actor=[ACTIONS * HEAD] * 2)
LOCAL = LCRLConfig(head=[HEAD] * 2)


def model(name: str, method: DenseConfig | LCRLConfig) -> Any:
    """Ready to update; with the connections of a random graph of a tenth of the edges."""
    spaces = Box(-1.0, 1.0, (STATES,), np.float32), Box(-1.0, 1.0, (ACTIONS,), np.float32)
    made = learner(ALGORITHMS[name](), *spaces, method=method)
    if isinstance(method, LCRLConfig):
        edges = np.random.default_rng(0).random((STATES, ACTIONS)) < 0.1
        connect(made, edges)
    if isinstance(made, Learner):
        made.bind()
    return made


def forward_of(made: Any) -> Callable[[], None]:
    """The policy's action for a batch, as in an update, without gradients."""
    states = torch.rand(256, STATES)

    def forward() -> None:
        with torch.no_grad():
            made.policy._predict(states)

    return forward


def ratio(first: Callable[[], None], second: Callable[[], None], calls: int) -> tuple[float, float]:
    """Median time of the first by that of the second, measured in turns, and the first's in milliseconds."""
    times = np.array([[_seconds(call, calls) for call in (first, second)] for _ in range(ROUNDS)])
    return float(np.median(times[:, 0] / times[:, 1])), 1e3 * float(np.median(times[:, 0]))


def _seconds(call: Callable[[], None], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def main() -> None:
    """Entry point."""
    torch.set_num_threads(1)
    table = Table("algorithm", "forward, ratio", "update, ratio", "forward [ms]", "update [ms]")
    for name in ALGORITHMS:
        local, dense = model(name, LOCAL), model(name, DENSE)
        forward, of_forward = ratio(forward_of(local), forward_of(dense), CALLS)
        update, of_update = ratio(update_of(local), update_of(dense), CALLS)
        table.add_row(name, f"{forward:.2f}", f"{update:.2f}", f"{of_forward:.2f}", f"{of_update:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()

"""Compare learning on an accelerator with that on the CPU and print a report; exit code 1 if they differ.

Run on real hardware before a training is trusted: ``python scripts/npu_smoke.py`` (or ``... cuda``).
"""

import platform
import sys
import time
import warnings
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from rich.console import Console
from rich.table import Table

from assembly_rl.accelerators.device import DeviceError, resolve
from assembly_rl.accelerators.npu import advice
from assembly_rl.learners.config import ALGORITHMS
from assembly_rl.planner.prediction import learner

SPACES = Box(-1.0, 1.0, (18,), np.float32), Box(-1.0, 1.0, (6,), np.float32)
UPDATES = 5
TOLERANCE = 1e-4
"""Largest accepted difference of a weight after these updates; steps of Adam are about 1e-3."""


def learned(model: Any, updates: int) -> tuple[dict[str, torch.Tensor], float]:
    """Weights after a number of updates with seeded random numbers, and the time of an update [s]."""
    np.random.seed(1)
    torch.manual_seed(1)
    start = time.perf_counter()
    for _ in range(updates):
        model.train(1, model.batch_size) if hasattr(model, "replay_buffer") else model.train()
    weights = {name: value.cpu().clone() for name, value in model.policy.state_dict().items()}  # this waits
    return weights, (time.perf_counter() - start) / updates


def optimizers(model: Any) -> list[torch.optim.Optimizer]:
    """All optimizers of a policy."""
    parts = [model.policy, getattr(model.policy, "actor", None), getattr(model.policy, "critic", None)]
    return [part.optimizer for part in parts if hasattr(part, "optimizer")]


def compare(name: str, device: torch.device) -> tuple[bool, list[str]]:
    """Return True if an algorithm learns the same on both, and a row of the report."""
    runs = {}
    for place in (torch.device("cpu"), device):
        model = learner(ALGORITHMS.get(name)(batch_size=256), *SPACES, device=str(place))
        held = {id(p) for of in optimizers(model) for group in of.param_groups for p in group["params"]}
        kept = held <= {id(p) for p in model.policy.parameters()}
        there = {parameter.device.type for parameter in model.policy.parameters()} == {place.type}
        before = {key: value.cpu().clone() for key, value in model.policy.state_dict().items()}
        weights, _ = learned(model, UPDATES)
        moved = sum(not torch.equal(weights[key], before[key]) for key in weights)
        _, seconds = learned(model, 50)
        runs[place.type] = (weights, kept and there and moved >= len(weights) - 1, seconds)
    (ours, our_state, our_seconds), (theirs, their_state, their_seconds) = runs[device.type], runs["cpu"]
    distance = max(float((ours[key] - theirs[key]).abs().max()) for key in theirs)
    good = our_state and their_state and distance < TOLERANCE
    numbers = [f"{distance:.1e}", f"{1.0 / their_seconds:.0f}", f"{1.0 / our_seconds:.0f}"]
    return good, [name, "yes" if our_state else "NO", *numbers, "ok" if good else "DIFFERS"]


def main(name: str) -> int:
    """Print the report and return the exit code."""
    console = Console(width=110)
    try:
        device = resolve(name)
    except DeviceError as error:
        console.print(f"error: {error}", markup=False)
        return 2
    warnings.filterwarnings("ignore", "You are trying to run PPO on the GPU")
    module = torch.get_device_module(device)
    named = module.get_device_name(device) if hasattr(module, "get_device_name") else "no name given"
    console.print(f"{device} ({named}), torch {torch.__version__}, Python {platform.python_version()}")
    if device.type == "npu" and advice():
        console.print(f"advice: {advice()}")
    table = Table(
        "algorithm", "learns in place", "largest difference", "CPU updates/s", f"{name} updates/s", ""
    )
    results = []
    for algorithm in ALGORITHMS.names():
        good, row = compare(algorithm, device)
        results.append(good)
        table.add_row(*row)
    console.print(table)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "npu"))

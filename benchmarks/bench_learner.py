"""Update times of our learner and of stable-baselines3's, side by side in one run, on one thread.

``make bench-learner``, or ``python benchmarks/bench_learner.py cuda``. The floor is the time that the matrix
products of our update take by themselves, one after the other.
"""

import functools
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import stable_baselines3
import torch
from gymnasium.spaces import Box
from rich.console import Console
from rich.table import Table
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import DummyVecEnv
from torch.utils._python_dispatch import TorchDispatchMode

from assembly_rl.accelerators.device import resolve
from assembly_rl.learners import off_policy
from assembly_rl.planner.kernels import MATRIX
from assembly_rl.planner.prediction import IdleEnv

SPACES = Box(-1.0, 1.0, (18,), np.float32), Box(-1.0, 1.0, (6,), np.float32)
BATCH = 256
ROUNDS, UPDATES = 15, 100


def make(source: Any, name: str, network: list[int], device: torch.device) -> Any:
    """Create a model with a full replay buffer of random transitions."""
    own: dict[str, Any] = {"ent_coef": 0.02} if name == "SAC" else {}
    if name != "SAC":
        own["action_noise"] = NormalActionNoise(np.zeros(6), np.full(6, 0.2))
    model = getattr(source, name)(
        "MlpPolicy", DummyVecEnv([lambda: IdleEnv(*SPACES)]), batch_size=BATCH, learning_rate=1e-3, seed=0,
        buffer_size=20_000, policy_kwargs={"net_arch": network}, device=device, **own,
    )  # fmt: skip
    if name == "DDPG" and source is off_policy:
        model.actor_learning_rate = 1e-4
    model.set_logger(Logger(None, []))
    rng = np.random.default_rng(0)
    for column in ("observations", "actions", "next_observations", "rewards"):
        array = getattr(model.replay_buffer, column)
        array[:] = rng.uniform(-1.0, 1.0, array.shape)
    model.replay_buffer.full = True
    return model


def seconds(update: Callable[[], None], wait: Callable[[], None]) -> float:
    """Time of one update [s]."""
    wait()
    start = time.perf_counter()
    for _ in range(UPDATES):
        update()
    wait()
    return (time.perf_counter() - start) / UPDATES


class Products(TorchDispatchMode):
    """Recorder of the matrix products of the code inside its context; a call repeats them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a function, and record it if it is a matrix product."""
        if function.overloadpacket.__name__ in MATRIX:
            self.calls.append((function, args, kwargs or {}))
        return function(*args, **(kwargs or {}))

    def __call__(self) -> None:
        """Repeat all recorded matrix products."""
        for function, args, kwargs in self.calls:
            function(*args, **kwargs)


@torch.no_grad()
def floor(update: Callable[[], None], wait: Callable[[], None]) -> float:
    """Time of an update's matrix products alone [s], mean of two: TD3's actor learns in every second one."""
    with Products() as products:
        for _ in range(2):
            update()
    return float(np.median([seconds(products, wait) for _ in range(5)])) / 2.0


def main(name: str) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    device = resolve(name)
    wait = (lambda: None) if device.type == "cpu" else torch.accelerator.synchronize
    columns = ("algorithm", "network", "stock [ms]", "ours [ms]", "ratio", "floor [ms]")
    table = Table(*columns, title=f"an update, batch {BATCH}, {name}")
    for network in ([64, 64], [256, 256]):
        for algorithm in ("DDPG", "TD3", "SAC"):
            models = [make(source, algorithm, network, device) for source in (stable_baselines3, off_policy)]
            updates = [functools.partial(model.train, 1, BATCH) for model in models]
            for update in updates:
                seconds(update, wait)
            times = np.array([[seconds(update, wait) for update in updates] for _ in range(ROUNDS)])
            stock, ours = 1e3 * np.median(times, axis=0)
            ratio = np.median(times[:, 0] / times[:, 1])
            least = f"{1e3 * floor(updates[1], wait):.2f}" if device.type == "cpu" else "-"
            size = "-".join(map(str, network))
            table.add_row(algorithm, size, f"{stock:.2f}", f"{ours:.2f}", f"{ratio:.2f}", least)
    Console(width=110).print(table)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cpu")

"""Updates per second of the learner beside stable-baselines3's, side by side in one run, on one thread.

``make bench-learner``, or ``python benchmarks/bench_learner.py cuda``. The floor is the time that the matrix
products alone take, each at the speed that the device has for its size.
"""

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
from stable_baselines3.common.logger import configure
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import DummyVecEnv

from assembly_rl.devices import learner
from assembly_rl.devices.kernels import record
from assembly_rl.devices.planner import Still
from assembly_rl.devices.profile import cpu_profile
from assembly_rl.devices.resolve import resolve

SPACES = Box(-1.0, 1.0, (18,), np.float32), Box(-1.0, 1.0, (6,), np.float32)
BATCH = 256
ROUNDS, UPDATES = 15, 100


def make(source: Any, name: str, network: list[int], device: torch.device) -> Any:
    """A model with a full replay buffer of random transitions."""
    own: dict[str, Any] = {"ent_coef": 0.02} if name == "SAC" else {}
    if name != "SAC":
        own["action_noise"] = NormalActionNoise(np.zeros(6), np.full(6, 0.2))
    model = getattr(source, name)(
        "MlpPolicy", DummyVecEnv([lambda: Still(*SPACES)]), batch_size=BATCH, learning_rate=1e-3, seed=0,
        buffer_size=20_000, policy_kwargs={"net_arch": network}, device=device, **own,
    )  # fmt: skip
    if name == "DDPG" and source is learner:
        model.actor_learning_rate = 1e-4
    model.set_logger(configure(None, []))
    rng = np.random.default_rng(0)
    for column in ("observations", "actions", "next_observations", "rewards"):
        array = getattr(model.replay_buffer, column)
        array[:] = rng.uniform(-1.0, 1.0, array.shape)
    model.replay_buffer.full = True
    return model


def seconds(update: Callable[[], None], wait: Callable[[], None]) -> float:
    """Of one update."""
    wait()
    start = time.perf_counter()
    for _ in range(UPDATES):
        update()
    wait()
    return (time.perf_counter() - start) / UPDATES


def main(name: str) -> None:
    """Print a table."""
    torch.set_num_threads(1)
    device = resolve(name)
    wait = (lambda: None) if device.type == "cpu" else torch.get_device_module(device).synchronize
    table = Table(
        "algorithm",
        "network",
        "stock [ms]",
        "ours [ms]",
        "ratio",
        "floor [ms]",
        title=f"batch {BATCH}, {name}",
    )
    profile = cpu_profile() if device.type == "cpu" else None
    for network in ([64, 64], [256, 256]):
        for algorithm in ("DDPG", "TD3", "SAC"):
            stock, ours = (
                make(source, algorithm, network, device) for source in (stable_baselines3, learner)
            )
            updates = [lambda model=model: model.train(1, BATCH) for model in (stock, ours)]
            for update in updates:
                seconds(update, wait)
            times = np.array([[seconds(update, wait) for update in updates] for _ in range(ROUNDS)])
            floor = "-"
            if profile is not None:
                products = [k for _ in range(2) for k in record(updates[1]) if k.kind in ("matrix", "wide")]
                floor = f"{1e3 * sum(map(profile.seconds, products)) / 2:.2f}"
            median = 1e3 * np.median(times, axis=0)
            ratio = np.median(times[:, 0] / times[:, 1])
            size = "-".join(map(str, network))
            table.add_row(algorithm, size, f"{median[0]:.2f}", f"{median[1]:.2f}", f"{ratio:.2f}", floor)
    Console(width=110).print(table)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cpu")

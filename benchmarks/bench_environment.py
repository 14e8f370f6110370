"""Speed of the environment, breakdown of its time, and growth of its memory.

    python benchmarks/bench_environment.py [--json results.json] [--memory-steps 100000]

The policy searches with random actions, each held for a quarter of a second, and a push into the hole. Times
are medians over repeats; on a busy machine trust ratios more than rates.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch; worker processes inherit it

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from assembly_rl.controllers import ReflexGuidance
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.envs.physics.bullet.library import pybullet
from assembly_rl.evaluation import Evaluator, GuidedPolicy, Scenario

SECTIONS = ("square", "triangle", "pentagon", "hexagon", "L", "T", "circle")
HOLD = 5
"""Policy steps for which an action is held."""

CALLS = (
    "stepSimulation",
    "getBasePositionAndOrientation",
    "getBaseVelocity",
    "applyExternalForce",
    "applyExternalTorque",
    "getContactPoints",
)
"""Functions of PyBullet that an environment step calls."""


class Clock:
    """Timer of pybullet functions, with the cost of the wrapper itself subtracted.

    Attributes:
        seconds: Time inside each function [s].
        calls: Number of calls of each function.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.clear()
        self.inside, self.around = self._calibrate()

    def clear(self) -> None:
        """Reset all times and counts to zero."""
        self.seconds = dict.fromkeys(self.names, 0.0)
        self.calls = dict.fromkeys(self.names, 0)

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a timed version of a function."""
        seconds, calls, now = self.seconds, self.calls, time.perf_counter

        def timed(*args: Any, **keywords: Any) -> Any:
            start = now()
            result = function(*args, **keywords)
            seconds[name] += now() - start
            calls[name] += 1
            return result

        return timed

    def _calibrate(self, calls: int = 20_000, repeats: int = 9) -> tuple[float, float]:
        """Time per call that the wrapper adds inside the function and to its caller [s]."""
        bare, name = pybullet.isConnected, self.names[0]  # a cheap function with the same calling convention
        client = pybullet.connect(pybullet.DIRECT)
        inside, around = [], []
        for _ in range(repeats):
            self.clear()
            timed = self.wrap(name, bare)
            raw_time, timed_time = (_repeated(function, client, calls) for function in (bare, timed))
            inside.append((self.seconds[name] - raw_time) / calls)
            around.append((timed_time - raw_time) / calls)
        pybullet.disconnect(client)
        self.clear()
        return max(0.0, statistics.median(inside)), max(0.0, statistics.median(around))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time the functions while the context is open."""
        self.clear()
        originals = {name: getattr(pybullet, name) for name in self.names}
        for name, function in originals.items():
            setattr(pybullet, name, self.wrap(name, function))
        try:
            yield
        finally:
            for name, function in originals.items():
                setattr(pybullet, name, function)

    def corrected(self, name: str) -> float:
        """Time inside a function without the wrapper [s]."""
        return self.seconds[name] - self.calls[name] * self.inside

    def overhead(self) -> float:
        """Time that all wrappers cost their callers [s]."""
        return sum(self.calls.values()) * self.around


def _repeated(function: Callable[[int], Any], argument: int, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function(argument)
    return time.perf_counter() - start


def actions(seed: int, steps: int) -> NDArray[np.float32]:
    """Searching actions, shape (steps, 6)."""
    rng = np.random.default_rng(seed)
    held = rng.uniform(-1.0, 1.0, (steps // HOLD + 1, 6)).astype(np.float32)
    held[:, 2] = -0.5
    return np.repeat(held, HOLD, axis=0)[:steps]


def drive(env: PegInHoleEnv, commands: NDArray[np.float32]) -> float:
    """Step through all commands, resetting where episodes end; return the time inside ``env.step`` [s]."""
    total, now = 0.0, time.perf_counter
    for command in commands:
        start = now()
        *_, terminated, truncated, _ = env.step(command)
        total += now() - start
        if terminated or truncated:
            env.reset()
    return total


def measure_shares(steps: int, repeats: int) -> dict[str, float]:
    """Share of ``env.step`` spent inside each function of PyBullet and in Python, on the square."""
    alone, every = Clock(CALLS[:1]), Clock(CALLS)
    env = PegInHoleEnv()
    commands = actions(0, steps)
    shares: list[float] = []
    physics_step: list[float] = []
    split: dict[str, list[float]] = {name: [] for name in CALLS}
    for repeat in range(repeats):
        env.reset(seed=repeat)
        with alone.running():
            wall = drive(env, commands)
        inside = alone.corrected("stepSimulation")
        shares.append(inside / (wall - alone.overhead()))
        physics_step.append(1e6 * inside / alone.calls["stepSimulation"])
        env.reset(seed=repeat)
        with every.running():
            wall = drive(env, commands) - every.overhead()
        for name in CALLS:
            split[name].append(every.corrected(name) / wall)
    env.close()
    result = {f"share of {name}": statistics.median(values) for name, values in split.items()}
    result["share of stepSimulation"] = statistics.median(shares)  # with one wrapper only: more exact
    result["share of everything else"] = 1.0 - sum(result.values())
    result["stepSimulation, us a call"] = statistics.median(physics_step)
    return result


def measure_rates(steps: int, repeats: int) -> dict[str, float]:
    """Policy steps a second, resets included, for every section."""
    rates = {}
    for section in SECTIONS:
        env = PegInHoleEnv({"section": section})
        env.reset(seed=0)
        drive(env, actions(1, 100))
        found = []
        for repeat in range(repeats):
            env.reset(seed=repeat)
            commands = actions(repeat, steps)
            start = time.perf_counter()
            drive(env, commands)
            found.append(steps / (time.perf_counter() - start))
        env.close()
        rates[section] = statistics.median(found)
    return rates


def measure_workers(steps: int, repeats: int) -> dict[str, float]:
    """Policy steps a second of one and of two worker processes, measured in turns."""
    from stable_baselines3.common.vec_env import SubprocVecEnv

    rates: dict[int, list[float]] = {1: [], 2: []}
    pools = {count: SubprocVecEnv([partial(PegInHoleEnv)] * count) for count in rates}
    for repeat in range(repeats):
        for count, pool in pools.items():
            pool.seed(repeat)
            pool.reset()
            commands = np.stack([actions(repeat + worker, steps) for worker in range(count)], axis=1)
            start = time.perf_counter()
            for command in commands:
                pool.step(command)
            rates[count].append(count * steps / (time.perf_counter() - start))
    for pool in pools.values():
        pool.close()
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    return {
        "one worker, policy steps a second": statistics.median(rates[1]),
        "two workers, policy steps a second": statistics.median(rates[2]),
        "two workers against one": statistics.median(ratios),
    }


def measure_evaluation(episodes: int, repeats: int) -> dict[str, float]:
    """Speed-up by a second evaluation worker, which never waits, on equal episodes of the moment reflex."""
    scenario = Scenario(PegHole(), TaskConfig())
    agent = GuidedPolicy(ReflexGuidance(), scenario.task.action.wrench)
    ratios = []
    with Evaluator(1) as one, Evaluator(2) as two:
        for repeat in range(repeats + 1):
            times = []
            for evaluator in (one, two):
                start = time.perf_counter()
                evaluator.evaluate(scenario, agent, episodes, repeat * episodes)
                times.append(time.perf_counter() - start)
            ratios.append(times[0] / times[1])
    return {"two workers against one": statistics.median(ratios[1:])}  # the first builds the worlds


def resident_megabytes() -> float:
    """Resident memory of this process [MB]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure_memory(steps: int) -> dict[str, float]:
    """Growth of resident memory over many policy steps and their resets [MB], after a warm-up."""
    env = PegInHoleEnv()
    env.reset(seed=0)
    drive(env, actions(0, 2000))
    before = resident_megabytes()
    for chunk in range(0, steps, 1000):
        drive(env, actions(chunk, min(1000, steps - chunk)))
    growth = resident_megabytes() - before
    env.close()
    return {"policy steps": float(steps), "growth, MB": growth}


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600, help="policy steps of one repeat")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--memory-steps", type=int, default=100_000, help="0 leaves the memory out")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    results = {
        "time of env.step, square": measure_shares(options.steps, options.repeats),
        "policy steps a second": measure_rates(options.steps, options.repeats),
        "workers in step (SubprocVecEnv)": measure_workers(options.steps, options.repeats),
        "evaluation workers": measure_evaluation(40, options.repeats),
    }
    if options.memory_steps:
        results["memory"] = measure_memory(options.memory_steps)
    table = Table("", "measured", "value")
    for group, values in results.items():
        for name, value in values.items():
            table.add_row(group, name, f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}")
            group = ""
        table.add_section()
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Speed of the physics engines beside each other, in one run.

    python benchmarks/bench_engines.py [--repeats 7] [--json results.json]

The engines take turns; every number is the median of the repeats, per second of processor time. World:
physics steps in free space, on the rim and inside the hole. Environment: searching actions as in
bench_environment.py. Settings: those of the MuJoCo model, one changed at a time, on the rim and inside.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy

import numpy as np
from bench_environment import actions, drive
from rich.console import Console
from rich.table import Table

from assembly_rl.envs import PegHole, PegInHoleEnv
from assembly_rl.envs.physics import ENGINES, MujocoWorld, PhysicsConfig, World
from assembly_rl.envs.physics.mujoco import model

NAMES = ("bullet", "mujoco")
SECTIONS = ("square", "L", "circle")
UPRIGHT = (0.0, 0.0, 0.0, 1.0)
CUTOFF, CONTROL_RATE = 40.0, 200.0  # Hz
PLACES = {  # start of the tip [m], lateral step [m], push [m]
    "free": ((0.0, 0.0, 0.01), 1e-4, 0.0),
    "rim": ((0.001, 0.0005, 1e-5), 5e-5, 3e-4),
    "inside": ((0.0, 0.0, -0.01), 1e-4, 0.0),
}
SETTINGS = {  # text in the model, and what takes its place
    "as it is": ("", ""),
    "pyramidal friction cone": ("elliptic", "pyramidal"),
    "one contact for a pair of hulls": ('island="disable"', 'island="disable" multiccd="disable"'),
    "with islands": ('island="disable"', ""),
    "tolerance 1e-6": ("1e-10", "1e-6"),
    "sparse Jacobian": ("dense", "sparse"),
    "without warm start": ('island="disable"', 'island="disable" warmstart="disable"'),
    "conjugate gradients": ("Newton", "CG"),
    "projected Gauss-Seidel": ("Newton", "PGS"),
    "libccd instead of the native collisions": ('island="disable"', 'island="disable" nativeccd="disable"'),
}


def walk(place: str, length: float, periods: int = 60) -> list[tuple[float, float, float]]:
    """Positions of the flange [m]: a random walk of the tip at a place, under a random push."""
    (x, y, z), step, push = PLACES[place]
    rng, path = np.random.default_rng(1), []
    for _ in range(periods):
        x, y = (value + float(rng.uniform(-step, step)) for value in (x, y))
        path.append((x, y, z + length - push * float(rng.uniform(0.5, 1.0))))
    return path


def steps_per_second(world: World, place: str) -> float:
    """Physics steps per second of processor time at a place."""
    length, count = world.part.peg_length, round((world.config.rate or 0.0) / CONTROL_RATE)
    path, ((x, y, z), _, _) = walk(place, length), PLACES[place]
    world.reset((x, y, z + length), UPRIGHT)
    start = time.process_time()
    for position in path:
        world.advance(count, position, UPRIGHT)
    return len(path) * count / (time.process_time() - start)


def measure_worlds(repeats: int) -> dict[str, dict[str, float]]:
    """Physics steps per second of every engine in every place, for every section."""
    results = {}
    for section in SECTIONS:
        worlds = {}
        for name in NAMES:
            config = PhysicsConfig(engine=name)
            worlds[name] = ENGINES.get(name)(PegHole(section), config, CUTOFF, False)
            worlds[name].set_friction(0.2)
        for place in PLACES:
            found: dict[str, list[float]] = {name: [] for name in NAMES}
            for _ in range(repeats):
                for name, world in worlds.items():
                    found[name].append(steps_per_second(world, place))
            results[f"{section}, {place}"] = {name: statistics.median(found[name]) for name in NAMES}
    return results


def measure_settings(repeats: int) -> dict[str, float]:
    """Speed of the MuJoCo world with other settings as a multiple of that with its own, on the square."""
    worlds = {}
    for name, (old, new) in SETTINGS.items():
        with patch.object(model, "MODEL", model.MODEL.replace(old, new)):
            worlds[name] = MujocoWorld(PegHole(), PhysicsConfig(), CUTOFF)
    found: dict[str, list[float]] = {name: [] for name in worlds}
    for _ in range(repeats):
        for name, world in worlds.items():
            found[name].append(sum(1.0 / steps_per_second(world, place) for place in ("rim", "inside")))
    times = {name: statistics.median(values) for name, values in found.items()}
    return {name: times["as it is"] / time for name, time in times.items()}


def timed(function: Callable[..., None], total: list[float]) -> Callable[..., None]:
    """Function that adds its processor time [s] to a total."""

    def call(*arguments: Any) -> None:
        start = time.process_time()
        function(*arguments)
        total[0] += time.process_time() - start

    return call


def measure_environments(steps: int, repeats: int) -> dict[str, dict[str, float]]:
    """Policy steps per second, share of the world, and simulated seconds per second of the world alone."""
    names = ("policy steps a second", "share of the world", "simulated seconds a second in the world")
    found: dict[str, dict[str, list[float]]] = {name: {engine: [] for engine in NAMES} for name in names}
    environments: dict[str, Any] = {name: PegInHoleEnv(task={"physics": {"engine": name}}) for name in NAMES}
    for repeat in range(repeats):
        commands = actions(repeat, steps)
        for engine, environment in environments.items():
            environment.reset(seed=repeat)
            start = time.process_time()
            drive(environment, commands)
            found[names[0]][engine].append(steps / (time.process_time() - start))
            world = environment._robot.world
            total = [0.0]
            world.advance = timed(world.advance, total)
            environment.reset(seed=repeat)
            start = time.process_time()
            drive(environment, commands)
            found[names[1]][engine].append(total[0] / (time.process_time() - start))
            found[names[2]][engine].append(steps / environment.task.policy_rate / total[0])
            del world.advance
    return {
        name: {engine: statistics.median(values) for engine, values in row.items()}
        for name, row in found.items()
    }


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="policy steps of one repeat")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    results = measure_worlds(options.repeats) | measure_environments(options.steps, options.repeats)
    table = Table("", *NAMES, "ratio")
    for name, row in results.items():
        bullet, mujoco = (row[engine] for engine in NAMES)
        table.add_row(name, f"{bullet:.4g}", f"{mujoco:.4g}", f"{mujoco / bullet:.2f}")
    settings = measure_settings(3 * options.repeats)
    speeds = Table("setting of the MuJoCo model", "speed")
    for name, speed in settings.items():
        speeds.add_row(name, f"{speed:.2f}")
    Console().print(table, speeds)
    if options.json:
        options.json.write_text(json.dumps({"engines": results, "settings": settings}, indent=2) + "\n")


if __name__ == "__main__":
    main()

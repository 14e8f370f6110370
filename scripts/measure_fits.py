"""Measure which clearance each engine certifies, at what physics rate and cost; for docs/physics.md.

    python scripts/measure_fits.py <run> [--episodes 50] [--output docs/force/fits.csv]

The first table has the penetration of an upright peg that is pushed onto the rim: at rest at several forces,
and the largest in an impact. The second has episodes of a trained run with smaller and smaller clearances. An
engine certifies a fit if no contact of an episode penetrates by more than a third of the clearance.
"""

import argparse
import csv
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assembly_rl.envs import PegHole, PegInHoleEnv
from assembly_rl.envs.physics import ENGINES, PhysicsConfig
from assembly_rl.runs import RunDirectory
from assembly_rl.training.loading import load_policy, read_config

WORLDS = [(engine, rate) for engine in ("bullet", "mujoco") for rate in (1000.0, 2000.0, 4000.0)]
CLEARANCES = (1e-4, 7e-5, 5e-5, 3e-5)  # m
FORCES = (5.0, 10.0, 30.0, 100.0)  # N
SPEED = 0.02  # m/s
RIM, PERIOD, CUTOFF = 0.003, 0.005, 40.0  # m, s, Hz
UPRIGHT = (0.0, 0.0, 0.0, 1.0)
SEED = 2_000_000


def penetrations(engine: str, rate: float) -> list[float]:
    """Return the penetrations [m] at rest at ``FORCES``, then the largest in an impact at ``SPEED``."""
    part, config = PegHole(), PhysicsConfig(engine=engine, rate=rate)
    world = ENGINES.get(engine)(part, config, CUTOFF, False)
    found = []
    for force in FORCES:
        height = part.peg_length - force / config.servo_stiffness
        world.reset((RIM, 0.0, part.peg_length), UPRIGHT)
        for _ in range(round(0.5 / PERIOD)):
            world.advance(round(rate * PERIOD), (RIM, 0.0, height), UPRIGHT)
        found.append(world.measure_penetration())
    worst = 0.0
    for phase in np.linspace(0.0, 1.0, 8, endpoint=False).tolist():  # of the physics step at the contact
        height = 0.001 + phase * SPEED / rate
        world.reset((RIM, 0.0, part.peg_length + height), UPRIGHT)
        while height > -5e-4:
            height -= SPEED / rate
            world.advance(1, (RIM, 0.0, part.peg_length + height), UPRIGHT)
            worst = max(worst, world.measure_penetration())
    world.close()
    return [*found, worst]


def episodes(run: RunDirectory, clearance: float, engine: str, rate: float, count: int) -> dict[str, Any]:
    """Run episodes of a trained run with another clearance; return what happened, and the cost."""
    own, policy = read_config(run), load_policy(run)
    task = replace(own.task, physics=replace(own.task.physics, engine=engine, rate=rate))
    environment = PegInHoleEnv(replace(own.geometry.part(), clearance=clearance), task)
    successes, depths, failed, steps = 0, [], 0, 0
    seconds = 0.0
    for seed in track(range(SEED, SEED + count), f"{1e6 * clearance:.0f} um, {engine}, {rate:g} Hz"):
        observation, _ = environment.reset(seed=seed)
        ended = False
        begin = process_time()
        while not ended:
            observation, _, terminated, truncated, info = environment.step(policy.act(observation))
            ended = terminated or truncated
            steps += 1
        seconds += process_time() - begin
        successes += info["is_success"]
        failed += not info["certificate"]["valid"]
        depths.append(info["certificate"]["penetration"])
    environment.close()
    return {
        "clearance": clearance,
        "engine": engine,
        "rate": rate,
        "success": successes / count,
        "uncertified": failed / count,
        "median_penetration": float(np.median(depths)),
        "largest_penetration": max(depths),
        "milliseconds": 1e3 * seconds / steps,
    }


def main() -> None:
    """Print both tables, and write the rows of the second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--output", type=Path, default=Path("docs/force/fits.csv"))
    arguments = parser.parse_args()
    run, console = RunDirectory.open(arguments.run), Console()
    table = Table(
        "engine", "rate [Hz]", *(f"{force:g} N" for force in FORCES), "impact", title="penetration [um]"
    )
    for engine, rate in WORLDS:
        table.add_row(engine, f"{rate:g}", *(f"{1e6 * value:.1f}" for value in penetrations(engine, rate)))
    console.print(table)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    table = Table(
        "clearance [um]", "engine", "rate [Hz]", "success", "not certified", "penetration [um]", "ms a step"
    )
    with open(arguments.output, "x", newline="", encoding="utf-8") as file:
        writer = None
        for clearance in CLEARANCES:
            for engine, rate in WORLDS:
                row = episodes(run, clearance, engine, rate, arguments.episodes)
                writer = writer or csv.DictWriter(file, list(row))
                if clearance == CLEARANCES[0] and (engine, rate) == WORLDS[0]:
                    writer.writeheader()
                writer.writerow(row)
                file.flush()
                low, high = 1e6 * row["median_penetration"], 1e6 * row["largest_penetration"]
                shares = f"{100 * row['success']:.0f} %", f"{100 * row['uncertified']:.0f} %"
                depths, cost = f"{low:.1f}, up to {high:.1f}", f"{row['milliseconds']:.2f}"
                table.add_row(f"{1e6 * clearance:.0f}", engine, f"{rate:g}", *shares, depths, cost)
    console.print(table)


if __name__ == "__main__":
    main()

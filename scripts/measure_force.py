"""Compare the forces of the same insertions at several physics rates and in both engines; for docs/force.md.

    python scripts/measure_force.py <run> [--episodes 100] [--folder docs/force]

Two kinds of insertions: ``path``, a straight path at constant speed with an error of up to 0.3 mm and 3 mrad,
the same commands in every engine; and ``policy``, episodes of a trained run with the same seeds, in which the
controller reacts to what it feels. A table compares each engine and rate with Bullet at 1 kHz.
"""

import argparse
import csv
from dataclasses import replace
from math import cos, hypot, pi, sin, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assembly_rl.controllers.se3 import quat_exp
from assembly_rl.envs import PegHole, PegInHoleEnv
from assembly_rl.envs.physics import ENGINES, PhysicsConfig
from assembly_rl.evaluation import LearnedPolicy
from assembly_rl.reports.style import BLUE, INK, VERMILION, legend, new_figure, save, tidy
from assembly_rl.runs import RunDirectory
from assembly_rl.training.loading import load_policy, read_config

WORLDS = [(engine, rate) for engine in ("bullet", "mujoco") for rate in (1000.0, 2000.0, 4000.0)]
SEED = 2_000_000
SAMPLES, CUTOFF = 200.0, 40.0  # Hz
SPEED, HEIGHT = 0.010, 0.002  # m/s, m
LATERAL, TILT = 3e-4, 3e-3  # m, rad
INSIDE = (0.003, 0.022)  # m, depth of the tip over which the insertion force is the mean axial force
FIGURES = {
    "peak": "peak of the sensor [N]",
    "peak_servo": "peak before its filter [N]",
    "impulse": "impulse [Ns]",
    "insertion": "insertion force [N]",
}
Array = NDArray[np.float64]
Row = dict[str, Any]


def straight_path(engine: str, rate: float, seed: int) -> Row:
    """Push the peg down along a straight path that misses the hole's axis; return its forces."""
    part, rng = PegHole(), np.random.default_rng(seed)
    world = ENGINES.get(engine)(part, PhysicsConfig(engine=engine, rate=rate), CUTOFF, False)
    way, turn = (2.0 * pi * rng.random(2)).tolist()
    offset, tilt = LATERAL * sqrt(rng.random()), TILT * sqrt(rng.random())
    rotation = quat_exp((tilt * cos(turn), tilt * sin(turn), 0.0))
    x, y = offset * cos(way), offset * sin(way)
    world.set_friction(float(rng.uniform(0.2, 0.4)))
    world.reset((x, y, HEIGHT + part.peg_length), rotation)
    wrenches, servo, depths = [], [], []
    tip = HEIGHT
    while tip > -part.hole_depth:
        tip -= SPEED / SAMPLES
        world.advance(round(rate / SAMPLES), (x, y, tip + part.peg_length), rotation)
        servo.append(hypot(*world.pull[:3]))
        wrenches.append(world.wrench[:3])
        depths.append(part.peg_length - world.pose()[0][2])
    world.close()
    success = depths[-1] > part.hole_depth - 0.001
    return figures(seed, success, np.array(wrenches), np.array(depths), SAMPLES) | {"peak_servo": max(servo)}


def figures(seed: int, success: bool, force: Array, depths: Array, rate: float) -> Row:
    """Return peak, impulse and insertion force of an insertion.

    Args:
        seed: Seed of its conditions.
        success: True if it succeeded.
        force: Measured force (n, 3) [N].
        depths: Depth of the tip (n,) [m].
        rate: Samples per second [Hz].
    """
    size = np.linalg.norm(force, axis=1)
    inside = (depths > INSIDE[0]) & (depths < INSIDE[1])
    return {
        "seed": seed,
        "success": success,
        "peak": float(size.max()),
        "impulse": float(size.sum()) / rate,
        "insertion": float(force[inside, 2].mean()) if inside.any() else float("nan"),
    }


def policy_episode(environment: PegInHoleEnv, policy: LearnedPolicy, seed: int) -> Row:
    """Run an episode of a trained policy; return its forces."""
    observation, info = environment.reset(seed=seed)
    force, wrenches, depths, ended = [], [], [], False
    while not ended:
        observation, _, terminated, truncated, info = environment.step(policy.act(observation))
        force.append(info["force"])
        wrenches.append(info["wrench"][:3])
        depths.append(info["depth"])
        ended = terminated or truncated
    row = figures(
        seed, info["is_success"], np.array(wrenches), np.array(depths), environment.task.policy_rate
    )
    size = np.concatenate(force)
    return row | {"peak": float(size.max()), "impulse": float(size.sum()) / environment.task.control_rate}


def measure(kind: str, engine: str, rate: float, run: RunDirectory, episodes: int) -> list[Row]:
    """Run the insertions of a kind in one world."""
    label = f"{kind}, {engine}, {rate:g} Hz"
    seeds = range(SEED, SEED + episodes)
    if kind == "path":
        return [straight_path(engine, rate, seed) for seed in track(seeds, label)]
    own, policy = read_config(run), load_policy(run)
    task = replace(own.task, physics=replace(own.task.physics, engine=engine, rate=rate))
    environment = PegInHoleEnv(own.geometry.part(), task)
    try:
        return [policy_episode(environment, policy, seed) for seed in track(seeds, label)]
    finally:
        environment.close()


def compare(kind: str, rows: dict[tuple[str, float], list[Row]], console: Console) -> None:
    """Print medians, and beside them those of the ratios to the first world, episode by episode."""
    own = [name for name in FIGURES if name in rows[WORLDS[0]][0]]
    table = Table("engine", "rate [Hz]", "success", *(FIGURES[name] for name in own), title=kind)
    first = {row["seed"]: row for row in rows[WORLDS[0]]}
    for (engine, rate), found in rows.items():
        cells = []
        both = [row for row in found if row["success"] and first[row["seed"]]["success"]]
        for name in own:
            ratio = np.median([row[name] / first[row["seed"]][name] for row in both])
            cells.append(f"{np.median([row[name] for row in both]):.2f} (x {ratio:.2f})")
        share = np.mean([row["success"] for row in found])
        table.add_row(engine, f"{rate:g}", f"{100 * share:.0f} %", *cells)
    console.print(table)


def draw(kinds: dict[str, dict[tuple[str, float], list[Row]]], path: Path) -> None:
    """Draw each figure against the physics rate, with quartiles over the episodes."""
    picture = new_figure(9.0, 5.0)
    axes = picture.subplots(len(kinds), len(FIGURES), squeeze=False)
    for line, (kind, worlds) in zip(axes, kinds.items(), strict=True):
        for axis, (name, label) in zip(line, FIGURES.items(), strict=True):
            if name not in worlds[WORLDS[0]][0]:
                axis.set_visible(False)
                continue
            for engine, colour in (("bullet", BLUE), ("mujoco", VERMILION)):
                found = {rate: rows for (own, rate), rows in worlds.items() if own == engine}
                values = [
                    np.nanpercentile([row[name] for row in rows], [25, 50, 75]) for rows in found.values()
                ]
                low, middle, high = np.array(values).T
                rates = [1e-3 * rate for rate in found]
                axis.fill_between(rates, low, high, color=colour, alpha=0.2, linewidth=0)
                axis.plot(rates, middle, "o-", color=colour, label=engine)
            tidy(axis, label, "physics rate [kHz]").set_ylim(bottom=0.0)
            axis.set_title({"path": "same commands", "policy": "same policy"}[kind], fontsize=9, color=INK)
    legend(axes[0][0], 1, "lower left")
    save(picture, path)


def main() -> None:
    """Run all insertions, print the tables, and write rows and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=Path("docs/force"))
    arguments = parser.parse_args()
    run, console = RunDirectory.open(arguments.run), Console()
    arguments.folder.mkdir(parents=True)
    kinds = {}
    with open(arguments.folder / "insertions.csv", "x", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["kind", "engine", "rate", "seed", "success", *FIGURES])
        writer.writeheader()
        for kind in ("path", "policy"):
            worlds = {}
            for engine, rate in WORLDS:
                worlds[engine, rate] = rows = measure(kind, engine, rate, run, arguments.episodes)
                own = {"kind": kind, "engine": engine, "rate": rate}
                writer.writerows(own | row for row in rows)
                file.flush()
            kinds[kind] = worlds
    for kind, worlds in kinds.items():
        compare(kind, worlds, console)
    draw(kinds, arguments.folder / "insertions.png")


if __name__ == "__main__":
    main()

"""Measure contact in both engines beside the known values; for docs/physics.md.

    python scripts/compare_engines.py

A press on the rim, whose force is known; the impact on the rim, as the sensor sees it; and the largest
penetration when a tilted peg is driven onto the rim and into the chamfer, on edges and corners.
"""

from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from assembly_rl.envs import PegHole
from assembly_rl.envs.physics import ENGINES, PhysicsConfig, World
from assembly_rl.evaluation.fits import flange_pose

RATES = (1000.0, 2000.0, 4000.0)
CUTOFF = 40.0  # Hz
ASIDE = (0.001, 0.0005)  # m
TRIALS = 60
TILT = 0.03  # rad


def press(world: World, depth: float) -> tuple[float, float]:
    """Force of a push [N] to a depth below the rim [m], and the penetration [m]."""
    steps = round(world.config.rate or 0.0) // 10
    world.reset(*flange_pose(world.part, (*ASIDE, 1e-5)))
    world.advance(2 * steps, *flange_pose(world.part, (*ASIDE, -depth)))
    world.advance(5 * steps, *flange_pose(world.part, (*ASIDE, -depth)))
    return world.wrench[2], world.measure_penetration()


def drive(
    world: World, start: NDArray[np.float64], rotation: Any, speed: float, way: float
) -> tuple[float, float]:
    """Largest force of the sensor [N] and penetration [m] on a way down [m] at a speed [m/s]."""
    rate, force, depth = world.config.rate or 0.0, 0.0, 0.0
    world.reset(*flange_pose(world.part, start, rotation))
    for step in range(1, round((way / speed + 0.03) * rate)):
        down = min(way, step * speed / rate)
        world.advance(1, *flange_pose(world.part, start - (0.0, 0.0, down), rotation))
        force = max(force, hypot(*world.wrench[:3]))
        depth = max(depth, world.measure_penetration())
    return force, depth


def penetration(world: World, speed: float) -> float:
    """Largest penetration [m] of pegs that are driven down at a speed [m/s], half of them tilted."""
    rng, depths = np.random.default_rng(0), []
    for trial in range(TRIALS):
        rotation = tuple(rng.uniform(-TILT, TILT, 3).tolist()) if trial % 2 else (0.0, 0.0, 0.0)
        start = np.array([*rng.uniform(-0.0012, 0.0012, 2), 0.0015 + rng.uniform(0.0, 2e-5)])
        depths.append(drive(world, start, rotation, speed, 0.0025)[1])
    return max(depths)


def main() -> None:
    """Print the table."""
    columns = ("engine", "Hz", "1 mm, N", "0.2 mm, N", "rest, um", "impact, N")
    table = Table(*columns, "20 mm/s, um", "40 mm/s, um")
    for engine in ("bullet", "mujoco"):
        for rate in RATES:
            config = PhysicsConfig(engine=engine, rate=rate)
            world = ENGINES.get(engine)(PegHole(), config, CUTOFF, False)
            world.set_friction(0.2)
            force, rest = press(world, 1e-3)
            start = np.array((*ASIDE, 0.001))
            row = (
                force,
                press(world, 2e-4)[0],
                1e6 * rest,
                drive(world, start, (0.0, 0.0, 0.0), 0.02, 0.0012)[0],
            )
            deepest = (1e6 * penetration(world, speed) for speed in (0.02, 0.04))
            table.add_row(engine, f"{rate:g}", *(f"{value:.3g}" for value in (*row, *deepest)))
            world.close()
    Console().print(table)


if __name__ == "__main__":
    main()

"""Parts of every kind of family: each is built, has the exact volume, and is simulated for 100 random steps.

    python scripts/try_families.py --count 1000 --processes 2 --output families.csv

The table has the parts that were refused, the largest error of a volume beside that of shapely's areas, and
the processor time of a policy step in which the peg searches on the rim: median, 99th percentile, largest.
Finished rows are kept: the same command goes on where it was stopped. Exit code 1: a volume is wrong, or
the simulation failed.
"""

import argparse
import csv
import sys
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from shapely.geometry import Polygon

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.envs.geometry import hole_parts, peg_parts
from assembly_rl.envs.geometry.families import KINDS
from assembly_rl.envs.geometry.part_family import PartFamily
from assembly_rl.envs.geometry.polygons import Array, offset, region
from assembly_rl.envs.physics import PhysicsConfig

STEPS = 100
ALLOWED = 1e-6
"""Largest relative error of a volume."""


MEASURED = ("vertices", "peg", "plate", "volume_error", "milliseconds", "penetration")
"""Columns with numbers."""


def area(outlines: tuple[Array, ...], distance: float) -> float:
    """Area [m^2] within outlines that were moved outward by a distance [m], from shapely."""
    return float(region([offset(outline, distance) for outline in outlines]).area)


def volume_error(part: PegHole) -> float:
    """Largest relative error of the volume of the convex parts of peg and plate."""
    c, chamfer, depth = part.clearance, part.chamfer, part.hole_depth
    wide, middle, narrow = (area(part.peg_outlines, c + d) for d in (chamfer, 0.5 * chamfer, 0.0))
    cavity = narrow * (depth - chamfer) + chamfer * (wide + 4.0 * middle + narrow) / 6.0
    expected = (
        (peg_parts(part), area(part.peg_outlines, 0.0) * part.peg_length),
        (hole_parts(part), Polygon(part.plate_outline).area * depth - cavity),
    )
    return max(abs(sum(piece.volume for piece in pieces) / volume - 1.0) for pieces, volume in expected)


def tried(engine: str, task: tuple[str, int]) -> dict[str, Any]:
    """Row of a kind and a seed."""
    kind, seed = task
    row: dict[str, Any] = {"kind": kind, "seed": seed, "refused": "", "vertices": 0, "peg": 0, "plate": 0}
    row |= {"volume_error": 0.0, "milliseconds": 0.0, "penetration": 0.0}
    try:
        part = PartFamily(kinds=(kind,)).part(seed)
        environment = PegInHoleEnv(part, TaskConfig(physics=PhysicsConfig(engine=engine)))
    except InputError as error:
        return row | {"refused": str(error)}
    rng, seconds, worst = np.random.default_rng(seed), 0.0, 0.0
    environment.reset(seed=seed)
    for step in range(STEPS):
        action = rng.uniform(-1.0, 1.0, 6).astype(np.float32)
        action[2] = -abs(action[2])  # down, so that it touches the rim
        begin = process_time()
        *_, terminated, truncated, info = environment.step(action)
        seconds += process_time() - begin
        if terminated or truncated:
            worst = max(worst, info["certificate"]["penetration"])
            environment.reset(seed=seed + step)
    environment.close()
    return row | {
        "vertices": sum(len(outline) for outline in part.peg_outlines),
        "peg": len(peg_parts(part)),
        "plate": len(hole_parts(part)),
        "volume_error": volume_error(part),
        "milliseconds": 1e3 * seconds / STEPS,
        "penetration": worst,
    }


def main() -> None:
    """Write the rows, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--engine", default="bullet")
    parser.add_argument("--output", type=Path, default=Path("families.csv"))
    given = parser.parse_args()
    tasks = [(kind, seed) for kind in KINDS for seed in range(given.count)]
    rows: list[dict[str, Any]] = []
    if given.output.exists():
        with open(given.output, newline="", encoding="utf-8") as file:
            rows = [row | {name: float(row[name]) for name in MEASURED} for row in csv.DictReader(file)]
    done = {(row["kind"], int(row["seed"])) for row in rows}
    tasks = [task for task in tasks if task not in done]
    with (
        open(given.output, "a", newline="", encoding="utf-8") as file,
        get_context("spawn").Pool(given.processes) as pool,
    ):
        results = pool.imap(partial(tried, given.engine), tasks, chunksize=20)
        for row in track(results, "parts", len(tasks)):
            writer = csv.DictWriter(file, list(row))
            if not rows:
                writer.writeheader()
            writer.writerow(row)
            rows.append(row)
    table = Table("kind", "built", "refused", "vertices", "convex parts", "volume error", "ms a policy step")
    for kind in KINDS:
        own = [row for row in rows if row["kind"] == kind]
        built = [row for row in own if not row["refused"]]
        times = np.array([row["milliseconds"] for row in built])
        table.add_row(
            kind,
            str(len(built)),
            str(len(own) - len(built)),
            f"{max(row['vertices'] for row in built):g}",
            f"{max(row['peg'] for row in built):g}, {max(row['plate'] for row in built):g}",
            f"{max(row['volume_error'] for row in built):.1g}",
            f"{np.median(times):.2f}, {np.percentile(times, 99):.2f}, {times.max():.2f}",
        )
    Console().print(table)
    for reason in sorted({row["refused"] for row in rows if row["refused"]})[:20]:
        print("refused:", reason)
    sys.exit(any(row["volume_error"] > ALLOWED for row in rows))


if __name__ == "__main__":
    main()

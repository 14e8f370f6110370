"""Success of trained runs with several amplitudes of the dither; for docs/results.md.

    python scripts/try_dither.py runs/hard-0 runs/hard-1 runs/hard-2 --engine mujoco --output dither.csv

The held-out episodes of each run, with the amplitude on all action components but that along the axis.
"""

import argparse
import csv
from dataclasses import replace
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assembly_rl.envs import PegInHoleEnv
from assembly_rl.evaluation import HELD_OUT_SEED, wilson_interval
from assembly_rl.runs import RunDirectory
from assembly_rl.training.loading import load_policy, read_config

AMPLITUDES = (0.0, 0.3, 0.6, 0.9)


def evaluated(given: argparse.Namespace, case: tuple[str, float]) -> dict[str, Any]:
    """Row of a run and an amplitude."""
    path, amplitude = case
    run = RunDirectory.open(path)
    config, policy = read_config(run), load_policy(run)
    task = config.task
    response = replace(task.robot.response, lag=[given.lag] * 2, delay=[given.delay] * 2)
    task = replace(
        task,
        action=replace(task.action, dither=[amplitude, amplitude, 0.0, *[amplitude] * 3]),
        robot=replace(task.robot, response=response),
        physics=replace(task.physics, engine=given.engine),
    )
    environment = PegInHoleEnv(config.geometry.part(), task)
    times = []
    for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + given.episodes):
        observation, _ = environment.reset(seed=seed)
        steps, ended = 0, False
        while not ended:
            observation, _, terminated, truncated, info = environment.step(policy.act(observation))
            ended, steps = terminated or truncated, steps + 1
        if info["is_success"]:
            times.append(steps / task.policy_rate)
    environment.close()
    conditions = {"engine": given.engine, "lag": given.lag, "delay": given.delay}
    return {
        **conditions,
        "run": Path(path).name,
        "dither": amplitude,
        "episodes": given.episodes,
        "successes": len(times),
        "median_time": float(np.median(times)),
    }


def main() -> None:
    """Write the rows, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--engine", default="bullet")
    parser.add_argument("--lag", type=float, default=0.0, help="[s]")
    parser.add_argument("--delay", type=float, default=0.0, help="[s]")
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("dither.csv"))
    given = parser.parse_args()
    cases = list(product(given.runs, AMPLITUDES))
    with get_context("spawn").Pool(given.processes) as pool:
        rows = list(track(pool.imap(partial(evaluated, given), cases), "runs", len(cases)))
    with open(given.output, "x", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    table = Table("dither", "success", "each run", "time [s]")
    for amplitude in AMPLITUDES:
        own = [row for row in rows if row["dither"] == amplitude]
        successes, episodes = sum(row["successes"] for row in own), sum(row["episodes"] for row in own)
        low, high = wilson_interval(successes, episodes)
        table.add_row(
            f"{amplitude:g}",
            f"{100 * successes / episodes:.1f} % ({100 * low:.1f} to {100 * high:.1f})",
            ", ".join(f"{100 * row['successes'] / row['episodes']:.1f}" for row in own),
            ", ".join(f"{row['median_time']:.2f}" for row in own),
        )
    Console().print(table)


if __name__ == "__main__":
    main()

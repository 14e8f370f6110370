"""Steps until the mean reward of a method reaches a level of another one: docs/pead.md, docs/transfer.md.

    python scripts/steps_to_level.py docs/studies/pead 6-D
    python scripts/steps_to_level.py docs/studies/pead 6-D 'no chamfer, L'
    python scripts/steps_to_level.py docs/studies/transfer scratch

The level is 90 % of the way of the base's mean validation reward from its first to its last validation.
Intervals: percentiles of a bootstrap that draws runs within each condition, the base's, too.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from assembly_rl.learners.config import ALGORITHMS

WAY = 0.9
"""Share of the way from the first to the last validation."""
DRAWS = 2000
"""Number of resamples of the bootstrap."""
Curves = dict[str, NDArray[np.float64]]
"""Condition -> mean rewards (runs, validations)."""


def read(folder: Path, condition: str) -> tuple[dict[str, Curves], dict[str, NDArray[np.float64]]]:
    """Read the validations of a study.

    Args:
        folder: Folder of the study's report.
        condition: Prefix of the names of the conditions.

    Returns:
        Curves of each method, and the steps of its validations.
    """
    table: dict[str, dict[str, dict[tuple[str, int], list[float]]]] = {}
    steps: dict[str, set[int]] = {}
    rows = pyarrow.parquet.read_table(folder / "validations.parquet").to_pylist()
    for row in sorted(rows, key=lambda row: row["step"]):
        if row["condition"].startswith(condition):
            runs = table.setdefault(row["method"], {}).setdefault(row["condition"], {})
            runs.setdefault((row["cell"], row["training_seed"]), []).append(row["reward"])
            steps.setdefault(row["method"], set()).add(row["step"])
    curves = {
        method: {name: np.array(list(runs.values())) for name, runs in of.items()}
        for method, of in table.items()
    }
    return curves, {method: np.array(sorted(of), dtype=np.float64) for method, of in steps.items()}


def drawn(curves: Curves, rng: np.random.Generator) -> NDArray[np.float64]:
    """Mean curve of runs that are drawn with replacement within each condition."""
    return mean({name: runs[rng.integers(0, len(runs), len(runs))] for name, runs in curves.items()})


def mean(curves: Curves) -> NDArray[np.float64]:
    """Mean curve over runs, then over conditions."""
    return np.array(np.mean([runs.mean(0) for runs in curves.values()], axis=0))


def level(base: NDArray[np.float64]) -> float:
    """Reward at ``WAY`` of the way from the first to the last value of the base's mean curve."""
    return float(base[0] + WAY * (base[-1] - base[0]))


def first(curve: NDArray[np.float64], steps: NDArray[np.float64], height: float) -> float:
    """Return the interpolated step at which a curve reaches a height; infinite if it does not."""
    above = np.flatnonzero(curve >= height)
    if not len(above):
        return float("inf")
    at = int(above[0])
    return float(steps[0] if at == 0 else np.interp(height, curve[at - 1 : at + 1], steps[at - 1 : at + 1]))


def main() -> None:
    """Print a row for each method."""
    folder, base, condition = Path(sys.argv[1]), sys.argv[2], "".join(sys.argv[3:4])
    curves, steps = read(folder, condition)
    rng, table = np.random.default_rng(0), Table(title=f"{folder.name} {condition}")
    for column in ("method", "runs", "steps to the level", "of the base's steps", "last reward"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for method, own in curves.items():
        suffix = method.rpartition(", ")[2]
        against = f"{base}, {suffix}" if suffix in ALGORITHMS.names() else base
        other, its_steps = curves[against], steps[against]
        height = level(mean(other))
        at, its = first(mean(own), steps[method], height), first(mean(other), its_steps, height)
        ratios = []
        for _ in range(DRAWS):
            one = drawn(other, rng)
            theirs = one if own is other else drawn(own, rng)
            height = level(one)
            ratios.append(first(theirs, steps[method], height) / first(one, its_steps, height))
        low, high = np.percentile(ratios, [2.5, 97.5], method="nearest")
        table.add_row(
            method,
            str(sum(map(len, own.values()))),
            f"{at:,.0f}",
            f"{at / its:.2f} ({low:.2f} to {high:.2f})",
            f"{mean(own)[-1]:.1f}",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()

"""Print rows of evaluate_parts.py as Markdown tables: by condition, kind, size, clearance, friction, error.

    python scripts/tabulate_parts.py rows.csv [more.csv ...]

Intervals are 95 % bootstrap intervals over parts: parts, not episodes, are what a new part is one of.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Callable

import numpy as np

Row = dict[str, str]
DRAWS = 2000


def interval(rows: list[Row]) -> tuple[float, float]:
    """Return the bootstrap interval of the mean over parts of the success."""
    each = np.array(list(by_part(rows).values()))
    rng = np.random.default_rng(0)
    means = each[rng.integers(len(each), size=(DRAWS, len(each)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def by_part(rows: list[Row]) -> dict[str, float]:
    """Return the success of each part."""
    found: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        found[row["part"]].append(succeeds(row))
    return {part: float(np.mean(own)) for part, own in found.items()}


def succeeds(row: Row) -> bool:
    """Return True for a success."""
    return row["success"] == "True"


def line(label: str, rows: list[Row]) -> str:
    """Return a line of a table."""
    parts = by_part(rows)
    low, high = interval(rows)
    times = [float(row["time"]) for row in rows if succeeds(row)]
    forces = [float(row["peak_force"]) for row in rows]
    under = sum(value < 0.85 for value in parts.values())
    return (
        f"| {label} | {100 * np.mean(list(parts.values())):.1f} % ({100 * low:.1f} to {100 * high:.1f}) | "
        f"{100 * min(parts.values()):.0f} % | {under} of {len(parts)} | "
        f"{f'{np.median(times):.2f}' if times else '-'} | {np.median(forces):.1f} | "
        f"{np.percentile(forces, 95):.1f} |"
    )


HEADER = (
    "| success (95 % interval over parts) | worst part | parts under 85 % | time [s] | peak force [N] | "
    "its 95th percentile [N] |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |"
)


def binned(name: str, scale: float, edges: list[float]) -> Callable[[Row], str]:
    """Return a function that names the bin of a row."""

    def label(row: Row) -> str:
        value = scale * float(row[name])
        low, high = next(
            (pair for pair in zip(edges, edges[1:], strict=False) if value <= pair[1]),
            (edges[-1], float("inf")),
        )
        return f"{low:g} to {high:g}"

    return label


CHAMFER = binned("chamfer", 1e3, [0, 0.1, 0.2, 0.3])

TABLES: dict[str, Callable[[Row], str]] = {
    "kind": lambda row: row["part"].rpartition("-")[0],
    "size [mm]": binned("size", 1e3, [0, 10, 20, 30, 40]),
    "clearance [um]": binned("clearance", 1e6, [60, 80, 100, 120, 150]),
    "chamfer [mm]": lambda row: "none" if not float(row["chamfer"]) else CHAMFER(row),
    "friction": binned("friction", 1.0, [0.1, 0.2, 0.3, 0.4, 0.5]),
    "lateral error [mm]": binned("lateral_error", 1e3, [0, 1, 1.5, 2, 2.5, 3]),
    "tilt error [deg]": binned("tilt_error", 180 / np.pi, [0, 1, 1.5, 2, 2.5]),
    "yaw error [deg]": binned("yaw_error", 180 / np.pi, [0, 0.625, 1.25, 1.875, 2.5]),
    "lag [ms]": binned("lag", 1e3, [0, 10, 20, 30, 40]),
}


def main() -> None:
    """Read the files, and print the tables."""
    rows: list[Row] = []
    for path in sys.argv[1:]:
        with open(path, newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file)
    print(f"| controller, condition, engine {HEADER}")
    for label, own in grouped(rows, lambda row: f"{row['controller']}, {row['condition']}, {row['engine']}"):
        print(line(label, own))
    results = sorted({row["result"] for row in rows})
    print("\nresults:", ", ".join(f"{sum(row['result'] == of for row in rows)} {of}" for of in results))
    for name, label_of in TABLES.items():
        print(f"\n| {name} {HEADER}")
        for label, own in grouped(rows, label_of):
            print(line(label, own))


def grouped(rows: list[Row], label_of: Callable[[Row], str]) -> list[tuple[str, list[Row]]]:
    """Return the rows of each label, in the order of the labels."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[label_of(row)].append(row)
    return sorted(found.items(), key=lambda item: (_number(item[0]), item[0]))


def _number(label: str) -> float:
    """Return the number at the start of a label, 0 without one."""
    first = label.split()[0]
    return float(first) if first.replace(".", "").replace("e-", "").isdigit() else 0.0


if __name__ == "__main__":
    main()

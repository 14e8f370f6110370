"""Print rows of assembly-rl-eval as one Markdown table: a line for each condition, the engines side by side.

    python scripts/tabulate_conditions.py rows.csv [more.csv ...]

Success over all runs with the 95 % Wilson interval, and of each run; medians of the time of the successes and
of the largest force. What all conditions have in common is in the first line.
"""

import csv
import re
import sys
from collections import defaultdict
from os.path import commonprefix

import numpy as np

from assembly_rl.evaluation import LEANS_ON_ENGINE, wilson_interval

ENGINE = re.compile(r", (bullet|mujoco)$")
Rows = list[dict[str, str]]


def main() -> None:
    """Read the files, and print the table."""
    found: dict[str, dict[str, Rows]] = defaultdict(lambda: defaultdict(list))
    for path in sys.argv[1:]:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                told = ENGINE.search(row["condition"])
                found[ENGINE.sub("", row["condition"])][told.group(1) if told else "bullet"].append(row)
    engines = sorted({engine for of_engine in found.values() for engine in of_engine})
    common = commonprefix(list(found)).rpartition(", ")[0] if len(found) > 1 else ""
    print(common, end="\n\n")
    print("| condition |", *(f"{e} | each run | time [s] | peak force [N] |" for e in engines))
    print("| --- |", *("---: | --- | ---: | ---: |" for _ in engines))
    for condition, of_engine in found.items():
        shares = [np.mean([_succeeds(row) for row in rows]) for rows in of_engine.values()]
        leans = " (leans on the engine)" if max(shares) - min(shares) > LEANS_ON_ENGINE else ""
        cells = (_cells(of_engine[engine]) for engine in engines)
        print(f"| {condition.removeprefix(common).removeprefix(', ')}{leans} |", *cells)


def _cells(rows: Rows) -> str:
    """Cells of an engine under a condition."""
    successes = [row for row in rows if _succeeds(row)]
    low, high = (100.0 * end for end in wilson_interval(len(successes), len(rows)))
    runs = dict.fromkeys(row["controller"] for row in rows)
    each = ", ".join(
        f"{100.0 * np.mean([_succeeds(row) for row in rows if row['controller'] == run]):.1f}" for run in runs
    )
    time = np.median([float(row["time"]) for row in successes])
    force = np.median([float(row["peak_force"]) for row in rows])
    share = 100.0 * len(successes) / len(rows)
    return f"{share:.1f} % ({low:.1f} to {high:.1f}) | {each} | {time:.2f} | {force:.1f} |"


def _succeeds(row: dict[str, str]) -> bool:
    return row["success"] == "True"


if __name__ == "__main__":
    main()

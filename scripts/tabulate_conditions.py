"""Print rows of assembly-rl-eval as one Markdown table: a line for each condition, the engines side by side.

    python scripts/tabulate_conditions.py rows.csv [more.csv ...]

Success of each run and over all of them, with the 95 % Wilson interval; medians of the time of the successes
and of the largest force.
"""

import csv
import re
import sys
from collections import defaultdict

import numpy as np

from assembly_rl.evaluation import LEANS_ON_ENGINE, wilson_interval

ENGINE = re.compile(r", (bullet|mujoco)$")


def main() -> None:
    """Read the files, and print the table."""
    found: dict[str, dict[str, dict[str, list[dict[str, str]]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for path in sys.argv[1:]:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                told = ENGINE.search(row["condition"])
                name = ENGINE.sub("", row["condition"])
                found[name][told.group(1) if told else "bullet"][row["controller"]].append(row)
    print("| condition | engine | success | each run | time [s] | peak force [N] |")
    print("| --- | --- | ---: | --- | ---: | ---: |")
    for condition, engines in found.items():
        shares = []
        for engine, runs in engines.items():
            rows = [row for own in runs.values() for row in own]
            successes = [row for row in rows if row["success"] == "True"]
            low, high = (100.0 * end for end in wilson_interval(len(successes), len(rows)))
            share = len(successes) / len(rows)
            shares.append(share)
            each = ", ".join(
                f"{100.0 * np.mean([row['success'] == 'True' for row in own]):.1f}" for own in runs.values()
            )
            time = np.median([float(row["time"]) for row in successes])
            force = np.median([float(row["peak_force"]) for row in rows])
            leans = " (leans on the engine)" if max(shares) - min(shares) > LEANS_ON_ENGINE else ""
            print(
                f"| {condition} | {engine} | {100.0 * share:.1f} % ({low:.1f} to {high:.1f}){leans} | {each} "
                f"| {time:.2f} | {force:.1f} |"
            )


if __name__ == "__main__":
    main()

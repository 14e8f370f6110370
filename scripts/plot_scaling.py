"""Draw how the success on unseen parts grows with the number of parts in training.

    python scripts/plot_scaling.py docs/results/generalist_scaling.csv docs/images/generalist_scaling.png

The file has a row for each validation: parts, seed, step, episodes, success, worst_tenth.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np


def main() -> None:
    """Draw the figure."""
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    last = max(int(row["step"]) for row in rows)
    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    for step, colour in ((last // 2, "0.6"), (last, "tab:blue")):
        found: dict[int, list[float]] = defaultdict(list)
        for row in rows:
            if int(row["step"]) == step:
                found[int(row["parts"])].append(100.0 * float(row["success"]))
        counts = sorted(found)
        for count in counts:
            axes.plot([count] * len(found[count]), found[count], "o", color=colour, markersize=4)
        means = [float(np.mean(found[count])) for count in counts]
        axes.plot(counts, means, "-", color=colour, label=f"after {step:,} policy steps")
    axes.set_xscale("log", base=4)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_xlabel("parts in training")
    axes.set_ylabel("success on 40 unseen parts [%]")
    axes.set_ylim(0.0, 100.0)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(Path(sys.argv[2]), dpi=160)


if __name__ == "__main__":
    main()

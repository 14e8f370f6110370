"""Try the supervisor and what a cell would do without it, on parts that nothing was trained or chosen on.

    python scripts/try_supervisor.py --output rows.csv

The policy is that of the bundle ``generalist``; its settings are those that `assembly-rl-deploy
insertions=20` would derive ("for these conditions"), or its own ("as it is"). Rows that are there are kept:
the same command goes on. The table at the end is of all rows.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from evaluate_parts import baseline_config, composed, in_conditions  # isort: skip

from assembly_rl.deployment.reconfiguration import settings
from assembly_rl.deployment.trials import TrainedController
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.library import make_task
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, LearnedPolicy, Policy
from assembly_rl.evaluation.candidates import baseline

FIRST_PART = 1_000_200
"""Seed of the first part."""
BLOCK = 5
"""Parts between two writes of the file."""
OWN, FITTED = 0, 1
"""Numbers of the settings."""


@dataclass(frozen=True)
class Entry:
    """Controller in the table.

    Attributes:
        name: Name.
        task: Name of the task.
        attempts: Most attempts.
        searches: Kinds of search.
        setting: Number of the setting of the shipped policy; None for the tuned reflex.
        ceiling: Force ceiling [N]; None for none.
        patience: Longest search of an attempt [s].
        source: Name of the shipped controller, or folder of a run.
    """

    name: str
    task: str = "far"
    attempts: int = 5
    searches: tuple[str, ...] = ("policy",)
    setting: int | None = FITTED
    ceiling: float | None = 25.0
    patience: float = 8.0
    source: str = "generalist"

    def conditions(self, engine: str) -> TaskConfig:
        """Return the task in an engine; ``broad`` with the time of ``far``, for further attempts."""
        task = in_conditions(make_task(self.task)[0], engine, None, None)
        return replace(
            task,
            limits=replace(task.limits, time=make_task("far")[0].limits.time),
            ceiling=replace(task.ceiling, force=self.ceiling),
            supervisor=replace(
                task.supervisor,
                attempts=self.attempts,
                searches=list(self.searches),
                patience=self.patience,
            ),
        )

    def acting(self, part: PegHole, engine: str) -> tuple[Policy, TaskConfig]:
        """Return policy and task for a part."""
        task = self.conditions(engine)
        if self.setting is None:
            found = baseline("reflex_hard", baseline_config("reflex_hard"), task)
            return found.policy, found.task
        own = opened(self.source)
        trained = own.task(make_task("broad")[0])
        chosen = own.task(task)
        if self.setting:
            chosen = settings(part, trained, task, chosen)[self.setting].task
        return LearnedPolicy(own.policy), chosen


opened = cache(TrainedController.open)

ENTRIES = [
    Entry("supervisor"),
    Entry("generalist alone", attempts=1, setting=OWN, ceiling=None),
    Entry("supervisor, three attempts", task="broad", attempts=3, setting=OWN, ceiling=None),
    Entry("generalist alone", task="broad", attempts=1, setting=OWN, ceiling=None),
    Entry("spiral search, then generalist", searches=("spiral",), setting=OWN, ceiling=None, patience=14.0),
    Entry("its settings, no supervisor", attempts=1),
    Entry("tilt search, then generalist", searches=("tilt",), setting=OWN, ceiling=None, patience=14.0),
    Entry("tuned reflex with attempts", setting=None, ceiling=None),
]


def chosen(arguments: argparse.Namespace) -> list[Entry]:
    """Return the entries to run, with the controller that is asked for, whose name is then in theirs."""
    own = [entry for entry in ENTRIES if not arguments.entries or entry.name in arguments.entries]
    if arguments.source == "generalist":
        return own
    name = Path(arguments.source).name
    return [replace(entry, name=f"{entry.name}, {name}", source=arguments.source) for entry in own]


def rows_of(arguments: argparse.Namespace, done: set[tuple[str, ...]], evaluator: Evaluator) -> Iterator[Any]:
    """Yield the number of episodes of each block, and its rows; none for a block that is done."""
    family = composed("experiment=generalist").parts.family()
    parts = [family.part(FIRST_PART + number) for number in range(arguments.parts)]
    for entry in chosen(arguments):
        for engine in arguments.engines:
            for start in range(0, len(parts), BLOCK):
                block = parts[start : start + BLOCK]
                count = len(block) * arguments.episodes
                if (entry.name, entry.task, engine, block[0].label) in done:
                    yield count, []
                    continue
                rows = []
                for number, part in enumerate(block, start):
                    policy, task = entry.acting(part, engine)
                    first = HELD_OUT_SEED + number * arguments.episodes
                    found = evaluator.evaluate_parts([part], task, policy, arguments.episodes, first)
                    label = {"controller": entry.name, "task": entry.task, "engine": engine}
                    rows += [label | {"attempts": 1, "reasons": ""} | row for row in found]
                yield count, rows


def table(rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table; intervals are 95 % bootstrap intervals over parts."""
    yield "| controller | task | engine | success | attempts 1, 2, more | time [s] | peak force [N] |"
    yield "| --- | --- | --- | --- | --- | ---: | ---: |"
    rng = np.random.default_rng(0)
    for key in dict.fromkeys((row["controller"], row["task"], row["engine"]) for row in rows):
        own = [row for row in rows if (row["controller"], row["task"], row["engine"]) == key]
        by_part: dict[str, list[bool]] = {}
        for row in own:
            by_part.setdefault(row["part"], []).append(row["success"] == "True")
        means = np.array([np.mean(values) for values in by_part.values()])
        low, high = np.quantile(
            means[rng.integers(len(means), size=(2000, len(means)))].mean(1), [0.025, 0.975]
        )
        good = [row for row in own if row["success"] == "True"]
        counts = [sum(min(int(row["attempts"]), 3) == number for row in good) for number in (1, 2, 3)]
        time = np.median([float(row["time"]) for row in good]) if good else float("nan")
        force = np.median([float(row["peak_force"]) for row in own])
        yield (
            f"| {' | '.join(key)} | {100 * means.mean():.1f} % ({100 * low:.1f} to {100 * high:.1f}), "
            f"n = {len(own)} | {', '.join(map(str, counts))} | {time:.2f} | {force:.1f} |"
        )


def main() -> None:
    """Run the trials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=int, default=130)
    parser.add_argument("--episodes", type=int, default=4, help="of each part")
    parser.add_argument("--engines", nargs="+", default=["bullet", "mujoco"])
    known = list(dict.fromkeys(entry.name for entry in ENTRIES))
    parser.add_argument("--entries", nargs="+", choices=known, metavar="ENTRY", help="names; default: all")
    parser.add_argument("--source", default="generalist", help="shipped controller, or folder of a run")
    parser.add_argument("--processes", type=int, default=None)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    done: set[tuple[str, ...]] = set()
    if arguments.output.exists():
        with open(arguments.output, newline="", encoding="utf-8") as file:
            names = ("controller", "task", "engine", "part")
            done = {tuple(row[name] for name in names) for row in csv.DictReader(file)}
    total = len(chosen(arguments)) * len(arguments.engines) * arguments.parts * arguments.episodes
    with Evaluator(arguments.processes) as evaluator, Progress(console=Console()) as progress:
        bar = progress.add_task("episodes", total=total)
        for count, rows in rows_of(arguments, done, evaluator):
            progress.advance(bar, count)
            if rows:
                new = not arguments.output.exists()
                with open(arguments.output, "a", newline="", encoding="utf-8") as file:
                    writer = csv.DictWriter(file, rows[0])
                    if new:
                        writer.writeheader()
                    writer.writerows(rows)
    with open(arguments.output, newline="", encoding="utf-8") as file:
        print(*table(list(csv.DictReader(file))), sep="\n")


if __name__ == "__main__":
    main()

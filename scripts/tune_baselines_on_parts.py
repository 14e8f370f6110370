"""Tune the hand-written controllers for task=broad, on one training part of each kind.

    python scripts/tune_baselines_on_parts.py reflex dither --output runs/tune_broad

The search is that of ``assembly-rl-benchmark study=tune_baselines``. The best controllers are written as
files for conf/controller. Finished trials are kept: the same command goes on where it was stopped.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from evaluate_parts import composed

from assembly_rl.envs import PegHole
from assembly_rl.envs.library import make_task
from assembly_rl.evaluation import Evaluator, Scenario
from assembly_rl.studies.tuning import controller_yaml, tune

ROUNDS = [[96, 16], [24, 32], [6, 96]]
"""Candidates, and episodes of each, in every round."""


def main() -> None:
    """Tune the controllers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("guidance", nargs="+")
    parser.add_argument("--engine", default="bullet")
    parser.add_argument("--processes", type=int, default=None)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    task, _ = make_task("broad")
    task = replace(task, physics=task.physics.in_engine(given.engine))
    of_kind: dict[str, PegHole] = {}
    for part in composed("experiment=generalist").parts.training_parts():
        of_kind.setdefault(part.label.rpartition("-")[0], part)
    scenarios = [Scenario(part, task) for part in of_kind.values()]
    for guidance in given.guidance:
        home = given.output / guidance
        home.mkdir(parents=True, exist_ok=True)
        with Evaluator(given.processes) as evaluator:
            best = tune(home, guidance, scenarios, ROUNDS, evaluator)
        name = f"{guidance}_broad"
        rounds = ", ".join(f"{candidates} x {episodes}" for candidates, episodes in ROUNDS)
        head = [
            f"Tuned by: python scripts/tune_baselines_on_parts.py {guidance}",
            f"Candidates x episodes on {len(scenarios)} training parts: {rounds}",
        ]
        (home / f"{name}.yaml").write_text(controller_yaml(name, best, head), encoding="utf-8")
        print(home / f"{name}.yaml", flush=True)


if __name__ == "__main__":
    main()

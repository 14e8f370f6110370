"""Tune the hand-written controllers, by default for task=broad on one training part of each kind.

    python scripts/tune_baselines_on_parts.py reflex dither --output runs/tune_broad
    python scripts/tune_baselines_on_parts.py reflex --task hard --task-law --parts triangle pentagon \
        hexagon --output runs/tune_base

Candidates are the controller that was tuned for the hard task, variations of it, and as many random
ones as in ``assembly-rl-benchmark study=tune_baselines``. All candidates of a round run the same
episodes; the best enter the next one. The best controllers are written as files for conf/controller.
"""

import argparse
import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from evaluate_parts import baseline_config, composed

from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.library import make_part, make_task
from assembly_rl.evaluation import Evaluator
from assembly_rl.evaluation.candidates import ControllerConfig, baseline
from assembly_rl.evaluation.episodes import Scenario
from assembly_rl.methods.transfer.contact import is_stable
from assembly_rl.studies.tuning import TUNING_SEED, controller_yaml, draw

ROUNDS = [[64, 16], [16, 32], [4, 96]]
"""Candidates, and episodes of each, in every round."""
VARIED = 32
"""Candidates of the first round that are variations of the controller for the hard task."""


def varied(known: ControllerConfig, task: TaskConfig, rng: np.random.Generator) -> ControllerConfig:
    """Return a stable variation: each number times a factor of about 1.5."""

    def changed(value: float) -> float:
        return float(f"{value * np.exp(rng.normal(0.0, 0.4)):.3g}")

    while True:
        parameters = {name: changed(value) for name, value in known.parameters.items()}
        law = known.compliance
        lateral, axial, angular = (changed(law.damping[axis]) for axis in (0, 2, 3))
        soft, along, upright = (changed(law.stiffness[axis]) for axis in (0, 2, 3))
        compliance = replace(
            law,
            damping=[lateral] * 2 + [axial] + [angular] * 3,
            stiffness=[soft] * 2 + [along] + [upright] * 3,
        )
        found = ControllerConfig(known.guidance, parameters, compliance)
        own = baseline("", found, task).task
        if is_stable(own.law(), own):
            return found


def main() -> None:
    """Tune the controllers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("guidance", nargs="+")
    parser.add_argument("--engine", default="bullet")
    parser.add_argument("--task", default="broad")
    parser.add_argument("--parts", nargs="+", help="of conf/geometry")
    parser.add_argument("--task-law", action="store_true", help="keep the compliance law of the task")
    parser.add_argument("--processes", type=int, default=None)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    task, preset = make_task(given.task)
    task = replace(task, physics=task.physics.in_engine(given.engine))
    if given.parts:
        parts = [make_part(name, preset) for name in given.parts]
    else:
        of_kind: dict[str, PegHole] = {}
        for part in composed("experiment=generalist").parts.training_parts():
            of_kind.setdefault(part.label.rpartition("-")[0], part)
        parts = list(of_kind.values())
    given.output.mkdir(parents=True, exist_ok=True)
    for guidance in given.guidance:
        rng = np.random.default_rng(0)
        known = baseline_config(f"{guidance}_hard")
        candidates = [known, *(varied(known, task, rng) for _ in range(VARIED))]
        scenario = Scenario(parts[0], task)
        candidates += [draw(guidance, [scenario], rng) for _ in range(ROUNDS[0][0] - len(candidates))]
        if given.task_law:
            candidates = [replace(own, compliance=task.compliance) for own in candidates]
        order, seed, rows = list(range(len(candidates))), TUNING_SEED, []
        with Evaluator(given.processes) as evaluator:
            for number, (kept, episodes) in enumerate(ROUNDS):
                scores = {}
                for index in order[:kept]:
                    entry, each = baseline("", candidates[index], task), episodes // len(parts)
                    found = evaluator.evaluate_parts(parts, entry.task, entry.policy, each, seed)
                    success, reward = (
                        float(np.mean([row[name] for row in found])) for name in ("success", "reward")
                    )
                    scores[index] = (success, reward)
                    rows.append(
                        {"round": number, "candidate": index, "episodes": len(found), "success": success}
                    )
                order = sorted(scores, key=lambda index: scores[index], reverse=True)
                seed += episodes
                print(f"{guidance}, round {number}: {scores[order[0]][0]:.3f} ({order[0]})", flush=True)
        name = f"{guidance}_{given.task}"
        rounds = ", ".join(f"{count} x {episodes}" for count, episodes in ROUNDS)
        head = [
            "Tuned by: python scripts/tune_baselines_on_parts.py " + " ".join(sys.argv[1:]),
            f"Candidates x episodes on {len(parts)} parts: {rounds}",
        ]
        text = controller_yaml(name, candidates[order[0]], head)
        (given.output / f"{name}.yaml").write_text(text, encoding="utf-8")
        with open(given.output / f"{guidance}_trials.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()

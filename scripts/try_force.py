"""Try a controller with another path and other wrenches than in its training: success, force and time.

    python scripts/try_force.py generalist --settings 0.006,10,8 0.008,12,8 --output rows.csv

A setting is the speed of the nominal path [m/s], and the largest lateral force and force along z of an
action [N]. Parts and episodes are those on which things are chosen, not the held-out ones.
"""

import argparse
import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from evaluate_parts import candidate_of, composed, in_conditions

from assembly_rl.envs.library import make_task
from assembly_rl.evaluation import Evaluator
from assembly_rl.studies.tuning import TUNING_SEED

PARTS, EPISODES = 50, 4


def main() -> None:
    """Run the settings one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("controller")
    parser.add_argument("--settings", nargs="+", required=True, metavar="SPEED,LATERAL,AXIAL")
    parser.add_argument("--engines", nargs="+", default=["bullet", "mujoco"])
    parser.add_argument("--processes", type=int, default=None)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    config = composed("experiment=generalist")
    config.parts.validation = PARTS
    parts, (base, _), found = config.parts.validation_parts(), make_task("broad"), []
    with Evaluator(given.processes) as evaluator:
        for engine in given.engines:
            candidate = candidate_of(given.controller, in_conditions(base, engine, None, None))
            for setting in given.settings:
                speed, lateral, axial = map(float, setting.split(","))
                own = candidate.task
                wrench = [lateral, lateral, axial, *own.action.wrench[3:]]
                task = replace(
                    own, path=replace(own.path, speed=speed), action=replace(own.action, wrench=wrench)
                )
                rows = evaluator.evaluate_parts(parts, task, candidate.policy, EPISODES, TUNING_SEED)
                peaks = [row["peak_force"] for row in rows]
                median, high = np.percentile(peaks, [50, 95])
                found.append(
                    {
                        "controller": candidate.name, "engine": engine, "path_speed": speed,
                        "lateral_force": lateral, "axial_force": axial, "episodes": len(rows),
                        "success": np.mean([row["success"] for row in rows]), "peak_force": round(median, 1),
                        "peak_force_p95": round(high, 1),
                        "time": np.median([row["time"] for row in rows if row["success"]]),
                    }
                )  # fmt: skip
                print(found[-1], dict(Counter(row["result"] for row in rows)), flush=True)
    with open(given.output, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)


if __name__ == "__main__":
    main()

"""Run the failed episodes of evaluate_parts.py again, and name what happened in each.

    python scripts/name_failures.py generalist rows.csv --output failures.csv

The name is the result of the episode; of a time-out it is ``stands in the hole`` if the tip was ever 1 mm
below the rim, ``over the hole, not turned`` if it came within 0.3 mm of the hole's axis, but at a yaw error
of 0.5 degrees or more, ``over the hole`` if it came there with less, and else ``elsewhere on the rim``.
"""

import argparse
import csv
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from evaluate_parts import acting, add_settings, candidate_of, composed, in_conditions
from rich.progress import track

from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.envs.library import make_task
from assembly_rl.evaluation.policies import Policy

NEAR, TURNED, ENTERED = 3e-4, np.radians(0.5), 1e-3


def followed(part: PegHole, task: TaskConfig, policy: Policy, seed: int) -> dict[str, Any]:
    """Run an episode, and return what it was like."""
    environment = PegInHoleEnv(part, task)
    scale = task.observation.pose_scale[5]
    observation, info = environment.reset(seed=seed)
    lateral, yaw, depth, ended = [], [], [], False
    while not ended:
        observation, _, terminated, truncated, info = environment.step(policy.act(observation, info))
        lateral.append(info["lateral"])
        yaw.append(abs(float(environment.privileged_state()[5])) * scale)
        depth.append(info["depth"])
        ended = terminated or truncated
    environment.close()
    near = np.array(lateral) < NEAR
    name = info["result"]
    if name == "timeout":
        name = "elsewhere on the rim"
        if max(depth) > ENTERED:
            name = "stands in the hole"
        elif near.any():
            turned = bool((np.array(yaw)[near] < TURNED).any())
            name = "over the hole" if turned else "over the hole, not turned"
    return {
        "name": name, "least_lateral": min(lateral), "last_lateral": lateral[-1], "last_yaw": yaw[-1],
        "largest_depth": max(depth),
    }  # fmt: skip


def main() -> None:
    """Name the failures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("controller")
    parser.add_argument("rows", type=Path)
    add_settings(parser)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    with open(given.rows, newline="", encoding="utf-8") as file:
        failed = [row for row in csv.DictReader(file) if row["success"] != "True"]
    family = composed("experiment=generalist").parts.family()
    base, _ = make_task("broad")
    named = []
    for row in track(failed, "failures"):
        candidate = candidate_of(given.controller, in_conditions(base, row["engine"], None, None))
        task = acting(candidate.task, given)
        part = family.part(int(row["part"].rpartition("-")[2]))
        own = {name: row[name] for name in ("engine", "part", "seed", "size", "lateral_error", "yaw_error")}
        named.append(own | followed(part, task, candidate.policy, int(row["seed"])))
    with open(given.output, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(named[0]))
        writer.writeheader()
        writer.writerows(named)
    for name, count in Counter(row["name"] for row in named).most_common():
        kinds = Counter(row["part"].rpartition("-")[0] for row in named if row["name"] == name)
        print(f"{count:4d} {name}: {', '.join(f'{kind} {number}' for kind, number in kinds.most_common())}")


if __name__ == "__main__":
    main()

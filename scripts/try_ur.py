"""Insertions of a bundle through the UR adapter, with the simulator's robot behind a fake of ur-rtde.

    python scripts/try_ur.py square.bundle runs/default-0 --lag 0.03 --count 200 --engine mujoco

The robot is that of the run, with another lag and delay; the holes are the held-out ones. Base and
TCP are displaced and turned against the simulator's frames.
"""

import argparse
import sys
from collections import Counter
from dataclasses import replace
from math import pi
from pathlib import Path

from gymnasium.utils import seeding
from rich.progress import track

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "controllers" / "adapters"))

from fake_rtde import FakeController

from assembly_rl.controllers import load_bundle
from assembly_rl.controllers.adapters import ur
from assembly_rl.controllers.se3 import IDENTITY, Pose, compose, quat_exp
from assembly_rl.envs.robots.config import ResponseConfig
from assembly_rl.envs.simulation import SimulatedRobot
from assembly_rl.runs import RunDirectory
from assembly_rl.training.loading import read_config

BASE: Pose = ((0.4, -0.2, 0.1), quat_exp((0.05, -0.1, 2.0)))
TCP = [0.001, -0.002, 0.15, pi, 0.0, 0.0]
SEED = 2_000_000


def main() -> None:
    """Print the states in which the insertions end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("run")
    parser.add_argument("--lag", type=float, default=0.03, help="[s]")
    parser.add_argument("--delay", type=float, default=0.0, help="[s]")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--engine", default="bullet")
    given = parser.parse_args()
    config = read_config(RunDirectory.open(given.run))
    response = ResponseConfig(lag=[given.lag] * 2, delay=[given.delay] * 2)
    task = replace(
        config.task,
        robot=replace(config.task.robot, response=response),
        physics=replace(config.task.physics, engine=given.engine),
    )
    robot = SimulatedRobot(config.geometry.part(), task)
    controller = load_bundle(given.bundle)
    ends: Counter[str] = Counter()
    for seed in track(range(SEED, SEED + given.count)):
        hole = robot.draw(seeding.np_random(seed)[0])
        height = robot.task.path.start_height + robot.part.peg_length
        start = controller.reset(hole, compose(hole, ((0.0, 0.0, height), IDENTITY)))
        robot.place((start.position, start.orientation))
        fake = FakeController(robot, BASE, TCP)
        arm = ur.UR(fake, fake, controller.rate, lambda fake=fake: fake.time)  # type: ignore[misc]
        ur.insert(arm, controller, compose(BASE, hole))
        ends[controller.state.name] += 1
    robot.close()
    print(", ".join(f"{count} {name}" for name, count in ends.most_common()))


if __name__ == "__main__":
    main()

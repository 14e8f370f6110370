"""Measure the arm against the floating tool, print Markdown and draw the arm.

Usage: python scripts/measure_arm.py [folder, by default docs/images]
"""

import sys
from itertools import count
from math import pi, sin
from pathlib import Path
from time import process_time

import numpy as np
from PIL import Image

from assembly_rl.controllers.se3 import Quaternion, Vector
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.envs.physics import BulletWorld, PhysicsConfig
from assembly_rl.envs.robots import ArmRobot, RobotConfig
from assembly_rl.envs.robots.iiwa import iiwa_kinematics
from assembly_rl.envs.workcell import Workcell, make_workcell

PART, CONFIG = PegHole(), PhysicsConfig()
IIWA = RobotConfig(model="iiwa")
UPRIGHT: Quaternion = (0.0, 0.0, 0.0, 1.0)
RIM = 0.003  # lateral offset [m] at which the peg meets the rim and not the hole
STEPS = 5  # physics steps of a control step
RATE = BulletWorld.default_rate  # Hz
SPEED = 0.008  # m/s


def main() -> None:
    """Run all measurements; this takes seconds."""
    arm = make_workcell(PART, TaskConfig(robot=IIWA))
    floating = make_workcell(PART, TaskConfig())
    static_contact(arm, floating)
    lag(arm)
    step_times(arm, floating)
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images") / "iiwa.png")


def flange(height: float, x: float = 0.0) -> Vector:
    """Flange position [m] of an upright tool whose tip is at x and height."""
    return (x, 0.0, height + PART.peg_length)


def static_contact(arm: Workcell, floating: Workcell) -> None:
    """Print the forces at rest on the rim."""
    print("\n| command below the rim [mm] | floating [N] | arm [N] | its spring [N] | joints' miss [Nm] |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for depth in (0.0002, 0.0005, 0.001):
        for cell in (arm, floating):
            cell.robot.reset(flange(0.0005, RIM), UPRIGHT)
            for step in range(1, 301):
                height = max(-depth, 0.0005 - step * SPEED * STEPS / RATE)
                cell.robot.advance(STEPS, flange(height, RIM), UPRIGHT)
        world, robot = arm.world, arm.robot
        assert isinstance(robot, ArmRobot)
        spring = CONFIG.servo_stiffness * (world.pose()[0][2] - robot.arm.flange()[0][2])
        torques = iiwa_kinematics(IIWA).flange(robot.joints)[1].T @ world.pull
        miss = np.abs(torques - robot.arm.torques()).max()
        forces = f"{floating.world.wrench[2]:.3f} | {world.wrench[2]:.3f} | {spring:.3f}"
        print(f"| {1e3 * depth:.1f} | {forces} | {miss:.1e} |")


def lag(arm: Workcell) -> None:
    """Print the largest distance of the arm's flange from its command at the end of a control step."""
    print("\n| command | largest distance [um] |\n| --- | ---: |")
    for name, path in (
        ("8 mm/s down", lambda time: -SPEED * time),
        ("1 mm at 2 Hz", lambda time: 1e-3 * sin(2.0 * pi * 2.0 * time)),
        ("1 mm at 10 Hz", lambda time: 1e-3 * sin(2.0 * pi * 10.0 * time)),
    ):
        robot = arm.robot
        assert isinstance(robot, ArmRobot)
        robot.reset(flange(0.02), UPRIGHT)
        distances = []
        for step in range(1, 201):
            target = flange(0.02 + path(step * STEPS / RATE))
            robot.advance(STEPS, target, UPRIGHT)
            distances.append(np.linalg.norm(np.subtract(robot.arm.flange()[0], target)))
        print(f"| {name} | {1e6 * max(distances[20:]):.2f} |")


def step_times(arm: Workcell, floating: Workcell) -> None:
    """Print the time of a step with the arm, as a multiple of that with the floating tool in equal state."""
    print("\n| | arm / floating |\n| --- | ---: |")
    for name, height, x in (("free", 0.02, 0.0), ("pressed on the rim", -0.0005, RIM)):
        times = []
        for cell in (floating, arm, floating, arm):
            cell.robot.reset(flange(max(height, 0.0), x), UPRIGHT)
            start = process_time()
            for _ in range(400):
                cell.robot.advance(STEPS, flange(height, x), UPRIGHT)
            times.append(process_time() - start)
        print(f"| physics step, {name} | {min(times[1::2]) / min(times[::2]):.1f} |")
    times = [policy_steps(robot) for robot in (RobotConfig(), IIWA)]
    print(f"| policy step, random actions | {times[1] / times[0]:.1f} |")


def policy_steps(robot: RobotConfig) -> float:
    """Time of a policy step [s]."""
    environment, rng, steps = PegInHoleEnv(PART, TaskConfig(robot=robot)), np.random.default_rng(0), 300
    ended, start, seeds = True, process_time(), count()
    for _ in range(steps):
        if ended:
            environment.reset(seed=next(seeds))
        _, _, terminated, truncated, _ = environment.step(rng.uniform(-1.0, 1.0, 6).astype(np.float32))
        ended = terminated or truncated
    environment.close()
    return (process_time() - start) / steps


def draw(path: Path) -> None:
    """Draw the arm on its way into the hole."""
    environment = PegInHoleEnv(PART, TaskConfig(robot=IIWA), render_mode="rgb_array")
    environment.reset(seed=0)
    for _ in range(10):
        environment.step(np.zeros(6, np.float32))
    picture = environment.render()
    assert picture is not None
    Image.fromarray(picture).quantize(128).save(path, optimize=True)
    environment.close()
    print(f"\n{path}")


if __name__ == "__main__":
    main()

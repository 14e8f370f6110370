"""Run a bundle on the robot of the simulator: the simplest closed loop.

    python -m assembly_rl.examples.run_simulated square.bundle --seed 7 --recording square.csv
    python -m assembly_rl.examples.run_simulated square.bundle --robot iiwa --episodes 200 --seed 2000000

Part and limits are those of the bundle, everything else (friction, error of the hole's estimate, sensor) is
that of the default task. The whole of assembly_rl is needed.
"""

import argparse
from collections import Counter
from dataclasses import asdict, fields

from assembly_rl.controllers import BundleController, load_bundle
from assembly_rl.controllers.insertion import InsertionConfig
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.robots import ROBOTS, RobotConfig
from assembly_rl.envs.simulation import SimulatedRobot, insert
from assembly_rl.evaluation.summary import wilson_interval


def simulated(controller: BundleController, model: str = "floating") -> SimulatedRobot:
    """Create a simulated robot with the bundle's part."""
    own = controller.manifest
    task = {field.name: getattr(own.insertion, field.name) for field in fields(InsertionConfig)}
    robot = RobotConfig(model=model)
    return SimulatedRobot(PegHole(**asdict(own.part)), TaskConfig(**task, robot=robot))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m assembly_rl.examples.run_simulated",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("bundle", help="file of the bundle")
    parser.add_argument("--seed", type=int, default=0, help="seed of the conditions of the first insertion")
    parser.add_argument("--episodes", type=int, default=1, help="insertions, each with the next seed")
    parser.add_argument("--robot", choices=ROBOTS.names(), default="floating")
    parser.add_argument("--recording", help="CSV file to write with the last insertion")
    arguments = parser.parse_args()

    controller = load_bundle(arguments.bundle)
    robot = simulated(controller, arguments.robot)
    seeds = range(arguments.seed, arguments.seed + arguments.episodes)
    ends = Counter(str(insert(robot, controller, seed)) for seed in seeds)
    if arguments.episodes > 1:
        low, high = wilson_interval(ends["success"], arguments.episodes)
        print(f"{ends['success']} of {arguments.episodes} ({low:.1%} to {high:.1%}): {dict(ends)}")
    else:
        recorded = controller.recording()
        end = f"{controller.state} {controller.reason}".rstrip()
        print(f"{end} after {recorded.times[-1]:.2f} s, {len(recorded)} steps")
        print(f"depth {1e3 * robot.depth:.1f} mm of {1e3 * controller.manifest.part.hole_depth:g} mm")
    if arguments.recording:
        controller.recording().save(arguments.recording)
    robot.close()


if __name__ == "__main__":
    main()

"""A bundle drives the robot of the simulator: the plainest closed loop.

    python examples/run_simulated.py square.bundle --seed 7 --recording square.csv

The part and the limits are the bundle's, everything else (friction, error of the hole's estimate, sensor) is
that of the default task. Needs the whole of assembly_rl.
"""

import argparse
from dataclasses import asdict, fields

from assembly_rl.controllers import BundleController, load_bundle
from assembly_rl.controllers.insertion import InsertionConfig
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.robot import SimulatedRobot, insert


def simulated(controller: BundleController) -> SimulatedRobot:
    """A robot with the bundle's part at hand."""
    own = controller.manifest
    task = {field.name: getattr(own.insertion, field.name) for field in fields(InsertionConfig)}
    return SimulatedRobot(PegHole(**asdict(own.part)), TaskConfig(**task))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bundle", help="file of the bundle")
    parser.add_argument("--seed", type=int, default=0, help="of the conditions")
    parser.add_argument("--recording", help="CSV file to write")
    arguments = parser.parse_args()

    controller = load_bundle(arguments.bundle)
    robot = simulated(controller)
    state = insert(robot, controller, arguments.seed)
    recorded = controller.recording()
    print(f"{state} {controller.reason}".rstrip(), f"after {recorded.times[-1]:.2f} s, {len(recorded)} steps")
    print(f"depth {1e3 * robot.depth:.1f} mm of {1e3 * controller.manifest.part.hole_depth:g} mm")
    if arguments.recording:
        recorded.save(arguments.recording)
    robot.close()


if __name__ == "__main__":
    main()

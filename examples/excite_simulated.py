"""Move the robot of the simulation as an identification needs it, and record that.

    python -m assembly_rl.examples.excite_simulated excitation.csv --lag 0.08 --delay 0.012
    assembly-rl-identify recording=excitation.csv output=my_robot.yaml

The whole of assembly_rl is needed.
"""

import argparse

from assembly_rl.controllers.identification import Excitation
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.excitation import excite
from assembly_rl.envs.robots import RobotConfig
from assembly_rl.envs.robots.config import ResponseConfig
from assembly_rl.envs.simulation import SimulatedRobot


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m assembly_rl.examples.excite_simulated",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("recording", help="CSV file to write; nothing is overwritten")
    parser.add_argument("--lag", type=float, default=0.03, help="lag of the robot [s]")
    parser.add_argument("--delay", type=float, default=0.005, help="delay of the robot [s]")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sensor's noise and bias")
    arguments = parser.parse_args()

    response = ResponseConfig(lag=[arguments.lag] * 2, delay=[arguments.delay] * 2)
    robot = SimulatedRobot(task=TaskConfig(robot=RobotConfig(response=response)))
    excitation = Excitation(robot.task.control_rate)
    state = excite(robot, excitation, arguments.seed)
    robot.close()
    excitation.recording().save(arguments.recording)
    print(f"{state} {excitation.reason}".rstrip(), f"in {arguments.recording}")


if __name__ == "__main__":
    main()

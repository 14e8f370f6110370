"""Run an insertion with a bundle on a UR e-Series robot.

    python -m assembly_rl.examples.run_ur square.bundle 192.168.1.10 --recording square-0001.csv \\
        --hole 0.4 0.1 0.05 0 0 0 1

Before the start: set the payload on the robot, set the TCP to the bundle's flange (explained, with checks, in
assembly_rl/controllers/adapters/ur.py), put the robot in remote control, and move the tool to the start that
is printed, in free space. Ctrl-C stops. This program has not run on a robot yet: keep the speed slider low,
the environment soft and a hand on the emergency stop.
"""

import argparse

from assembly_rl.controllers import load_bundle
from assembly_rl.controllers.adapters.ur import RobotStopped, connect, insert
from assembly_rl.controllers.se3 import compose, quat_log


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m assembly_rl.examples.run_ur",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("bundle", help="file of the bundle")
    parser.add_argument("address", help="address of the robot")
    parser.add_argument(
        "--hole",
        nargs=7,
        type=float,
        required=True,
        metavar=("X", "Y", "Z", "QX", "QY", "QZ", "QW"),
        help="hole in the robot's base [m, xyzw], z out of the hole",
    )
    parser.add_argument("--recording", help="CSV file to write; nothing is overwritten")
    arguments = parser.parse_args()

    controller = load_bundle(arguments.bundle)
    x, y, z, qx, qy, qz, qw = arguments.hole
    hole = ((x, y, z), (qx, qy, qz, qw))
    position, orientation = compose(hole, controller.start)
    print("start, TCP in the base [m, rotation vector]:", [*position, *quat_log(orientation)])
    trained = controller.manifest.response
    print("trained for a robot with", trained.words() if trained else "an unknown lag")
    try:
        robot = connect(arguments.address, controller.rate)
    except (ImportError, RuntimeError) as error:
        raise SystemExit(f"{arguments.address}: {error}") from None
    input("Is the robot there, at rest, in free space? Enter begins, Ctrl-C does not. ")
    try:
        state = insert(robot, controller, hole)
        print(state, controller.reason)
    except KeyboardInterrupt:
        print("stopped")
    except RobotStopped as error:
        raise SystemExit(f"stopped: {error}") from None
    finally:
        if arguments.recording and controller.state != "idle":
            controller.recording().save(arguments.recording)


if __name__ == "__main__":
    main()

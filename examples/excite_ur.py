"""Move a UR e-Series robot as an identification needs it, and record that.

    python -m assembly_rl.examples.excite_ur 192.168.1.10 excitation.csv --force 12
    assembly-rl-identify recording=excitation.csv output=my_robot.yaml

It moves the tool by 3 mm and 2 degrees about where it stands, tilts it by 10 degrees, and then pushes along
-z of the base on what is there, slowly: put something rigid and flat 5 to 20 mm below the tool, or give
``--force 0``. Above 30 N it goes back and ends. Before the start: payload, TCP and remote control as for
``run_ur``. Ctrl-C stops. This program has not run on a robot yet: keep the speed slider low and a hand on the
emergency stop.
"""

import argparse

from assembly_rl.controllers.adapters.ur import RobotStopped, connect, excite
from assembly_rl.controllers.identification import Excitation, ExcitationConfig
from assembly_rl.controllers.validation import InputError


def save(excitation: Excitation, path: str) -> None:
    """Write what was recorded, if there is anything."""
    try:
        excitation.recording().save(path)
        print(f"recorded in {path}")
    except InputError as error:
        print(f"nothing is recorded: {error}")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m assembly_rl.examples.excite_ur",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("address", help="address of the robot")
    parser.add_argument("recording", help="CSV file to write; nothing is overwritten")
    parser.add_argument("--rate", type=float, default=200.0, help="control rate [Hz]")
    parser.add_argument("--force", type=float, default=12.0, help="force of the pushes [N]; 0 for none")
    parser.add_argument("--travel", type=float, default=0.03, help="longest way to the surface [m]")
    arguments = parser.parse_args()

    config = ExcitationConfig(force=arguments.force, travel=arguments.travel)
    excitation = Excitation(arguments.rate, config)
    try:
        robot = connect(arguments.address, excitation.rate)
    except (ImportError, RuntimeError) as error:
        raise SystemExit(f"{arguments.address}: {error}") from None
    input("Is the tool at rest, in free space, above something rigid? Enter begins, Ctrl-C does not. ")
    try:
        print(excite(robot, excitation), excitation.reason)
    except KeyboardInterrupt:
        print("stopped")
    except RobotStopped as error:
        raise SystemExit(f"stopped: {error}") from None
    finally:
        if excitation.state != "idle":
            save(excitation, arguments.recording)


if __name__ == "__main__":
    main()

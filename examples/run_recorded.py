"""Play a recording back through a bundle and compare its commands with the recorded ones.

    python -m assembly_rl.examples.run_recorded square.bundle square-0001.csv commands.csv

This is the simplest robot program: no robot, no ROS, no simulator.
"""

import argparse

import numpy as np

from assembly_rl.controllers import Recording, load_bundle
from assembly_rl.controllers.adapters.playback import play_back


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m assembly_rl.examples.run_recorded",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("bundle", help="file of the bundle")
    parser.add_argument("recording", help="CSV file with readings and poses")
    parser.add_argument("output", help="CSV file to write, with the bundle's commands")
    arguments = parser.parse_args()

    controller = load_bundle(arguments.bundle)
    recorded = Recording.load(arguments.recording)
    own = play_back(controller, recorded)
    own.save(arguments.output)
    print(f"{len(own)} steps; the bundle ends with {controller.state} {controller.reason}")
    if len(recorded.commands):
        off = np.abs(own.commands[:, :3] - recorded.commands[:, :3]).max()
        print(f"its commands are at most {1e3 * off:.3g} mm from the recorded ones")


if __name__ == "__main__":
    main()

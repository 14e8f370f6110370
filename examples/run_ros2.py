"""Run a bundle as a ROS 2 node.

    python -m assembly_rl.examples.run_ros2 --ros-args -p bundle:=square.bundle -p base_frame:=base \\
        -p flange_frame:=peg_flange -p recording:=recordings \\
        -p hole:="[0.4, 0.1, 0.05, 0.0, 0.0, 0.0, 1.0]" -r wrench:=/force_torque_sensor_broadcaster/wrench
    ros2 service call /insertion/start std_srvs/srv/Trigger
    ros2 service call /insertion/stop std_srvs/srv/Trigger

``ros2 param describe /insertion <name>`` explains a parameter; the hole may change between insertions. Topics
and frames: assembly_rl/controllers/adapters/ros2.py. It has not run on a robot yet.
"""

import sys

from assembly_rl.controllers.adapters.ros2 import spin


def main() -> None:
    """Run the command."""
    try:
        spin()
    except (ImportError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

"""Move a robot as an identification needs it, as a ROS 2 node, and record that.

    python -m assembly_rl.examples.excite_ros2 --ros-args -p base_frame:=base -p flange_frame:=peg_flange \\
        -p recording:=recordings -p force:=12.0 -r wrench:=/force_torque_sensor_broadcaster/wrench
    ros2 service call /identification/start std_srvs/srv/Trigger
    ros2 service call /identification/stop std_srvs/srv/Trigger
    assembly-rl-identify recording=recordings/excitation-0001.csv output=my_robot.yaml

``ros2 param describe /identification <name>`` explains a parameter. Topics and frames are those of
``run_ros2``: assembly_rl/controllers/adapters/ros2.py. It has not run on a robot yet.
"""

import sys

from assembly_rl.controllers.adapters.ros2_excitation import spin


def main() -> None:
    """Run the command."""
    try:
        spin()
    except (ImportError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

"""Bundles in robot programs: recorded data, UR through ur-rtde, ROS 2 (each imported when it is used)."""

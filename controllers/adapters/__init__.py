"""Adapters of bundles to recorded data, UR robots (ur-rtde) and ROS 2, each imported when it is used."""

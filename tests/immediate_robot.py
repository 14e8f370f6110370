"""A robot that reaches every command at once, for tests whose point is not the robot's response."""

from assembly_rl.envs.robots import ResponseConfig, RobotConfig

RESPONSE = {"lag": [0.0, 0.0], "delay": [0.0, 0.0]}
IMMEDIATE = {"response": RESPONSE}
"""For ``robot`` of a task that is a mapping."""


def immediate_robot() -> RobotConfig:
    """For ``robot`` of a ``TaskConfig``."""
    return RobotConfig(response=ResponseConfig(**RESPONSE))

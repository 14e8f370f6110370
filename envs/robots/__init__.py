"""Robots that hold the tool: their interface, the floating tool, and arms."""

from assembly_rl.envs.robots.arm import ArmRobot
from assembly_rl.envs.robots.config import ResponseConfig, RobotConfig
from assembly_rl.envs.robots.floating import FloatingRobot
from assembly_rl.envs.robots.iiwa import iiwa
from assembly_rl.envs.robots.response import Response, ResponseParameters
from assembly_rl.envs.robots.robot import ROBOTS, Robot, register_robot

__all__ = [
    "ROBOTS",
    "ArmRobot",
    "FloatingRobot",
    "Response",
    "ResponseConfig",
    "ResponseParameters",
    "Robot",
    "RobotConfig",
    "register_robot",
]

register_robot("floating", FloatingRobot)
register_robot("iiwa", iiwa)

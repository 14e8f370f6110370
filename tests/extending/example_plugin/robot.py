"""A robot whose drives lag behind the command."""

from collections.abc import Iterable
from math import exp, hypot
from typing import Any

from assembly_rl.controllers.se3 import Pose, Quaternion, Vector
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import register_robot
from assembly_rl.envs.physics import World
from assembly_rl.envs.robots import RobotConfig

TIME_CONSTANT = 0.01
"""Time constant of the lag [s]."""
REACH = 0.2
"""Largest distance of the flange from the mouth of the hole [m]."""


class LaggingRobot:
    """A ``Robot`` with a first-order lag between command and flange."""

    joint_limit = False

    def __init__(self, world: World, config: RobotConfig) -> None:
        self._world = world

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        self._flange = [*position, *orientation]
        self._world.reset(position, orientation)

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        share = 1.0 - exp(-steps / self._world.config.rate / TIME_CONSTANT)
        command = [*position, *orientation]
        self._flange = [old + share * (new - old) for old, new in zip(self._flange, command, strict=True)]
        x, y, z, a, b, c, d = self._flange
        norm = hypot(a, b, c, d)
        self._world.advance(steps, (x, y, z), (a / norm, b / norm, c / norm, d / norm))

    def require_reachable(self, poses: Iterable[Pose]) -> None:
        for position, _ in poses:
            if hypot(*position) > REACH:
                raise InputError(
                    f"the lagging robot reaches {REACH} m, not {hypot(*position):.3f} m: start lower"
                )

    def content(self) -> list[Any]:
        return ["lagging", TIME_CONSTANT]


register_robot("lagging", LaggingRobot)

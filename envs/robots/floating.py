"""Robot ``floating``: the tool on its servo, without joints."""

from collections.abc import Iterable
from typing import Any

from assembly_rl.controllers.se3 import Pose, Quaternion, Vector
from assembly_rl.envs.physics import NotCopied, World
from assembly_rl.envs.robots.config import RobotConfig


class FloatingRobot(NotCopied):
    """Robot that follows every command exactly, everywhere.

    Args:
        world: World of the tool.
        config: Configuration, which is not used.
    """

    joint_limit = False

    def __init__(self, world: World, config: RobotConfig) -> None:
        self._world = world

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        """Place the tool at rest at a flange pose [m, xyzw]."""
        self._world.reset(position, orientation)

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        """Move the target of the servo to the commanded flange pose [m, xyzw]."""
        self._world.advance(steps, position, orientation)

    def require_reachable(self, poses: Iterable[Pose]) -> None:
        """Accept all poses."""

    def content(self) -> list[Any]:
        """Return an empty list: the servo belongs to the world."""
        return []

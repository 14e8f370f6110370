"""Interface of a robot: what carries the tool in a world, and follows the command."""

from collections.abc import Iterable
from typing import Any, Protocol

from assembly_rl.controllers.registry import Registry
from assembly_rl.controllers.se3 import Pose, Quaternion, Vector
from assembly_rl.envs.physics import World
from assembly_rl.envs.robots.config import RobotConfig


class Robot(Protocol):
    """A position-controlled robot that moves the target of the world's servo.

    A robot is a class with this interface and a call of ``register_robot``; it need not inherit from it. It
    makes the commanded flange pose into what its mechanics let through: limits, lag, delay. The world stays
    the source of all measured quantities.

    Determinism: after ``reset``, everything is a function of the calls of ``advance``, to the last bit.

    Attributes:
        joint_limit: True if a joint is at its limit, which ends an episode.
    """

    joint_limit: bool

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        """Put robot and tool at rest at a flange pose in the hole frame; resets the world.

        Args:
            position: Position of the flange [m].
            orientation: Orientation of the flange (xyzw).

        Raises:
            ValueError: The robot does not reach the pose.
        """

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        """Let a control period pass in which the flange is commanded to go to a pose; advances the world.

        Args:
            steps: Physics steps in the period.
            position: Commanded position [m] in the hole frame at the end.
            orientation: Commanded orientation (xyzw).
        """

    def require_reachable(self, poses: Iterable[Pose]) -> None:
        """Check flange poses [m, xyzw] in the hole frame.

        Raises:
            ValueError: The robot does not reach one of them.
        """

    def content(self) -> list[Any]:
        """Return what the robot adds to the physics, as JSON can hold it; nothing if it adds nothing."""


class RobotFactory(Protocol):
    """Makes a robot; its class does."""

    def __call__(self, world: World, config: RobotConfig) -> Robot:
        """Put a robot into a world that has not been used yet.

        Raises:
            ValueError: The configuration does not fit the robot, or the engine cannot simulate it.
        """


ROBOTS: Registry[RobotFactory] = Registry("robot")


def register_robot(name: str, factory: RobotFactory) -> None:
    """Make a robot known under the name that ``task.robot.model`` has.

    Args:
        name: Name of the robot.
        factory: Maker of the robot.

    Raises:
        ValueError: The name is taken by another robot.
    """
    ROBOTS.register(name, factory)

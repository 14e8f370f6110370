"""Interface of a robot, which holds the tool in a world and follows the command."""

from collections.abc import Iterable
from typing import Any, Protocol

from assembly_rl.controllers.registry import Registry
from assembly_rl.controllers.se3 import Pose, Quaternion, Vector
from assembly_rl.envs.physics import World
from assembly_rl.envs.robots.config import RobotConfig


class Robot(Protocol):
    """Position-controlled robot that moves the target of the world's servo.

    A robot is a class with this interface, which it need not inherit, registered by ``register_robot``. It
    turns the commanded flange pose into motion according to its mechanics. Lag, delay and limits of
    ``RobotConfig.response`` have been applied to the command before. The world is the source of all measured
    quantities.

    Determinism: after ``reset``, the state is a bit-exact function of the calls of ``advance``.

    Attributes:
        joint_limit: True if a joint is at its limit, which ends an episode.
    """

    joint_limit: bool

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        """Reset the world with robot and tool at rest at a flange pose in the hole frame.

        Args:
            position: Position of the flange [m].
            orientation: Orientation of the flange (xyzw).

        Raises:
            ValueError: The robot cannot reach the pose.
        """

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        """Advance the world by a control period with a commanded flange pose.

        Args:
            steps: Physics steps in the period.
            position: Position [m] in the hole frame to be reached at the end of the period.
            orientation: Orientation (xyzw) to be reached at the end of the period.
        """

    def require_reachable(self, poses: Iterable[Pose]) -> None:
        """Check that the robot can reach flange poses [m, xyzw] in the hole frame.

        Raises:
            ValueError: The robot cannot reach a pose.
        """

    def content(self) -> list[Any]:
        """Return the robot's contribution to the physics in types of JSON, without the response."""


class RobotFactory(Protocol):
    """Factory of robots, such as a robot's class."""

    def __call__(self, world: World, config: RobotConfig) -> Robot:
        """Add a robot to a world that has not been used yet.

        Raises:
            ValueError: The configuration does not fit the robot, or the engine cannot simulate it.
        """


ROBOTS: Registry[RobotFactory] = Registry("robot")


def register_robot(name: str, factory: RobotFactory) -> None:
    """Register a robot under its name in ``task.robot.model``.

    Args:
        name: Name of the robot.
        factory: Factory of the robot.

    Raises:
        ValueError: Another robot has the name.
    """
    ROBOTS.register(name, factory)

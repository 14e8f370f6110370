"""Configuration of the robot that holds the tool."""

from dataclasses import dataclass, field

from assembly_rl.controllers.validation import InputError, finite_numbers


@dataclass
class RobotConfig:
    """Configuration of the robot; a floating one has neither base nor posture.

    Attributes:
        model: Name of a registered robot.
        base_position: Centre of the arm's base in the hole frame [m].
        base_rotation: Rotation vector of the base in the hole frame [rad].
        posture: Joint angles [rad] near which the start pose is solved.
    """

    model: str = "floating"
    base_position: list[float] = field(default_factory=lambda: [-0.6, 0.0, -0.025])
    base_rotation: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    posture: list[float] = field(default_factory=lambda: [0.0, 1.15, 0.0, -1.42, 0.0, 0.57, 0.0])

    def __post_init__(self) -> None:
        for name, length in (("base_position", 3), ("base_rotation", 3), ("posture", 7)):
            if not finite_numbers(getattr(self, name), length):
                raise InputError(
                    f"RobotConfig.{name} must be {length} finite numbers, got {getattr(self, name)!r}"
                )

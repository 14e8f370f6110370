"""Configuration of the robot that holds the tool."""

from dataclasses import dataclass, field

import numpy as np

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import SMALLEST, InputError, finite_numbers, require_times
from assembly_rl.envs.robots.response import ResponseParameters


@dataclass
class ResponseConfig:
    """Response of the robot to its commands; each range [low, high] is drawn per episode, uniformly.

    A range of a single value draws nothing: the rest of the episode is the same for every such value.

    Attributes:
        lag: Time constant of a first-order lag [s].
        delay: Pure delay [s].
        speed, angular_speed: Largest speed [m/s] and [rad/s]; empty for no limit.
        acceleration, angular_acceleration: Largest acceleration [m/s2] and [rad/s2]; empty for no limit.
    """

    lag: list[float] = field(default_factory=lambda: [0.0, 0.04])
    delay: list[float] = field(default_factory=lambda: [0.0, 0.01])
    speed: list[float] = field(default_factory=list)
    angular_speed: list[float] = field(default_factory=list)
    acceleration: list[float] = field(default_factory=list)
    angular_acceleration: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        require_times(self, bounds.DELAY, "lag", "delay")
        for name in ("speed", "angular_speed", "acceleration", "angular_acceleration"):
            value = getattr(self, name)
            if finite_numbers(value, 0):
                continue
            if not finite_numbers(value, 2) or not SMALLEST <= value[0] <= value[1]:
                raise InputError(
                    f"ResponseConfig.{name} must be [low, high] with {SMALLEST:g} <= low <= high, or empty "
                    f"for no limit, got {value!r:.80}"
                )

    def draw(self, rng: np.random.Generator) -> ResponseParameters:
        """Draw the parameters of an episode."""

        def value(ends: list[float]) -> float:
            if not len(ends):
                return float("inf")
            low, high = ends
            return float(low) if low == high else float(rng.uniform(low, high))

        return ResponseParameters(
            value(self.lag),
            value(self.delay),
            (value(self.speed), value(self.angular_speed)),
            (value(self.acceleration), value(self.angular_acceleration)),
        )


@dataclass
class RobotConfig:
    """Configuration of the robot; base and posture are those of an arm.

    The response acts before the robot does, on the commanded flange pose.

    Attributes:
        model: Name of a registered robot.
        base_position: Centre of the arm's base in the hole frame [m].
        base_rotation: Rotation vector of the base in the hole frame [rad].
        posture: Joint angles [rad] near which the start pose is solved.
        response: Lag, delay and limits between command and motion.
        name: Name in tables; by default that of the model.
    """

    model: str = "floating"
    base_position: list[float] = field(default_factory=lambda: [-0.6, 0.0, -0.025])
    base_rotation: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    posture: list[float] = field(default_factory=lambda: [0.0, 1.15, 0.0, -1.42, 0.0, 0.57, 0.0])
    response: ResponseConfig = field(default_factory=ResponseConfig)
    name: str = ""

    def __post_init__(self) -> None:
        for name, length in (("base_position", 3), ("base_rotation", 3), ("posture", 7)):
            if not finite_numbers(getattr(self, name), length):
                raise InputError(
                    f"RobotConfig.{name} must be {length} finite numbers, got {getattr(self, name)!r}"
                )
        if not isinstance(self.response, ResponseConfig):
            raise InputError(
                f"RobotConfig.response must be a mapping of its fields, got {self.response!r:.80}"
            )

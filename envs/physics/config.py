"""Settings of the simulated physics and of the wrench sensor."""

from dataclasses import dataclass, replace
from math import sqrt

from assembly_rl.controllers.validation import require_not_negative, require_positive


@dataclass
class PhysicsConfig:
    """Simulated robot and solver; docs/physics.md has the measurements behind the defaults.

    The robot is a position-controlled arm of finite stiffness: a 6-D spring-damper pulls the tool towards
    the commanded flange pose.

    Attributes:
        rate: Physics steps per second [Hz]; null for the rate of the engine.
        tool_mass: Mass of tool and peg [kg]; the centre of mass is at the flange.
        tool_inertia: Moment of inertia about each axis of the flange [kg m2].
        servo_stiffness: Translational stiffness of the servo [N/m].
        servo_rotational_stiffness: Rotational stiffness of the servo [Nm/rad].
        servo_damping_ratio: Damping ratio of the servo against the tool's own inertia.
        solver_iterations: Iterations of the constraint solver per step.
        engine: Name of a registered physics engine.
    """

    rate: float | None = None
    tool_mass: float = 1.0
    tool_inertia: float = 0.02
    servo_stiffness: float = 3e4
    servo_rotational_stiffness: float = 500.0
    servo_damping_ratio: float = 0.7
    solver_iterations: int = 20
    engine: str = "bullet"

    def __post_init__(self) -> None:
        own = {"engine"} if self.rate is not None else {"engine", "rate"}
        require_positive(self, *(name for name in self.__dataclass_fields__ if name not in own))

    def in_engine(self, engine: str) -> "PhysicsConfig":
        """Return the same physics in an engine; another one than before has its own physics rate."""
        return self if engine == self.engine else replace(self, engine=engine, rate=None)

    @property
    def servo_damping(self) -> tuple[float, float]:
        """Translational [Ns/m] and rotational damping [Nms/rad] of the servo."""
        ratio = 2.0 * self.servo_damping_ratio
        linear = ratio * sqrt(self.servo_stiffness * self.tool_mass)
        return linear, ratio * sqrt(self.servo_rotational_stiffness * self.tool_inertia)


@dataclass
class SensorConfig:
    """Force-torque sensor at the flange, in the axes of the tool.

    Attributes:
        cutoff: Bandwidth of its first-order low-pass filter [Hz], independent of the physics rate.
        delay: Transport delay [s], a multiple of the control period.
        force_noise: Standard deviation of each force sample [N].
        moment_noise: Standard deviation of each moment sample [Nm].
        force_bias: Bound of the bias of each force axis, uniform and constant in an episode [N].
        moment_bias: Bound of the bias of each moment axis, uniform and constant in an episode [Nm].
        tare_samples: Samples averaged in free space and subtracted before an episode; 0 for no tare.
    """

    cutoff: float = 40.0
    delay: float = 0.0
    force_noise: float = 0.05
    moment_noise: float = 0.001
    force_bias: float = 2.0
    moment_bias: float = 0.05
    tare_samples: int = 20

    def __post_init__(self) -> None:
        require_positive(self, "cutoff")
        require_not_negative(self, *(name for name in self.__dataclass_fields__ if name != "cutoff"))

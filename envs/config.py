"""Configuration of the insertion task. SI units throughout; vectors of six are x y z rx ry rz."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

import numpy as np

from assembly_rl.controllers import bounds
from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.contact_config import ContactConfig
from assembly_rl.controllers.insertion.action import ActionConfig
from assembly_rl.controllers.insertion.config import InsertionConfig, whole_ratio
from assembly_rl.controllers.insertion.coordinates import CoordinateTransform
from assembly_rl.controllers.validation import (
    AXES,
    InputError,
    finite_numbers,
    is_finite,
    require_not_negative,
    require_positive,
    require_six,
)
from assembly_rl.envs.physics import ENGINES, PhysicsConfig, SensorConfig, physics_rate
from assembly_rl.envs.robots import ROBOTS, RobotConfig
from assembly_rl.envs.telemetry import TelemetryConfig


def require_range(owner: object, *names: str) -> None:
    """Raise a ValueError for the first of the named attributes that is not [low, high], 0 < low <= high."""
    for name in names:
        value = getattr(owner, name)
        if not finite_numbers(value, 2) or not 0.0 < value[0] <= value[1]:
            raise InputError(
                f"{type(owner).__name__}.{name} must be [low, high] with 0 < low <= high, got {value!r:.80}"
            )


T = TypeVar("T")


def copied(config: T) -> T:
    """Copy a configuration in plain numbers and lists, and check it as when it was made.

    Args:
        config: Dataclass, perhaps of dataclasses.

    Raises:
        ValueError: A value was changed to one that is refused.
    """
    values = {entry.name: _plain(getattr(config, entry.name)) for entry in fields(config)}  # type: ignore[arg-type]
    return replace(config, **values)  # type: ignore[type-var]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return copied(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(entry) for entry in value]
    return value


@dataclass
class ComplianceConfig:
    """Diagonal of the compliance law at the tip, in the axes of the estimated hole frame.

    Attributes:
        mass: Virtual mass [kg] and inertia [kg m2]; the loop oscillates unless they exceed the tool's.
        damping: Damping [Ns/m] and [Nms/rad].
        stiffness: Stiffness [N/m] and [Nm/rad].
        check_contact: Refuse a law that is unstable in contact of the robot's servo with a rigid body, with
            the sensor's bandwidth and delay.
    """

    mass: list[float] = field(default_factory=lambda: [2.0, 2.0, 2.0, 0.03, 0.03, 0.03])
    damping: list[float] = field(default_factory=lambda: [900.0, 900.0, 800.0, 12.0, 12.0, 12.0])
    stiffness: list[float] = field(default_factory=lambda: [0.0, 0.0, 300.0, 3.0, 3.0, 3.0])
    check_contact: bool = True

    def __post_init__(self) -> None:
        require_six(self, mass=(bounds.MASS, bounds.MASS), damping=bounds.DAMPING, stiffness=bounds.STIFFNESS)


@dataclass
class RewardConfig:
    """Weights of the reward's terms; a term with weight 0 is still reported.

    The two alignment terms use the true error, which is available in simulation only: they shape the reward
    and are not observed.

    Attributes:
        depth: Weight of the progress of the depth [1/m].
        lateral: Weight of the decrease of the distance between tip and true hole axis [1/m].
        angle: Weight of the decrease of the angle between the peg and the true hole [1/rad].
        force: Weight of the mean magnitude of the force [1/N], negative.
        excess_force: Weight of the excess of the largest force of a policy step over the threshold [1/N],
            negative.
        force_threshold: That threshold [N].
        time: Reward of each policy step, negative.
        success: Reward at success, once.
        failure: Reward at a limit, once, negative.
    """

    depth: float = 400.0
    lateral: float = 2000.0
    angle: float = 28.6
    force: float = -0.005
    excess_force: float = 0.0
    force_threshold: float = 15.0
    time: float = -0.02
    success: float = 5.0
    failure: float = -5.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not is_finite(getattr(self, name)):
                raise InputError(f"RewardConfig.{name} must be finite, got {getattr(self, name)!r:.80}")
        require_positive(self, force_threshold=bounds.WRENCH[0])


@dataclass
class PoseErrorConfig:
    """Ranges of a pose error: uniform in a disc, an interval, a disc of axes and an interval.

    Attributes:
        lateral: Radius of the disc in x and y [m].
        height: Half the width of the interval along z [m].
        tilt: Radius of the disc of rotations about x and y [rad].
        yaw: Half the width of the interval about z [rad].
    """

    lateral: float = 0.0
    height: float = 0.0
    tilt: float = 0.0
    yaw: float = 0.0

    def __post_init__(self) -> None:
        require_not_negative(self, *self.__dataclass_fields__)


@dataclass
class RandomizationConfig:
    """Randomisation of the episodes, drawn at reset.

    Attributes:
        hole_estimate: Error of the estimated hole frame, which is not observed.
        start_pose: Start of the tool relative to the nominal start, which is observed.
        friction: Range of the coefficient of friction, uniform.
        clearance: Range of the clearance [m], in steps of 10 micrometres, uniform; empty for that of the
            part. A new clearance needs a new mesh, so that its reset takes tens of milliseconds.
        sensor: Range of a factor on the sensor's noise and bias, log-uniform.
        gains: Range of a factor on the law's damping, log-uniform: the error of a real robot.
    """

    hole_estimate: PoseErrorConfig = field(
        default_factory=lambda: PoseErrorConfig(lateral=0.001, tilt=0.0262, yaw=0.0175)
    )
    start_pose: PoseErrorConfig = field(default_factory=PoseErrorConfig)
    friction: list[float] = field(default_factory=lambda: [0.2, 0.2])
    clearance: list[float] = field(default_factory=list)
    sensor: list[float] = field(default_factory=lambda: [1.0, 1.0])
    gains: list[float] = field(default_factory=lambda: [1.0, 1.0])

    def __post_init__(self) -> None:
        require_range(self, "friction", "sensor", "gains")
        if not finite_numbers(self.clearance, 0):
            require_range(self, "clearance")


@dataclass
class TaskConfig(InsertionConfig):
    """Configuration of the task other than the geometry of the part.

    Attributes:
        action: Meaning of actions, with a dither of 0.5 but along the axis.
        physics: Simulated robot; its rate is a multiple of the control rate.
        sensor: Force-torque sensor.
        compliance: Law of the admittance controller at the start of an episode.
        reward: Weights of the reward's terms.
        randomization: Randomisation of the episodes.
        robot: Robot that holds the tool.
        telemetry: Faults of the observation group ``telemetry``.
        name: Name of a registered task, which determines termination and reward.
    """

    action: ActionConfig = field(default_factory=lambda: ActionConfig(dither=[0.5, 0.5, 0.0, 0.5, 0.5, 0.5]))
    physics: PhysicsConfig = field(default_factory=PhysicsConfig)
    sensor: SensorConfig = field(default_factory=SensorConfig)
    compliance: ComplianceConfig = field(default_factory=ComplianceConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    randomization: RandomizationConfig = field(default_factory=RandomizationConfig)
    robot: RobotConfig = field(default_factory=RobotConfig)
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)
    name: str = "insertion"

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(TaskConfig).items():
            value = getattr(self, name)
            if is_dataclass(kind) and not isinstance(value, kind):  # type: ignore[arg-type]
                raise InputError(f"TaskConfig.{name} must be a mapping of its fields, got {value!r:.80}")
        super().__post_init__()
        names = {
            "name": self.name,
            "physics.engine": self.physics.engine,
            "robot.model": self.robot.model,
            "robot.name": self.robot.name,
        }
        for label, name in names.items():
            if not isinstance(name, str):
                raise InputError(f"TaskConfig.{label} must be a name, got {name!r:.80}")
        ENGINES.get(self.physics.engine)
        ROBOTS.get(self.robot.model)
        self.physics_steps()
        start = self.randomization.start_pose
        farthest = [start.lateral] * 2 + [start.height] + [start.tilt] * 2 + [start.yaw]
        for axis, value, limit in zip(AXES, farthest, self.admittance.offset_limit, strict=True):
            if value > limit:
                raise InputError(
                    f"randomization.start_pose reaches {value} along {axis}, beyond admittance.offset_limit "
                    f"{limit}: narrow the one or widen the other"
                )

    def physics_steps(self) -> int:
        """Physics steps per control step."""
        return whole_ratio("physics.rate", physics_rate(self.physics), "control_rate", self.control_rate)

    def law(self) -> ComplianceLaw:
        """Return the law at the start of an episode."""
        own = self.compliance
        law = ComplianceLaw.from_diagonals(own.mass, own.damping, own.stiffness)
        return CoordinateTransform(self.coordinates).target_law(law)

    def known_ceiling(self) -> CeilingConfig:
        """Return the force ceiling with what it needs of the simulated robot where that is not stated."""
        own, physics = self.ceiling, self.physics
        if own.force is None:
            return own
        servo = [physics.servo_stiffness, physics.servo_rotational_stiffness]
        return replace(
            own,
            stiffness=own.stiffness or servo,
            drive_stiffness=own.drive_stiffness or servo,
            impact=own.impact or list(physics.servo_damping),
            sensor_cutoff=own.sensor_cutoff or self.sensor.cutoff,
            sensor_delay=own.sensor_delay or self.sensor.delay,
            stopping_time=self.robot.response.delay[1] if own.stopping_time is None else own.stopping_time,
        )

    def stiffest_contact(self) -> ContactConfig:
        """Return the contact with a rigid body, whose stiffness is that of the robot's servo."""
        physics, sensor = self.physics, self.sensor
        stiffness = [physics.servo_stiffness] * 3 + [physics.servo_rotational_stiffness] * 3
        return ContactConfig(stiffness, delay=sensor.delay, sensor_cutoff=sensor.cutoff)

    def slowest_contact(self) -> ContactConfig:
        """Return the stiffest contact of the robot with its largest lag and delay.

        The servo follows the velocity of the command as well: its lead is damping over stiffness, less the
        physics step in which it is applied. Limits of speed and acceleration are not in it.
        """
        physics, response, contact = self.physics, self.robot.response, self.stiffest_contact()
        linear, angular = physics.servo_damping
        lead = min(linear / physics.servo_stiffness, angular / physics.servo_rotational_stiffness)
        lead -= 1.0 / physics_rate(physics)
        return replace(
            contact, delay=contact.delay + response.delay[1], lag=response.lag[1], lead=max(0.0, lead)
        )

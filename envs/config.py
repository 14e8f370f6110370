"""Configuration of the insertion task. SI units throughout; vectors of six are x y z rx ry rz."""

from dataclasses import dataclass, field
from enum import Enum
from math import isfinite
from typing import Any

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.config import AdmittanceConfig
from assembly_rl.controllers.stability import ContactConfig
from assembly_rl.controllers.validation import AXES, require_not_negative, require_positive, require_six
from assembly_rl.envs.coordinates import Coordinates
from assembly_rl.envs.physics.config import PhysicsConfig, SensorConfig
from assembly_rl.envs.robots.config import RobotConfig


class ActionKind(Enum):
    """What an action means; see ``assembly_rl.envs.action``."""

    wrench = "wrench"
    twist = "twist"
    damping = "damping"
    stiffness = "stiffness"

    @property
    def changes_gains(self) -> bool:
        """Whether actions ask the controller for another law."""
        return self in (ActionKind.damping, ActionKind.stiffness)


def require_range(owner: object, *names: str) -> None:
    """Raise a ValueError for the first of the named attributes that is not [low, high], 0 < low <= high."""
    for name in names:
        value = getattr(owner, name)
        if len(value) != 2 or not 0.0 < value[0] <= value[1] < float("inf"):
            raise ValueError(
                f"{type(owner).__name__}.{name} must be [low, high] with 0 < low <= high, got {list(value)}"
            )


@dataclass
class PathConfig:
    """The nominal insertion path: straight down the estimated hole axis at constant speed.

    Attributes:
        start_height: Height of the tip above the estimated mouth at the start [m].
        speed: Speed of the path [m/s].
        ramp: Time from rest to that speed [s].
        lead: Farthest that the path runs ahead of the command [m]; then it waits for the tool.
    """

    start_height: float = 0.002
    speed: float = 0.008
    ramp: float = 0.1
    lead: float = 0.004

    def __post_init__(self) -> None:
        require_positive(self, "speed", "ramp", "lead")
        require_not_negative(self, "start_height")


@dataclass
class ComplianceConfig:
    """Diagonal of the compliance law at the tip, in the axes of the estimated hole frame.

    Attributes:
        mass: Virtual mass [kg] and inertia [kg m2]; above the tool's own, or the loop oscillates.
        damping: [Ns/m] and [Nms/rad].
        stiffness: [N/m] and [Nm/rad].
        check_contact: Refuse a law that is unstable when the robot's servo presses on something rigid, at the
            sensor's bandwidth and delay.
    """

    mass: list[float] = field(default_factory=lambda: [4.0, 4.0, 4.0, 0.06, 0.06, 0.06])
    damping: list[float] = field(default_factory=lambda: [150.0, 150.0, 800.0, 1.0, 1.0, 1.0])
    stiffness: list[float] = field(default_factory=lambda: [0.0, 0.0, 300.0, 3.0, 3.0, 3.0])
    check_contact: bool = True

    def __post_init__(self) -> None:
        require_six(self, "mass", "damping", "stiffness")


@dataclass
class ActionConfig:
    """What the agent commands.

    Attributes:
        kind: Meaning of an action.
        wrench: Scale of a wrench set-point [N] and [Nm].
        twist: Scale of a reference twist [m/s] and [rad/s].
        gain_ratio: Largest factor by which damping is multiplied.
        stiffness: Largest stiffness that an action adds [N/m] and [Nm/rad].
    """

    kind: ActionKind = ActionKind.wrench
    wrench: list[float] = field(default_factory=lambda: [5.0, 5.0, 8.0, 0.15, 0.15, 0.15])
    twist: list[float] = field(default_factory=lambda: [0.03, 0.03, 0.01, 0.15, 0.15, 0.15])
    gain_ratio: float = 4.0
    stiffness: list[float] = field(default_factory=lambda: [2000.0, 2000.0, 2000.0, 20.0, 20.0, 20.0])

    def __post_init__(self) -> None:
        self.kind = ActionKind(self.kind)
        require_six(self, "wrench", "twist", "stiffness")
        if not (isfinite(self.gain_ratio) and self.gain_ratio > 1.0):
            raise ValueError(f"ActionConfig.gain_ratio must be > 1, got {self.gain_ratio}")


@dataclass
class ObservationConfig:
    """What the agent sees, in fixed units: each component is divided by its scale, never by statistics.

    Attributes:
        groups: Names of the groups, in order; ``assembly_rl.envs.observation`` has them.
        wrench_scale: Scale of the wrench [N] and [Nm]; compressed as ``3 tanh(w / (3 scale))``.
        pose_scale: Scale of the pose [m] and [rad].
        twist_scale: Scale of the twist [m/s] and [rad/s].
        history: Past wrenches in the group ``wrench_history``, one a policy step.
        second_copies: Second sensors of each component.
        second_noise: Standard deviation of the noise of the second sensors, in the scaled units.
    """

    groups: list[str] = field(default_factory=lambda: ["wrench", "pose", "last_action"])
    wrench_scale: list[float] = field(default_factory=lambda: [5.0, 5.0, 10.0, 0.1, 0.1, 0.05])
    pose_scale: list[float] = field(default_factory=lambda: [0.001, 0.001, 0.01, 0.0262, 0.0262, 0.0262])
    twist_scale: list[float] = field(default_factory=lambda: [0.01, 0.01, 0.01, 0.1, 0.1, 0.1])
    history: int = 4
    second_copies: int = 1
    second_noise: float = 0.3

    def __post_init__(self) -> None:
        require_six(self, "wrench_scale", "pose_scale", "twist_scale", positive=True)
        if self.history < 1:
            raise ValueError(f"ObservationConfig.history must be >= 1, got {self.history}")
        require_not_negative(self, "second_noise")


@dataclass
class RewardConfig:
    """Weights of the reward's terms; a term with weight 0 is still reported.

    The two alignment terms use the true error, which only the simulator knows: they shape the reward and
    are not observed.

    Attributes:
        depth: For progress of the depth [1/m].
        lateral: For the decrease of the distance between tip and true hole axis [1/m].
        angle: For the decrease of the angle between the peg and the true hole [1/rad].
        force: For the mean magnitude of the force [1/N], negative.
        time: For each policy step, negative.
        success: Once, at success.
        failure: Once, at a limit, negative.
    """

    depth: float = 400.0
    lateral: float = 2000.0
    angle: float = 28.6
    force: float = -0.004
    time: float = -0.02
    success: float = 5.0
    failure: float = -5.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not isfinite(getattr(self, name)):
                raise ValueError(f"RewardConfig.{name} must be finite, got {getattr(self, name)}")


@dataclass
class LimitConfig:
    """Where an episode ends.

    Attributes:
        time: Longest episode [s].
        goal_margin: Success when the tip is this far from the bottom of the hole [m].
        force: Largest filtered force at the tip [N].
        moment: Largest filtered moment about the tip [Nm].
        lateral: Largest distance of the tip from the estimated hole axis [m].
        angle: Largest angle between the peg and the estimated hole frame [rad].
    """

    time: float = 5.0
    goal_margin: float = 0.001
    force: float = 30.0
    moment: float = 1.5
    lateral: float = 0.008
    angle: float = 0.175

    def __post_init__(self) -> None:
        require_positive(self, *self.__dataclass_fields__)


@dataclass
class PoseErrorConfig:
    """Ranges of a pose error: uniform in a disc, an interval, a disc of axes and an interval.

    Attributes:
        lateral: Radius of the disc in x and y [m].
        height: In +-this along z [m].
        tilt: Radius of the disc of rotations about x and y [rad].
        yaw: In +-this about z [rad].
    """

    lateral: float = 0.0
    height: float = 0.0
    tilt: float = 0.0
    yaw: float = 0.0

    def __post_init__(self) -> None:
        require_not_negative(self, *self.__dataclass_fields__)


@dataclass
class RandomizationConfig:
    """What differs from episode to episode, drawn at reset.

    Attributes:
        hole_estimate: Error of the estimated hole frame; the agent does not see it.
        start_pose: Where the tool starts relative to the nominal start; the agent sees it.
        friction: Range of the coefficient of friction, uniform.
        clearance: Range of the clearance [m], in steps of 10 micrometres, uniform; empty for the part's
            own. Another clearance means another mesh: such a reset takes tens of milliseconds.
        sensor: Range of a factor on the sensor's noise and bias, log-uniform.
        gains: Range of a factor on the law's damping, log-uniform: what a real robot makes of it.
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
        if len(self.clearance):
            require_range(self, "clearance")


def _ratio(fast_name: str, fast: float, slow_name: str, slow: float) -> int:
    ratio = round(fast / slow)
    if ratio < 1 or abs(fast / slow - ratio) > 1e-9:
        raise ValueError(
            f"{slow_name} {slow:g} Hz must divide {fast_name} {fast:g} Hz: the ratio is {fast / slow:g}"
        )
    return ratio


@dataclass
class TaskConfig:
    """Everything about the task but the geometry of the part.

    Attributes:
        policy_rate: Actions a second [Hz]; divides the control rate.
        control_rate: Steps of the admittance controller a second [Hz]; divides the physics rate.
        compliance: The law that the admittance controller starts an episode with.
        admittance: Everything else about that controller; the class is the one a robot runs.
        coordinates: A (6, 6) of a part other than the one that law, action and observation were made for;
            see ``assembly_rl.envs.coordinates``. Null for none.
        robot: What holds the tool.
    """

    policy_rate: float = 20.0
    control_rate: float = 200.0
    physics: PhysicsConfig = field(default_factory=PhysicsConfig)
    sensor: SensorConfig = field(default_factory=SensorConfig)
    path: PathConfig = field(default_factory=PathConfig)
    compliance: ComplianceConfig = field(default_factory=ComplianceConfig)
    admittance: AdmittanceConfig = field(default_factory=AdmittanceConfig)
    action: ActionConfig = field(default_factory=ActionConfig)
    observation: ObservationConfig = field(default_factory=ObservationConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    limits: LimitConfig = field(default_factory=LimitConfig)
    randomization: RandomizationConfig = field(default_factory=RandomizationConfig)
    coordinates: Any = None  # rows may mix integers and floats, which Hydra takes for no list of floats
    robot: RobotConfig = field(default_factory=RobotConfig)

    def __post_init__(self) -> None:
        require_positive(self, "policy_rate", "control_rate")
        Coordinates(self.coordinates)
        if self.coordinates is not None and self.action.kind.changes_gains:
            raise ValueError(
                f"coordinates go with actions that are wrenches or twists, not with {self.action.kind.name}"
            )
        self.control_steps()
        self.physics_steps()
        if self.action.kind is ActionKind.wrench:
            for axis, value, limit in zip(
                AXES, self.action.wrench, self.admittance.reference_limit, strict=True
            ):
                if value > limit:
                    raise ValueError(
                        f"action.wrench[{axis}] = {value} exceeds admittance.reference_limit {limit}: "
                        "lower the one or raise the other"
                    )
        start = self.randomization.start_pose
        farthest = [start.lateral] * 2 + [start.height] + [start.tilt] * 2 + [start.yaw]
        for axis, value, limit in zip(AXES, farthest, self.admittance.offset_limit, strict=True):
            if value > limit:
                raise ValueError(
                    f"randomization.start_pose reaches {value} along {axis}, beyond admittance.offset_limit "
                    f"{limit}: narrow the one or widen the other"
                )

    def control_steps(self) -> int:
        """Control steps in a policy step."""
        return _ratio("control_rate", self.control_rate, "policy_rate", self.policy_rate)

    def physics_steps(self) -> int:
        """Physics steps in a control step."""
        return _ratio("physics.rate", self.physics.rate, "control_rate", self.control_rate)

    def policy_steps(self) -> int:
        """Policy steps in the longest episode."""
        return max(1, round(self.limits.time * self.policy_rate))

    def law(self) -> ComplianceLaw:
        """The law that an episode starts with."""
        own = self.compliance
        law = ComplianceLaw.from_diagonals(own.mass, own.damping, own.stiffness)
        return Coordinates(self.coordinates).law(law)

    def stiffest_contact(self) -> ContactConfig:
        """Something rigid against the tool: what gives way is the robot's servo."""
        physics, sensor = self.physics, self.sensor
        stiffness = [physics.servo_stiffness] * 3 + [physics.servo_rotational_stiffness] * 3
        return ContactConfig(stiffness, delay=sensor.delay, sensor_cutoff=sensor.cutoff)

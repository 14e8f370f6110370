"""Configuration of the observation."""

from dataclasses import dataclass, field

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import require_count, require_not_negative, require_six


@dataclass
class ObservationConfig:
    """Observation of the agent in fixed units: each component is divided by its scale, not by statistics.

    Attributes:
        groups: Names of registered observation terms, in order.
        wrench_scale: Scale of the wrench [N] and [Nm]; compressed as ``3 tanh(w / (3 scale))``.
        pose_scale: Scale of the pose [m] and [rad].
        twist_scale: Scale of the twist [m/s] and [rad/s].
        history: Number of past wrenches in the group ``wrench_history``, one per policy step.
        second_copies: Number of second sensors of each component.
        second_noise: Standard deviation of the noise of the second sensors, in the scaled units.
    """

    groups: list[str] = field(default_factory=lambda: ["wrench", "pose", "last_action", "wrench_history"])
    wrench_scale: list[float] = field(default_factory=lambda: [5.0, 5.0, 10.0, 0.1, 0.1, 0.05])
    pose_scale: list[float] = field(default_factory=lambda: [0.001, 0.001, 0.01, 0.0262, 0.0262, 0.0262])
    twist_scale: list[float] = field(default_factory=lambda: [0.01, 0.01, 0.01, 0.1, 0.1, 0.1])
    history: int = 4
    second_copies: int = 1
    second_noise: float = 0.3

    def __post_init__(self) -> None:
        require_six(
            self,
            positive=True,
            wrench_scale=bounds.WRENCH,
            pose_scale=bounds.OFFSET,
            twist_scale=bounds.SPEED,
        )
        require_count(self, "history", most=bounds.HISTORY)
        require_count(self, "second_copies", least=0, most=bounds.COPIES)
        require_not_negative(self, second_noise=bounds.RATIO)

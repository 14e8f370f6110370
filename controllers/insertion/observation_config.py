"""Configuration of the observation."""

from dataclasses import dataclass, field

from assembly_rl.controllers import bounds
from assembly_rl.controllers.validation import (
    InputError,
    require_count,
    require_not_negative,
    require_positive,
    require_six,
)


@dataclass
class ObservationConfig:
    """Observation of the agent in fixed units: each component is divided by its scale, not by statistics.

    Attributes:
        groups: Names of registered observation terms, in order.
        wrench_scale: Scale of the wrench [N] and [Nm]; compressed as ``3 tanh(w / (3 scale))``.
        pose_scale: Scale of the pose [m] and [rad].
        twist_scale: Scale of the twist [m/s] and [rad/s].
        history: Number of past wrenches in the group ``wrench_history``, one per policy step.
        pose_ages: Ages of the past poses in the group ``pose_history``, in policy steps.
        visit_cells: Cells along x and along y of the map in the group ``visits``.
        visit_extent: Half the width of that map [m].
        time_scale: Scale of the time since the start of the insertion in the group ``time`` [s].
        second_copies: Number of second sensors of each component.
        second_noise: Standard deviation of the noise of the second sensors, in the scaled units.
    """

    groups: list[str] = field(default_factory=lambda: ["wrench", "pose", "last_action", "wrench_history"])
    wrench_scale: list[float] = field(default_factory=lambda: [5.0, 5.0, 10.0, 0.1, 0.1, 0.05])
    pose_scale: list[float] = field(default_factory=lambda: [0.001, 0.001, 0.01, 0.0262, 0.0262, 0.0262])
    twist_scale: list[float] = field(default_factory=lambda: [0.01, 0.01, 0.01, 0.1, 0.1, 0.1])
    history: int = 4
    pose_ages: list[int] = field(default_factory=lambda: [2, 4, 8, 16, 32, 64])
    visit_cells: int = 5
    visit_extent: float = 0.004
    time_scale: float = 5.0
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
        ages = self.pose_ages
        whole = all(type(age) is int and 1 <= age <= bounds.HISTORY for age in ages)
        if not whole or sorted(set(ages)) != list(ages):
            raise InputError(
                f"ObservationConfig.pose_ages must be rising whole numbers from 1 to {bounds.HISTORY}, "
                f"got {list(ages)!r:.80}"
            )
        require_positive(self, time_scale=bounds.TIME, visit_extent=bounds.OFFSET[0])
        require_count(self, "visit_cells", most=bounds.CELLS)
        require_count(self, "second_copies", least=0, most=bounds.COPIES)
        require_not_negative(self, second_noise=bounds.RATIO)

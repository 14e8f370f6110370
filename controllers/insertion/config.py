"""Configuration of an insertion, on a robot or in simulation. SI units; vectors of six are x y z rx ry rz."""

from dataclasses import dataclass, field
from typing import Any

from assembly_rl.controllers import bounds
from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.config import AdmittanceConfig
from assembly_rl.controllers.guidance import GuidanceConfig
from assembly_rl.controllers.insertion.action import ActionConfig, ActionKind
from assembly_rl.controllers.insertion.coordinates import CoordinateTransform
from assembly_rl.controllers.insertion.limits import LimitConfig
from assembly_rl.controllers.insertion.observation_config import ObservationConfig
from assembly_rl.controllers.insertion.path import PathConfig
from assembly_rl.controllers.insertion.supervisor_config import SupervisorConfig
from assembly_rl.controllers.insertion.symmetry import SymmetryConfig
from assembly_rl.controllers.validation import AXES, InputError, require_positive

MAX_RATIO = 1e6
"""Largest number of fast periods in a slow one."""


def whole_ratio(fast_name: str, fast: float, slow_name: str, slow: float) -> int:
    """Return the number of fast periods in a slow one; raise a ValueError if it is not an integer."""
    quotient = fast / slow
    ratio = round(quotient) if quotient < MAX_RATIO else 0
    if ratio < 1 or abs(quotient - ratio) > 1e-9:
        raise InputError(
            f"{slow_name} {slow:g} Hz must divide {fast_name} {fast:g} Hz: the ratio is {quotient:g}"
        )
    return ratio


@dataclass
class InsertionConfig:
    """Configuration of a policy's training that a robot needs to run it.

    Attributes:
        policy_rate: Rate of the actions [Hz]; divides the control rate.
        control_rate: Rate of the admittance controller [Hz].
        path: Nominal insertion path.
        admittance: Settings of the admittance controller other than its law.
        action: Meaning of an action.
        observation: Observation of the policy.
        limits: Limits at which an insertion ends.
        coordinates: Matrix A (6, 6) for a part other than that of law, action and observation; see
            ``CoordinateTransform``. Null for none.
        symmetry: Changes of the axes in which the policy sees an insertion that takes long.
        ceiling: Ceiling of the contact wrench.
        base: Guidance that the policy's actions are added to, for actions that are wrenches.
        supervisor: Phases and further attempts, for actions that are wrenches.
    """

    policy_rate: float = 20.0
    control_rate: float = 200.0
    path: PathConfig = field(default_factory=PathConfig)
    admittance: AdmittanceConfig = field(default_factory=AdmittanceConfig)
    action: ActionConfig = field(default_factory=ActionConfig)
    observation: ObservationConfig = field(default_factory=ObservationConfig)
    limits: LimitConfig = field(default_factory=LimitConfig)
    coordinates: Any = None  # rows may mix integers and floats, which Hydra takes for no list of floats
    symmetry: SymmetryConfig = field(default_factory=SymmetryConfig)
    ceiling: CeilingConfig = field(default_factory=CeilingConfig)
    base: GuidanceConfig = field(default_factory=GuidanceConfig)
    supervisor: SupervisorConfig = field(default_factory=SupervisorConfig)

    def __post_init__(self) -> None:
        require_positive(self, policy_rate=bounds.RATE, control_rate=bounds.RATE)
        if self.control_rate < bounds.SMALLEST_RATE:
            raise InputError(f"control_rate must be >= {bounds.SMALLEST_RATE:g} Hz, got {self.control_rate}")
        CoordinateTransform(self.coordinates)
        if self.coordinates is not None and self.action.kind.changes_gains:
            raise InputError(
                f"coordinates go with actions that are wrenches or twists, not with {self.action.kind.name}"
            )
        if self.symmetry.after is not None and self.action.kind.changes_gains:
            raise InputError(
                "symmetry.after goes with actions that are wrenches or twists, not with "
                f"{self.action.kind.name}"
            )
        if self.base.guidance is not None and self.action.kind is not ActionKind.wrench:
            raise InputError(
                f"base.guidance={self.base.guidance} goes with action.kind=wrench, not with "
                f"{self.action.kind.name}"
            )
        if self.supervisor.attempts > 1 and self.action.kind is not ActionKind.wrench:
            raise InputError(
                f"supervisor.attempts={self.supervisor.attempts} goes with action.kind=wrench, not with "
                f"{self.action.kind.name}"
            )
        if self.control_steps() > bounds.POLICY_PERIOD:
            raise InputError(
                f"control_rate {self.control_rate:g} Hz must be at most {bounds.POLICY_PERIOD} times "
                f"policy_rate {self.policy_rate:g} Hz"
            )
        if self.limits.time * self.control_rate > bounds.INSERTION:
            raise InputError(
                f"limits.time {self.limits.time:g} s has more than {bounds.INSERTION} control periods at "
                f"control_rate {self.control_rate:g} Hz: lower the one or the other"
            )
        if self.action.kind is ActionKind.wrench:
            for axis, value, limit in zip(
                AXES, self.action.wrench, self.admittance.reference_limit, strict=True
            ):
                if value > limit:
                    raise InputError(
                        f"action.wrench[{axis}] = {value} exceeds admittance.reference_limit {limit}: "
                        "lower the one or raise the other"
                    )

    def control_steps(self) -> int:
        """Control steps in a policy step."""
        return whole_ratio("control_rate", self.control_rate, "policy_rate", self.policy_rate)

    def policy_steps(self) -> int:
        """Policy steps in the longest episode."""
        return max(1, round(self.limits.time * self.policy_rate))

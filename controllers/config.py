"""Configuration of the admittance controller. SI units; vectors of six are x y z rx ry rz."""

from dataclasses import dataclass, field

from assembly_rl.controllers import bounds
from assembly_rl.controllers.discretization import Discretization
from assembly_rl.controllers.validation import (
    AXES,
    InputError,
    finite_numbers,
    has_length,
    require_not_negative,
    require_positive,
    require_six,
)


def _six(linear: float, angular: float) -> list[float]:
    return [linear] * 3 + [angular] * 3


@dataclass
class SafetyConfig:
    """Reaction to the lack of a usable wrench: hold, then fade, then stop.

    Attributes:
        max_age: Oldest usable wrench [s].
        jitter: Largest deviation of a step's time from the control period, as a share of it.
        hold: Time for which the last usable wrench and reference stay in force [s].
        fade: Time constant with which the motion then comes to rest, and time in which the reference
            fades to the safe one and, once the wrench is back, in again [s].
        stop: Time without a usable wrench after which the controller stops until it is reset [s].
        safe_reference: Reference wrench to fade to [N] and [Nm].
    """

    max_age: float = 0.02
    jitter: float = 0.5
    hold: float = 0.02
    fade: float = 0.1
    stop: float = 0.5
    safe_reference: list[float] = field(default_factory=lambda: [0.0] * 6)

    def __post_init__(self) -> None:
        require_positive(self, max_age=bounds.TIME, jitter=bounds.RATIO, fade=bounds.TIME, stop=bounds.TIME)
        require_not_negative(self, hold=bounds.TIME)
        if self.stop < self.hold:
            raise InputError(f"SafetyConfig.stop must be >= hold = {self.hold} s, got {self.stop}")
        if not finite_numbers(self.safe_reference, 6):
            raise InputError(
                f"SafetyConfig.safe_reference must be six finite numbers, got {self.safe_reference!r}"
            )


@dataclass
class GainConfig:
    """Rates, expiry and energy tank of gain changes while the controller runs.

    Attributes:
        damping_rate: Fastest change of the damping [Ns/m per s] and [Nms/rad per s].
        stiffness_rate: Fastest change of the stiffness [N/m per s] and [Nm/rad per s].
        timeout: Time without another request after which requested gains expire [s]; null for never.
        tank: Capacity of the energy tank that pays for stiffening a loaded spring [J]; null for no gate.
    """

    damping_rate: list[float] = field(default_factory=lambda: _six(50e3, 200.0))
    stiffness_rate: list[float] = field(default_factory=lambda: _six(50e3, 500.0))
    timeout: float | None = None
    tank: float | None = 0.05

    def __post_init__(self) -> None:
        require_six(self, positive=True, damping_rate=bounds.GAIN_RATE, stiffness_rate=bounds.GAIN_RATE)
        if self.timeout is not None:
            require_positive(self, timeout=bounds.TIME)
        if self.tank is not None:
            require_positive(self, tank=bounds.ENERGY)


@dataclass
class AdmittanceConfig:
    """Settings of an admittance controller other than its law and its rate.

    Attributes:
        discretization: Integration method of the law.
        selected_axes: Axes that move; the others stand still.
        cutoff: Cutoff of the first-order low-pass filter of the wrench [Hz]; null for none.
        deadband: Deadband of the wrench [N] and [Nm]; only the excess over it enters, without a jump.
        wrench_limit: Largest wrench that enters the law [N] and [Nm].
        reference_limit: Largest reference wrench [N] and [Nm].
        offset_limit: Largest offset from the nominal pose [m] and [rad].
        speed_limit: Largest speed of the offset [m/s] and [rad/s].
        safety: Reaction to the lack of a usable wrench.
        gains: Rates, expiry and energy tank of gain changes.
    """

    discretization: Discretization = Discretization.implicit_euler
    selected_axes: list[bool] = field(default_factory=lambda: [True] * 6)
    cutoff: float | None = None
    deadband: list[float] = field(default_factory=lambda: _six(0.0, 0.0))
    wrench_limit: list[float] = field(default_factory=lambda: _six(100.0, 10.0))
    reference_limit: list[float] = field(default_factory=lambda: _six(15.0, 0.5))
    offset_limit: list[float] = field(default_factory=lambda: [0.004, 0.004, 0.04, 0.0873, 0.0873, 0.0873])
    speed_limit: list[float] = field(default_factory=lambda: _six(0.25, 2.0))
    safety: SafetyConfig = field(default_factory=SafetyConfig)
    gains: GainConfig = field(default_factory=GainConfig)

    def __post_init__(self) -> None:
        if not isinstance(self.discretization, Discretization):
            known = ", ".join(Discretization.__members__)
            raise InputError(
                f"AdmittanceConfig.discretization must be a Discretization ({known}), "
                f"got {self.discretization!r}"
            )
        require_six(self, deadband=bounds.WRENCH)
        require_six(
            self,
            positive=True,
            wrench_limit=bounds.WRENCH,
            reference_limit=bounds.WRENCH,
            offset_limit=bounds.OFFSET,
            speed_limit=bounds.SPEED,
        )
        for axis, limit, reference, dead in zip(
            AXES, self.wrench_limit, self.reference_limit, self.deadband, strict=True
        ):
            if limit < reference + dead:
                raise InputError(
                    f"AdmittanceConfig.wrench_limit[{axis}] must be >= reference_limit + deadband = "
                    f"{reference + dead}, got {limit}: the clipped wrench "
                    "never reaches the reference, and the law pushes on"
                )
        for axis, safe, limit in zip(AXES, self.safety.safe_reference, self.reference_limit, strict=True):
            if abs(safe) > limit:
                raise InputError(
                    f"SafetyConfig.safe_reference[{axis}] must be within +-{limit} "
                    f"(reference_limit), got {safe}"
                )
        if self.cutoff is not None:
            require_positive(self, cutoff=bounds.RATE)
        if not has_length(self.selected_axes, 6) or not all(
            isinstance(axis, bool) for axis in self.selected_axes
        ):
            raise InputError(
                f"AdmittanceConfig.selected_axes must be six booleans {' '.join(AXES)}, "
                f"got {self.selected_axes!r}"
            )
        if not any(self.selected_axes):
            raise InputError("AdmittanceConfig.selected_axes selects no axis; select at least one")

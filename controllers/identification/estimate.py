"""Results of an identification: values with intervals, and reasons where there is no value."""

from dataclasses import dataclass, fields
from math import inf, isfinite


@dataclass(frozen=True)
class Estimate:
    """Value with its 95 % interval.

    Attributes:
        value: Best value.
        low: Lower end of the interval.
        high: Upper end of the interval, which may be infinite.
    """

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> "Estimate":
        """Return the estimate in another unit, of which a present one is ``factor``."""
        return Estimate(factor * self.value, factor * self.low, factor * self.high)

    def words(self) -> str:
        """Return value and interval as text."""
        return f"{_word(self.value)} ({_word(self.low)} to {_word(self.high)})"


def _word(value: float) -> str:
    return f"{value:.4g}" if isfinite(value) else ("infinite" if value > 0 else "-infinite")


def reciprocal(estimate: Estimate, factor: float = 1.0) -> Estimate:
    """Return ``factor`` over a positive quantity; infinite where its interval contains zero.

    If the interval contains zero, the reciprocal cannot be told from infinity, and that is its value.
    """
    high = factor / estimate.low if estimate.low > 0.0 else inf
    value = factor / estimate.value if high < inf else inf
    return Estimate(value, factor / estimate.high if estimate.high > 0.0 else inf, high)


UNITS = {
    "lag": (1e3, "ms"),
    "delay": (1e3, "ms"),
    "total": (1e3, "ms"),
    "bandwidth": (1.0, "Hz"),
    "damping_ratio": (1.0, ""),
    "sensor_lag": (1e3, "ms"),
    "sensor_delay": (1e3, "ms"),
    "sensor_cutoff": (1.0, "Hz"),
    "tool_mass": (1.0, "kg"),
    "contact_stiffness": (1e-3, "N/mm"),
    "servo_stiffness": (1e-3, "N/mm"),
    "bias": (1.0, "N, Nm"),
    "centre_of_mass": (1e3, "mm"),
}
"""Factor and unit in which each quantity is shown."""


@dataclass(frozen=True)
class Identification:
    """Robot and sensor, as far as a recording tells them; None for what it does not, with ``untold``.

    The robot is ``exp(-delay s) / (1 + lag s + s^2 / omega^2)`` from command to measured pose.

    Attributes:
        lag: Group delay at low frequency beyond the pure delay [s]: 2 zeta / omega, or the time constant.
        delay: Pure delay [s].
        total: Lag plus delay [s]; better known than either.
        bandwidth: Frequency at which the response has fallen by 3 dB [Hz].
        damping_ratio: Damping ratio zeta; infinite for a response that cannot be told from first order.
        sensor_lag: Delay of the wrench behind the measured pose plus time constant of its filter [s].
        sensor_delay: Pure delay of the wrench behind the measured pose [s].
        sensor_cutoff: Cutoff of the sensor's first-order filter [Hz].
        bias: Six estimates of the sensor's bias [N, Nm], with the tool's weight if that is untold.
        tool_mass: Mass on the sensor [kg].
        centre_of_mass: Three estimates of the centre of that mass in the sensor's axes [m].
        contact_stiffness: Stiffness of the surface along the push, measured pose to wrench [N/m].
        servo_stiffness: Stiffness of the robot along the push, command less pose to wrench [N/m].
        untold: Name of a quantity -> reason why the recording does not tell it.
        period: Median time between rows [s].
        interpolated: True if commands were taken as reached linearly in their period, false if as held.
        residual: Root mean square of the pose that the fit leaves, as a share of that of the motion.
    """

    lag: Estimate
    delay: Estimate | None
    total: Estimate
    bandwidth: Estimate
    damping_ratio: Estimate
    sensor_lag: Estimate | None
    sensor_delay: Estimate | None
    sensor_cutoff: Estimate | None
    bias: tuple[Estimate, ...] | None
    tool_mass: Estimate | None
    centre_of_mass: tuple[Estimate, ...] | None
    contact_stiffness: Estimate | None
    servo_stiffness: Estimate | None
    untold: dict[str, str]
    period: float
    interpolated: bool
    residual: float

    def rows(self) -> list[tuple[str, str, str]]:
        """Return name, value with interval or reason, and unit of every quantity."""
        table = []
        for field in fields(self):
            if field.name not in UNITS:
                continue
            factor, unit = UNITS[field.name]
            value = getattr(self, field.name)
            if value is None:
                table.append((field.name, f"untold: {self.untold[field.name]}", ""))
            elif isinstance(value, Estimate):
                table.append((field.name, value.scaled(factor).words(), unit))
            else:
                axes = ("fx", "fy", "fz", "mx", "my", "mz") if field.name == "bias" else ("x", "y", "z")
                units = ("N",) * 3 + ("Nm",) * 3 if field.name == "bias" else (unit,) * 3
                table += [
                    (f"{field.name} {axis}", one.scaled(factor).words(), own)
                    for axis, one, own in zip(axes, value, units, strict=True)
                ]
        return table

"""Robot file from an identification, and what of it belongs to the sensor and to a force ceiling."""

from datetime import date
from math import exp, inf, pi, sqrt

from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.identification import Estimate, Identification


def robot_yaml(found: Identification, source: str, day: date) -> str:
    """Return a file for ``robot=my_robot.yaml``: the intervals of lag and delay, with comments.

    Args:
        found: Identification.
        source: Name of the recording.
        day: Day of the identification.
    """
    lag, delay, stiffness = found.lag, delay_range(found), series_stiffness(found)
    rows = [f"#   {name}: {text}{' ' + unit if unit else ''}" for name, text, unit in found.rows()]
    kind = "reached linearly in its period" if found.interpolated else "held"
    return "\n".join(
        [
            f"# Identified from {source} on {day.isoformat()} by assembly-rl-identify; a command is {kind}.",
            *rows,
            *(f"# Set beside it: {text}" for text in sensor_settings(found) + ceiling_settings(found)),
            *([] if stiffness is None else [f"# Robot and contact in series: {stiffness:.3g} N/m"]),
            "model: floating",
            "response:",
            f"  lag: [{lag.low:.5f}, {lag.high:.5f}]  # s, 95 % interval about {lag.value:.5f}",
            f"  delay: [{delay.low:.5f}, {delay.high:.5f}]  # s, 95 % interval about {delay.value:.5f}",
            "",
        ]
    )


def delay_range(found: Identification) -> Estimate:
    """Return the delay of the simulation's robot, to which commands are reached linearly [s].

    A command that is held is later by half a period than one that is reached linearly is by a whole one; so
    half a period is subtracted. Where the delay is untold, it is what the sum leaves beside the lag.
    """
    if found.delay is None:
        low, high = found.total.low - found.lag.high, found.total.high - found.lag.low
        delay = Estimate(found.total.value - found.lag.value, low, high)
    else:
        delay = found.delay
    shift = 0.0 if found.interpolated else 0.5 * found.period
    value, low, high = (max(0.0, end - shift) for end in (delay.value, delay.low, delay.high))
    return Estimate(value, low, high)


def sensor_settings(found: Identification) -> list[str]:
    """Return the settings of the sensor on the command line, which a robot file does not hold."""
    if found.sensor_lag is None:
        return []
    if found.sensor_delay is not None and found.sensor_cutoff is not None and found.sensor_cutoff.value < inf:
        delay = f"task.sensor.delay={found.sensor_delay.value:.4f}, rounded to control periods"
        return [f"task.sensor.cutoff={found.sensor_cutoff.value:.0f}", delay]
    cutoff = 0.5 / pi / max(found.sensor_lag.high, 1e-4)
    return [f"task.sensor.cutoff={cutoff:.0f}, the sensor's whole lag as a filter, at its longest"]


def series_stiffness(found: Identification) -> float | None:
    """Return the largest stiffness of robot and contact in series [N/m]; None if it is untold."""
    ends = [stiffness.high for stiffness in (found.contact_stiffness, found.servo_stiffness) if stiffness]
    softness = sum(1.0 / end for end in ends)
    return 1.0 / softness if softness > 0.0 else None


def ceiling_settings(found: Identification) -> list[str]:
    """Return the settings of a force ceiling on the command line that a recording tells, at their worst.

    A servo of second order goes on for ``1 / omega`` after a reversal, and overshoots a step by
    ``exp(-pi zeta / sqrt(1 - zeta^2))``. The rotational stiffness is that of contacts within the lever of
    ``CeilingConfig``.
    """
    stopping, ratio = delay_range(found).high, found.damping_ratio.low
    settings = []
    if ratio < inf:
        stopping += found.lag.high / (2.0 * ratio)
    settings.append(f"task.ceiling.stopping_time={stopping:.4f}")
    if ratio < 1.0:
        settings.append(f"task.ceiling.overshoot={exp(-pi * ratio / sqrt(1.0 - ratio * ratio)):.3f}")
    stiffness = series_stiffness(found)
    if stiffness is not None:
        turn = stiffness * CeilingConfig().lever ** 2
        settings.append(f"'task.ceiling.stiffness=[{stiffness:.3g},{turn:.3g}]'")
    return settings

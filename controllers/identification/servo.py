"""Lag and delay of the robot from motion in free space."""

from collections.abc import Sequence
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.identification.channels import coordinates
from assembly_rl.controllers.identification.estimate import Estimate, reciprocal
from assembly_rl.controllers.identification.fit import common_part, concentrated_cost, fit, root_interval
from assembly_rl.controllers.identification.path import CommandPath, Spectrum
from assembly_rl.controllers.identification.recording import MotionRecording
from assembly_rl.controllers.validation import AXES, InputError

Array = NDArray[np.float64]

RECORD = "record the free-space motion of assembly_rl.controllers.identification.Excitation"
SHORTEST = 4.0
"""Shortest free-space motion [s]."""
SMALLEST = (2e-4, 2e-3)
"""Smallest range of a command that is a motion [m] and [rad]."""
FINE, COARSE = 0.002, 0.008
"""Spacings of the grid for the result and for its starting point [s]."""
LARGEST_LAG = 0.6
LARGEST_DELAY = 0.3
MOST_NEGATIVE = 0.96
"""Largest -(a - p) / p, for a damping ratio of 0.1."""
SMALLEST_SQUARE = 4e-10
"""Square of the smallest second pole [s2]."""
APART = 0.01
"""Time [s] after which noise of the pose is forgotten."""
MISFIT = 0.12
"""Share of the motion that may be left unexplained that is no noise."""
GAIN = (0.85, 1.15)
"""Motion over command of a robot that follows."""
RESOLUTION = 0.02
"""Half interval of a time at least, in control periods."""
MOST_UNCERTAIN = 0.3
"""Largest half interval of lag plus delay, as a share of it."""


def coefficients(parameters: Sequence[float] | Array) -> tuple[float, float, float]:
    """Return delay T, and a and b of ``exp(-T s) / (1 + a s + b s^2)``.

    A second pole p is, to first order in p, a delay p: a fit of T, a and b has no gradient at b = 0. With
    the parameters ``T + a``, ``a - p`` and ``p^2``, where ``p = b / a``, it has one.

    Args:
        parameters: ``T + a`` [s], ``a - p`` [s] and ``p^2`` [s^2].
    """
    total, main, square = parameters
    p = sqrt(max(square, SMALLEST_SQUARE))
    first = max(main, -MOST_NEGATIVE * p) + p
    return total - first, first, p * first


def parameters_of(delay: float, first: float, second: float) -> Array:
    """Return the parameters for ``coefficients``."""
    p = second / first
    return np.array([delay + first, first - p, p * p])


def servo_filters(laplace: Spectrum, parameters: Sequence[float] | Array) -> Spectrum:
    """Compute ``exp(-T s) / (1 + a s + b s^2)`` and its derivatives by the parameters, (4, frequencies)."""
    delay, first, second = coefficients(parameters)
    p = second / first
    response = 1.0 / (1.0 + first * laplace + second * laplace**2)
    delayed = response * np.exp(-delay * laplace)
    by_delay = -laplace * delayed
    by_first = by_delay * response
    by_second = laplace * by_first
    by_main = -by_delay + by_first + p * by_second
    return np.stack([delayed, by_delay, by_main, 0.5 / p * (by_main + first * by_second)])


def bounds_of(period: float) -> tuple[Array, Array]:
    """Return the bounds of the parameters."""
    # Commands that act at once are ahead of a linear path; the result is cut at zero.
    return np.array([-1.5 * period, -LARGEST_LAG, 0.0]), np.array([0.9, LARGEST_LAG, LARGEST_LAG**2])


def starting_point(path: CommandPath, times: Array, measured: Array) -> Array:
    """Return the parameters (3,) that a coarse fit finds for a channel, begun at several ones."""
    rows = path.rows(times)
    servos = [
        parameters_of(delay, lag, share * lag**2)
        for lag in (0.002, 0.006, 0.015, 0.035, 0.07, 0.13, 0.22, 0.35)
        for delay in (0.0, 0.015, 0.04)
        for share in (0.03, 0.25, 1.0)
    ]
    filters = np.stack([servo_filters(path.laplace, servo)[0] for servo in servos])
    responses = path.responses(filters, rows)
    costs = [concentrated_cost([response], [measured]) for response in responses]

    def model(parameters: Array) -> list[tuple[Array, Array]]:
        return [(path.responses(servo_filters(path.laplace, parameters.tolist()), rows), none)]

    none = np.zeros((0, len(times)))

    low, high = bounds_of(0.01)
    fits = [
        fit(model, [measured], servos[min(numbers, key=costs.__getitem__)], low, high)
        for numbers in (range(first, len(servos), 3) for first in range(3))
    ]
    return min(fits, key=lambda one: one.cost).values[:3]


class FreeMotion:
    """Fit of a servo to the motion in free space.

    Args:
        recording: Recording.
        interpolated: True for commands that are reached linearly.

    Raises:
        ValueError: The recording is too short, has too little motion, or no servo explains it.

    Attributes:
        fit: Fit of the parameters of ``coefficients``.
        axes: Numbers of the axes that moved.
        friction: Dry friction over the stiffness of the servo, the largest of the linear axes [m].
        residual: Share of the motion that the fit leaves, of the axis that it explains best.
    """

    def __init__(self, recording: MotionRecording, interpolated: bool) -> None:
        used = np.isin(recording.phases, ("rest", "free"))
        period = recording.period
        if used.sum() < 100 or used.sum() * period < SHORTEST:
            raise InputError(
                f"the recording has {used.sum() * period:.3g} s of motion in free space; it is too short: "
                f"{RECORD}, at least {SHORTEST:g} s"
            )
        origin = recording.poses[0]
        commands, poses = coordinates(recording.commands, origin), coordinates(recording.poses, origin)
        self.axes = _moving(commands[:, used], poses[:, used])
        best = int(np.argmax((np.ptp(commands[:, used], axis=1) / np.repeat(SMALLEST, 3))[self.axes]))
        spacing = FINE if interpolated else 0.5 * FINE  # held commands have steps
        paths, rows, measured = [], [], []
        for number, axis in enumerate(self.axes):
            begin, end = _moving_time(recording.times, commands[axis], used)
            near = (recording.times >= begin) & (recording.times <= end)
            own, mask = (recording.times[near], commands[axis, near], period, interpolated), near & used
            paths.append(CommandPath(*own, spacing))
            rows.append(paths[-1].rows(recording.times[mask]))
            measured.append(poses[axis, mask])
            if number == best:
                thin = slice(None, None, max(1, round(0.004 / period)))
                coarse = CommandPath(*own, COARSE)
                start = starting_point(coarse, recording.times[mask][thin], measured[-1][thin])

        def model(parameters: Array) -> list[tuple[Array, Array]]:
            values = parameters.tolist()
            found = []
            for path, own in zip(paths, rows, strict=True):
                filters = servo_filters(path.laplace, values)
                undelayed = filters[:1] * np.exp(coefficients(values)[0] * path.laplace)
                found.append((path.responses(filters, own), path.frictions(filters[0], undelayed, own)))
            return found

        apart = max(1, round(APART / period))
        self.fit = fit(model, measured, start, *bounds_of(period), apart)
        linear = [gain + 1 for gain, axis in zip(self.fit.gains, self.axes, strict=True) if axis < 3]
        self.friction = max((abs(float(self.fit.values[number])) for number in linear), default=0.0)
        motion = [float(own.std()) + 1e-12 for own in measured]
        self.residual = float(self.fit.residuals[best].std()) / motion[best]
        for number, axis in enumerate(self.axes):
            share = sqrt(common_part(self.fit.residuals[number], apart)) / motion[number]
            if share > MISFIT:
                raise InputError(_reason(recording, used, axis, share))
            gain = float(self.fit.values[self.fit.gains[number]])
            if not GAIN[0] <= gain <= GAIN[1]:
                raise InputError(
                    f"the robot moves {gain:.3g} times what is commanded along {AXES[axis]}: commands "
                    "and poses "
                    "must be of the same frame, in metres, and the robot must not be limited or in contact"
                )


def _moving_time(times: Array, command: Array, used: NDArray[np.bool_]) -> tuple[float, float]:
    """Return a time shortly before a command begins to move, and one after the motion has decayed."""
    changes = np.abs(np.diff(command)) > 1e-6 * np.ptp(command[used])
    moves = np.flatnonzero(changes & used[1:])
    return float(times[moves[0]]) - 0.5, float(times[moves[-1]]) + 1.5


def _moving(commands: Array, poses: Array) -> list[int]:
    """Return the axes that were commanded to move, and did."""
    ranges = np.ptp(commands, axis=1)
    largest = np.repeat([ranges[:3].max(), ranges[3:].max()], 3)
    axes = [
        axis
        for axis, smallest in enumerate(np.repeat(SMALLEST, 3).tolist())
        if ranges[axis] > max(smallest, 0.05 * largest[axis])
    ]
    if not axes:
        raise InputError(
            f"the commands in free space move by {1e3 * ranges[:3].max():.2g} mm and "
            f"{ranges[3:].max():.2g} rad; no "
            f"excitation: {RECORD}, a few millimetres from 0.2 to 10 Hz"
        )
    still = [axis for axis in axes if np.ptp(poses[axis]) < 0.1 * ranges[axis]]
    if still:
        raise InputError(
            f"the robot hardly moves along {AXES[still[0]]}, {np.ptp(poses[still[0]]):.2g} for a command of "
            f"{ranges[still[0]]:.2g}: is the measured pose that of the commanded frame, and does the "
            "robot take "
            "the commands?"
        )
    return axes


def _reason(recording: MotionRecording, used: NDArray[np.bool_], axis: int, share: float) -> str:
    """Return why no servo explains the motion: a limit if one shows, else the misfit."""
    measured = coordinates(recording.poses, recording.poses[0])[axis]
    commanded = coordinates(recording.commands, recording.poses[0])[axis]
    window = max(1, round(0.02 / recording.period))
    span = recording.times[window:] - recording.times[:-window]
    inside = used[window:] & used[:-window]
    speed = np.abs((measured[window:] - measured[:-window]) / span)[inside]
    asked = np.abs((commanded[window:] - commanded[:-window]) / span)[inside]
    fast = speed[asked > 0.6 * asked.max()]
    top = float(np.quantile(fast, 0.8))
    name, unit = AXES[axis], "m/s" if axis < 3 else "rad/s"
    if asked.max() > 1.2 * top and (np.abs(fast / top - 1.0) < 0.15).mean() > 0.5:
        return (
            f"the motion along {name} is saturated at {top:.2g} {unit}, and {asked.max():.2g} {unit} was "
            "commanded: record with smaller amplitudes, or raise the limit"
        )
    ends = [(measured[used] >= measured[used].max()).mean(), (measured[used] <= measured[used].min()).mean()]
    if max(ends) > 0.05:
        return (
            f"the motion along {name} is clipped: it stands at its largest or smallest value in "
            f"{max(ends):.0%} of "
            "the rows: record with smaller amplitudes, within the workspace"
        )
    return (
        f"no servo with a delay explains {share:.0%} of the motion along {name}: record in free space, "
        "below the "
        "limits of speed and acceleration, with one clock, and mark contact"
    )


def lag_of(free: FreeMotion, period: float) -> tuple[dict[str, Estimate | None], dict[str, str]]:
    """Return lag, delay, their sum, bandwidth and damping ratio, and reasons for what is untold.

    Args:
        free: Fit to the motion in free space.
        period: Control period [s].

    Raises:
        ValueError: The motion does not tell lag plus delay.
    """
    total = root_interval(free.fit, 2, lambda own: max(0.0, own[0]), 0.5 * RESOLUTION * period)
    half = 0.5 * (total.high - total.low)
    if half > max(MOST_UNCERTAIN * total.value, 0.005):
        raise InputError(
            f"lag plus delay is {1e3 * total.value:.3g} ms within {1e3 * half:.2g} ms: the motion has no "
            f"excitation in the band that is needed: {RECORD}, faster or longer"
        )
    floor = RESOLUTION * period
    told: dict[str, Estimate | None] = {
        "lag": root_interval(free.fit, 2, _lag, floor),
        "delay": root_interval(free.fit, 2, lambda own: max(0.0, coefficients(own)[0]), floor),
        "total": total,
        "bandwidth": reciprocal(
            root_interval(free.fit, 2, lambda own: _slowness(*coefficients(own)[1:])), 0.5 / pi
        ),
        "damping_ratio": reciprocal(root_interval(free.fit, 2, _inverse_damping)),
    }
    untold = {}
    delay = told["delay"]
    assert delay is not None
    width = delay.high - delay.low
    if 0.5 * width > 0.005 + 0.25 * total.value:
        told["delay"] = None
        untold["delay"] = f"it cannot be told from the lag within {1e3 * width:.2g} ms; record faster motion"
    return told, untold


def _lag(parameters: Array) -> float:
    """Return the lag; a robot that is ahead of a linear path by its lead has less than the coefficient."""
    delay, first, _ = coefficients(parameters)
    return max(0.0, first + min(0.0, delay))


def _inverse_damping(parameters: Array) -> float:
    """Return ``1 / zeta``; zero for a servo of first order."""
    _, first, second = coefficients(parameters)
    return 2.0 * sqrt(second) / first if parameters[2] > SMALLEST_SQUARE else 0.0


def _slowness(first: float, second: float) -> float:
    """Return one over the angular frequency at which ``|1 + a s + b s^2|^2`` is two [s]."""
    half = 0.5 * (first * first - 2.0 * second)
    # w^2 = (-half + sqrt(half^2 + b^2)) / b^2, written without cancellation
    return sqrt(max(half + sqrt(half * half + second * second), 0.0))

"""Lag and delay of the robot from motion in free space."""

from math import inf, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.identification.channels import coordinates
from assembly_rl.controllers.identification.estimate import Estimate
from assembly_rl.controllers.identification.fit import Fit, concentrated_cost, fit
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
SMALLEST_DAMPING = 0.05
MISFIT = 0.12
"""Share of the motion that may be left unexplained beyond white noise."""
GAIN = (0.85, 1.15)
"""Motion over command of a robot that follows."""
MOST_UNCERTAIN = 0.3
"""Largest half interval of lag plus delay, as a share of it."""


def servo_filters(laplace: Spectrum, delay: float, first: float, second: float) -> Spectrum:
    """Compute ``exp(-T s) / (1 + a s + b s^2)`` and its derivatives by T, a and b, (4, frequencies)."""
    response = 1.0 / (1.0 + first * laplace + second * laplace**2)
    delayed = response * np.exp(-delay * laplace)
    return np.stack(
        [delayed, -laplace * delayed, -laplace * delayed * response, -(laplace**2) * delayed * response]
    )


def bounds_of(period: float) -> tuple[Array, Array]:
    """Return the bounds of delay, first and second coefficient."""
    # Commands that act at once are ahead of a linear path; the result is cut at zero.
    return np.array([-1.5 * period, 0.0, 0.0]), np.array([LARGEST_DELAY, LARGEST_LAG, 0.1])


def starting_point(path: CommandPath, channel: int, times: Array, measured: Array) -> Array:
    """Return the best of a few servos (3,) for a channel."""
    rows = path.rows(times)
    servos = [
        np.array([delay, lag, share * lag**2])
        for lag in (0.002, 0.006, 0.015, 0.035, 0.07, 0.13, 0.22, 0.35)
        for share in (0.0, 0.25, 1.0)
        for delay in (0.0, 0.015, 0.04)
    ]
    filters = np.stack([servo_filters(path.laplace, *servo)[0] for servo in servos])
    responses = path.responses(channel, filters, rows)
    costs = [concentrated_cost([response], [measured]) for response in responses]
    return servos[int(np.argmin(costs))]


class FreeMotion:
    """Fit of a servo to the motion in free space.

    Args:
        recording: Recording.
        interpolated: True for commands that are reached linearly.

    Raises:
        ValueError: The recording is too short, has too little motion, or no servo explains it.

    Attributes:
        fit: Fit of delay, first and second coefficient.
        axes: Numbers of the axes that moved.
        residual: Share of the motion that the fit leaves, of the axis that it explains best.
    """

    def __init__(self, recording: MotionRecording, interpolated: bool) -> None:
        used = np.isin(recording.phases, ("rest", "free"))
        times, period = recording.times[used], recording.period
        if used.sum() < 100 or used.sum() * period < SHORTEST:
            raise InputError(
                f"the recording has {used.sum() * period:.3g} s of motion in free space; it is too short: "
                f"{RECORD}, at least {SHORTEST:g} s"
            )
        origin = recording.poses[0]
        commands, poses = coordinates(recording.commands, origin), coordinates(recording.poses, origin)
        self.axes = _moving(commands[:, used], poses[:, used])
        commands, measured = commands[self.axes], [poses[axis, used] for axis in self.axes]
        best = int(np.argmax(np.ptp(commands[:, used], axis=1) / np.repeat(SMALLEST, 3)[self.axes]))
        coarse = CommandPath(recording.times, commands, period, interpolated, COARSE)
        thin = slice(None, None, max(1, round(0.004 / period)))
        start = starting_point(coarse, best, times[thin], measured[best][thin])
        path = CommandPath(recording.times, commands, period, interpolated, FINE)
        rows = path.rows(times)

        def model(parameters: Array) -> list[Array]:
            filters = servo_filters(path.laplace, *parameters.tolist())
            return [path.responses(channel, filters, rows) for channel in range(len(measured))]

        self.fit = fit(model, measured, start, *bounds_of(period))
        self._check(recording, used, best)

    def _check(self, recording: MotionRecording, used: NDArray[np.bool_], best: int) -> None:
        """Raise a ValueError if the motion is not that of a servo."""
        result, axis = self.fit, self.axes[best]
        residual, measured = (
            result.residuals[best],
            coordinates(recording.poses, recording.poses[0])[axis, used],
        )
        motion = float(measured.std()) + 1e-12
        # White noise of the sensor is no misfit: what neighbours have in common is.
        common = float(np.mean(residual[1:] * residual[:-1]))
        self.residual = float(residual.std()) / motion
        share = sqrt(max(0.0, common)) / motion
        gain = float(result.values[4 + 2 * best])
        if share > MISFIT:
            raise InputError(_reason(recording, used, axis, share))
        if not GAIN[0] <= gain <= GAIN[1]:
            raise InputError(
                f"the robot moves {gain:.3g} times what is commanded along {AXES[axis]}: commands and poses must "
                "be of the same frame, in metres, and the robot must not be limited or in contact"
            )


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
            f"the commands in free space move by {1e3 * ranges[:3].max():.2g} mm and {ranges[3:].max():.2g} rad; no "
            f"excitation: {RECORD}, a few millimetres from 0.2 to 10 Hz"
        )
    still = [axis for axis in axes if np.ptp(poses[axis]) < 0.1 * ranges[axis]]
    if still:
        raise InputError(
            f"the robot hardly moves along {AXES[still[0]]}, {np.ptp(poses[still[0]]):.2g} for a command of "
            f"{ranges[still[0]]:.2g}: is the measured pose that of the commanded frame, and does the robot take "
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
    top = float(np.quantile(speed, 0.99))
    name, unit = AXES[axis], "m/s" if axis < 3 else "rad/s"
    limited = asked > 1.2 * top
    if limited.mean() > 0.02 and (speed > 0.9 * top).mean() > 0.03:
        return (
            f"the motion along {name} is saturated at {top:.3g} {unit}, and {asked.max():.3g} {unit} was commanded: "
            "record with smaller amplitudes, or raise the limit"
        )
    ends = [(measured[used] >= measured[used].max()).mean(), (measured[used] <= measured[used].min()).mean()]
    if max(ends) > 0.05:
        return (
            f"the motion along {name} is clipped: it stands at its largest or smallest value in {max(ends):.0%} of "
            "the rows: record with smaller amplitudes, within the workspace"
        )
    return (
        f"no servo with a delay explains {share:.0%} of the motion along {name}: record in free space, below the "
        "limits of speed and acceleration, with one clock, and mark contact"
    )


def lag_of(free: FreeMotion) -> tuple[dict[str, Estimate | None], dict[str, str]]:
    """Return lag, delay, their sum, bandwidth and damping ratio, and reasons for what is untold.

    Raises:
        ValueError: The motion does not tell lag plus delay.
    """
    result = free.fit
    total = result.estimate(lambda v: v[0] + v[1], 0.0)
    half = 0.5 * (total.high - total.low)
    if half > max(MOST_UNCERTAIN * total.value, 0.005):
        raise InputError(
            f"lag plus delay is {1e3 * total.value:.3g} ms within {1e3 * half:.2g} ms: the motion has no excitation "
            f"in the band that is needed: {RECORD}, faster or longer"
        )
    lag, delay = result.estimate(lambda v: v[1], 0.0), result.estimate(lambda v: v[0], 0.0)
    ratio = result.estimate(lambda v: v[2] / max(v[1], 1e-9) ** 2, 0.0)
    told: dict[str, Estimate | None] = {
        "lag": lag,
        "delay": delay,
        "total": total,
        "bandwidth": _bandwidth(result),
        "damping_ratio": _damping_ratio(ratio),
    }
    untold = {}
    if 0.5 * (delay.high - delay.low) > 0.005 + 0.25 * total.value:
        told["delay"] = None
        untold["delay"] = (
            f"it cannot be told from the lag within {1e3 * (delay.high - delay.low):.2g} ms; record faster motion"
        )
    return told, untold


def _damping_ratio(ratio: Estimate) -> Estimate:
    """Return zeta from ``1 / (4 zeta^2)``."""
    ends = [0.5 / sqrt(end) if end > 1e-6 else inf for end in (ratio.value, ratio.high, ratio.low)]
    return Estimate(inf if ends[2] == inf else ends[0], ends[1], ends[2])


def _bandwidth(result: Fit) -> Estimate:
    """Return the frequency at which ``|1 + a s + b s^2|^2`` is two [Hz]; infinite without lag."""

    def slowness(values: Array) -> float:
        a, b = max(values[1], 0.0), max(values[2], 0.0)
        half = 0.5 * (a * a - 2.0 * b)
        # w^2 = (-half + sqrt(half^2 + b^2)) / b^2, written without cancellation
        root = half + sqrt(half * half + b * b)
        return sqrt(max(root, 0.0))

    slow = result.estimate(slowness, 0.0)
    ends = [1.0 / (2.0 * pi * end) if end > 1e-9 else inf for end in (slow.value, slow.high, slow.low)]
    return Estimate(*ends)

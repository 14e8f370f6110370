"""Sensor and stiffnesses from pushes on a surface."""

from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.identification.channels import rotations
from assembly_rl.controllers.identification.estimate import Estimate, reciprocal
from assembly_rl.controllers.identification.fit import NORMAL, Fit, fit, root_interval
from assembly_rl.controllers.identification.path import CommandPath, Spectrum
from assembly_rl.controllers.identification.recording import MotionRecording
from assembly_rl.controllers.identification.servo import (
    APART,
    FINE,
    RESOLUTION,
    SMALLEST_SQUARE,
    bounds_of,
    servo_filters,
)
from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]

PUSH = "push slowly on something rigid, between two forces, as Excitation does"
SHORTEST = 2.0
"""Shortest contact [s]."""
SMALLEST_FORCE = 1.0
"""Smallest range of the force of a push [N]."""
SENSOR = (0.3, 0.04)
"""Upper bounds of ``T + tau`` [s] and ``tau^2`` [s^2] of the sensor."""
SMOOTH = 0.02
"""Width of the mean over the pose that the fit leaves [s]."""
BEFORE = 3.0
"""Time before the contact from which commands are taken into account [s]."""
SETTLE = 4.0
"""Lags after which the beginning of a contact has decayed."""
CLIPPED = 0.1
"""Share of the rows at its largest value from which a wrench is taken as clipped."""


def sensor_filters(laplace: Spectrum, total: float, square: float) -> Spectrum:
    """Compute ``exp(-T s) / (1 + tau s)`` and its derivatives by ``T + tau`` and ``tau^2``, (3, frequencies).

    A fast filter is like a delay; with these parameters, both are regular.
    """
    lag = sqrt(max(square, SMALLEST_SQUARE))
    response = 1.0 / (1.0 + lag * laplace)
    delayed = response * np.exp((lag - total) * laplace)
    by_delay = -laplace * delayed
    return np.stack([delayed, by_delay, 0.5 / lag * (by_delay * response - by_delay)])


class Contact:
    """Fit of robot, surface and sensor to pushes.

    Measured pose and wrench are both fitted as responses to the command, so that noise of the pose does not
    bias the stiffness. Along the push, the pose is ``gain G(s) u`` and the force ``-K gain G(s) H(s) u``; at
    rest the gain is servo / (servo + surface stiffness).

    Args:
        recording: Recording.
        interpolated: True for commands that are reached linearly.
        servo: Parameters (3,) of the robot in free space, to begin with.

    Raises:
        ValueError: The contact is too short, its wrench constant or clipped, or the tool does not move.

    Attributes:
        fit: Fit of the parameters of the servo in contact, and of ``sensor_filters``.
        sensor: Fit of the latter alone.
        stroke: Range of the command [m].
        quantum: Resolution of the pose [m]; zero if it does not show.
    """

    def __init__(self, recording: MotionRecording, interpolated: bool, servo: Array) -> None:
        used = _settled(recording, servo)
        seconds = used.sum() * recording.period
        if seconds < SHORTEST:
            raise InputError(
                f"the contact lasts {seconds:.3g} s after its beginning; {PUSH}, for {SHORTEST:g} s or more"
            )
        _require_unclipped(recording, used)
        direction = _direction(recording.commands[used, :3])
        forces = np.einsum("nij,nj->ni", rotations(recording.poses), recording.wrenches[:, :3]) @ direction
        swing = np.quantile(forces[used], 0.98) - np.quantile(forces[used], 0.02)
        noise = float(np.std(np.diff(forces[used]))) / 2**0.5
        if swing < max(SMALLEST_FORCE, 4.0 * noise):
            raise InputError(
                f"the force is constant in contact, within {swing:.2g} N: {PUSH}, at least "
                f"{SMALLEST_FORCE:g} N apart"
            )
        origin = recording.poses[0, :3]
        commands = (recording.commands[:, :3] - origin) @ direction
        measured = [((recording.poses[:, :3] - origin) @ direction)[used], forces[used]]
        times = recording.times[used]
        near = (recording.times >= times[0] - BEFORE) & (recording.times <= times[-1])
        path = CommandPath(recording.times[near], commands[near], recording.period, interpolated, FINE)
        rows, none = path.rows(times), np.zeros((0, len(times)))

        def model(parameters: Array) -> list[tuple[Array, Array]]:
            *servo, total, square = parameters.tolist()
            own = servo_filters(path.laplace, servo)
            sensor = sensor_filters(path.laplace, total, square)
            both = np.concatenate([own * sensor[0], own[0] * sensor[1:]])
            pose = path.responses(own, rows)
            pose = np.concatenate([pose, np.zeros((2, pose.shape[1]))])
            return [(pose, none), (path.responses(both, rows), none)]

        low, high = bounds_of(recording.period)
        low, high = np.append(low, [-recording.period, 0.0]), np.append(high, SENSOR)
        starts = [np.append(servo, [lag, 0.25 * lag**2]) for lag in (0.005, 0.04)]
        apart = max(1, round(APART / recording.period))
        fits = [fit(model, measured, start, low, high, apart) for start in starts]
        self.fit: Fit = min(fits, key=lambda one: one.cost)
        self.stroke = float(np.ptp(commands[used]))
        self.quantum = _quantum(measured[0])
        self.sensor = _sensor(times, measured, self.fit, recording.period)


def _sensor(times: Array, measured: list[Array], both: Fit, period: float) -> Fit:
    """Fit the sensor from pose to force.

    The pose is the fitted one, and what is left of it without the sensor's noise: its mean over some
    hundredths of a second, which contains friction, for example.
    """
    residual = both.residuals[0]
    width = max(1, round(SMOOTH / period))
    kernel = np.exp(-0.5 * (np.arange(-2 * width, 2 * width + 1) / width) ** 2)
    ends = np.pad(residual, 2 * width, mode="edge")
    pose = measured[0] - residual + np.convolve(ends, kernel / kernel.sum(), mode="valid")
    path = CommandPath(times - period, pose, period, True, FINE)
    inside = times > times[0] + 0.3
    rows, none = path.rows(times[inside]), np.zeros((0, int(inside.sum())))

    def model(parameters: Array) -> list[tuple[Array, Array]]:
        return [(path.responses(sensor_filters(path.laplace, *parameters.tolist()), rows), none)]

    start = both.values[3:5]
    low, high = np.array([-period, 0.0]), np.array(SENSOR)
    return fit(model, [measured[1][inside]], start, low, high, max(1, round(APART / period)))


def _quantum(values: Array) -> float:
    """Return the resolution of measured values; zero if it does not show."""
    steps = np.unique(np.round(values, 9))
    return float(np.diff(steps).min()) if 1 < len(steps) < 0.1 * len(values) else 0.0


def _settled(recording: MotionRecording, servo: Array) -> NDArray[np.bool_]:
    """Return the rows in contact whose beginning has decayed."""
    contact = recording.phases == "contact"
    wait = min(1.0, SETTLE * float(servo[0]) + 0.1)
    begins = np.flatnonzero(contact & ~np.concatenate([[False], contact[:-1]]))
    for begin in begins:
        contact &= (recording.times < recording.times[begin]) | (
            recording.times > recording.times[begin] + wait
        )
    return contact


def _direction(positions: Array) -> Array:
    """Return the direction of the largest motion, a unit vector (3,)."""
    centred = positions - positions.mean(axis=0)
    if np.abs(centred).max() < 1e-7:
        raise InputError(f"the command stands still in contact: {PUSH}")
    vector = np.linalg.svd(centred, full_matrices=False)[2][0]
    return vector * np.sign(vector[np.argmax(np.abs(vector))])


def _require_unclipped(recording: MotionRecording, used: NDArray[np.bool_]) -> None:
    """Raise a ValueError for a force that stands at an end of its range while command and pose move."""
    paths = recording.commands[used, :3], recording.poses[used, :3]
    for axis, values in zip(("fx", "fy", "fz"), recording.wrenches[used, :3].T, strict=True):
        if np.ptp(values) < SMALLEST_FORCE:
            continue
        for end in (values.max(), values.min()):
            there = values == end
            if there.mean() > CLIPPED and all(_moves(path, there) for path in paths):
                raise InputError(
                    f"{axis} is saturated at {end:.4g} N in {there.mean():.0%} of the contact: push with "
                    "less force "
                    "than the sensor's range"
                )


def _moves(path: Array, rows: NDArray[np.bool_]) -> bool:
    """Return True if positions (n, 3) differ among rows, in proportion to their whole range."""
    moved = np.subtract(*np.quantile(path[rows], [0.8, 0.2], axis=0))
    return bool(np.linalg.norm(moved) > 0.2 * np.linalg.norm(np.ptp(path, axis=0)))


def contact_of(
    contact: Contact, friction: float, period: float
) -> tuple[dict[str, Estimate | None], dict[str, str]]:
    """Return what pushes tell of sensor and stiffnesses, and reasons for what is untold.

    Args:
        contact: Fit to the pushes.
        friction: Dry friction over the stiffness of the servo [m], which looks like softness.
        period: Control period [s].
    """
    result = contact.fit
    pose, force = result.gains
    if result.values[force] >= 0.0:
        reason = (
            "the force does not oppose the push: the wrench must be what the environment applies to the "
            "tool, in "
            "the axes of the measured flange; negate it, or mark contact better"
        )
        names = ("contact_stiffness", "servo_stiffness", "sensor_lag", "sensor_delay", "sensor_cutoff")
        return dict.fromkeys(names), dict.fromkeys(names, reason)
    # A pose that is rounded at two levels is uncertain by the root of a sixth of its resolution.
    rounding = NORMAL * contact.quantum / sqrt(6.0) / contact.stroke / -float(result.values[force])
    loss = 2.0 * friction / contact.stroke / -float(result.values[force])
    softness = _widened(result.estimate(lambda v: v[pose] / -v[force]), rounding, rounding)
    servo = _widened(result.estimate(lambda v: (1.0 - v[pose]) / -v[force]), rounding + loss, rounding)
    told: dict[str, Estimate | None] = {
        "contact_stiffness": reciprocal(softness),
        "servo_stiffness": reciprocal(servo),
    }
    untold: dict[str, str] = {}
    floor = RESOLUTION * period
    total = root_interval(contact.sensor, 1, lambda v: max(0.0, v[0]), floor)
    delay = root_interval(contact.sensor, 1, lambda v: max(0.0, v[0] - sqrt(max(v[1], 0.0))), floor)
    lag = root_interval(contact.sensor, 1, lambda v: sqrt(max(v[1], 0.0)))
    told |= {"sensor_lag": total, "sensor_delay": delay, "sensor_cutoff": reciprocal(lag, 0.5 / pi)}
    width = total.high - total.low
    if width > 0.02 + total.value:
        told["sensor_lag"] = None
        untold["sensor_lag"] = f"it is uncertain by {1e3 * width:.2g} ms; push in steps, for longer"
    if delay.high - delay.low > 0.01 + 0.5 * total.value or told["sensor_lag"] is None:
        told["sensor_delay"] = told["sensor_cutoff"] = None
        untold["sensor_delay"] = untold["sensor_cutoff"] = (
            "delay and filter of the sensor cannot be told apart by pushes this slow; sensor_lag is their sum"
        )
    return told, untold


def _widened(estimate: Estimate, below: float, above: float) -> Estimate:
    """Return an estimate with a wider interval."""
    return Estimate(estimate.value, estimate.low - below, estimate.high + above)

"""Sensor and stiffnesses from pushes on a surface."""

from math import pi

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.identification.channels import rotations
from assembly_rl.controllers.identification.estimate import Estimate, reciprocal
from assembly_rl.controllers.identification.fit import Fit, fit
from assembly_rl.controllers.identification.path import CommandPath, Spectrum
from assembly_rl.controllers.identification.recording import MotionRecording
from assembly_rl.controllers.identification.servo import APART, FINE, bounds_of, coefficients, servo_filters
from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]

PUSH = "push slowly on something rigid, between two forces, as Excitation does"
SHORTEST = 2.0
"""Shortest contact [s]."""
SMALLEST_FORCE = 1.0
"""Smallest range of the force of a push [N]."""
LARGEST_SENSOR_LAG = 0.2
BEFORE = 3.0
"""Time before the contact from which commands are taken into account [s]."""
SETTLE = 4.0
"""Lags after which the beginning of a contact has decayed."""
CLIPPED = 0.05
"""Share of the rows at its largest value from which a wrench is taken as clipped."""


def sensor_filters(laplace: Spectrum, delay: float, lag: float) -> Spectrum:
    """Compute ``exp(-T s) / (1 + tau s)`` and its derivatives by T and tau, (3, frequencies)."""
    response = 1.0 / (1.0 + lag * laplace)
    delayed = response * np.exp(-delay * laplace)
    return np.stack([delayed, -laplace * delayed, -laplace * response * delayed])


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
        fit: Fit of the servo in contact, then delay and time constant of the sensor.
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
                f"the force is constant in contact, within {swing:.2g} N: {PUSH}, at least {SMALLEST_FORCE:g} N apart"
            )
        origin = recording.poses[0, :3]
        commands = (recording.commands[:, :3] - origin) @ direction
        measured = [((recording.poses[:, :3] - origin) @ direction)[used], forces[used]]
        times = recording.times[used]
        near = (recording.times >= times[0] - BEFORE) & (recording.times <= times[-1])
        path = CommandPath(recording.times[near], commands[near], recording.period, interpolated, FINE)
        rows = path.rows(times)

        def model(parameters: Array) -> list[tuple[Array, Array]]:
            *servo, sensor_delay, sensor_lag = parameters.tolist()
            own = servo_filters(path.laplace, servo)
            sensor = sensor_filters(path.laplace, sensor_delay, sensor_lag)
            both = np.concatenate([own * sensor[0], own[0] * sensor[1:]])
            pose = path.responses(own, rows)
            pose = np.concatenate([pose, np.zeros((2, pose.shape[1]))])
            undelayed = own[0] * np.exp(coefficients(servo)[0] * path.laplace)
            frictions = path.frictions(own[0], np.stack([undelayed, undelayed * sensor[0]]), rows)
            return [(pose, frictions[:1]), (path.responses(both, rows), frictions[1:])]

        low, high = bounds_of(recording.period)
        low = np.concatenate([low, [-recording.period, 0.0]])
        high = np.concatenate([high, [LARGEST_SENSOR_LAG, LARGEST_SENSOR_LAG]])
        starts = [np.concatenate([servo, own]) for own in ([0.001, 0.004], [0.02, 0.02])]
        apart = max(1, round(APART / recording.period))
        fits = [fit(model, measured, start, low, high, apart) for start in starts]
        self.fit: Fit = min(fits, key=lambda one: one.cost)


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
    """Raise a ValueError for a force that stands at an end of its range while the command moves."""
    commands = recording.commands[used, :3]
    for axis, values in zip(("fx", "fy", "fz"), recording.wrenches[used, :3].T, strict=True):
        swing = np.ptp(values)
        if swing < SMALLEST_FORCE:
            continue
        for end in (values.max(), values.min()):
            there = values == end
            moved = np.subtract(*np.quantile(commands[there], [0.8, 0.2], axis=0))
            if there.mean() > CLIPPED and np.linalg.norm(moved) > 0.1 * np.linalg.norm(
                np.ptp(commands, axis=0)
            ):
                raise InputError(
                    f"{axis} is saturated at {end:.4g} N in {there.mean():.0%} of the contact: push with less force "
                    "than the sensor's range"
                )


def contact_of(contact: Contact) -> tuple[dict[str, Estimate | None], dict[str, str]]:
    """Return what pushes tell of sensor and stiffnesses, and reasons for what is untold."""
    result = contact.fit
    told: dict[str, Estimate | None] = {}
    untold: dict[str, str] = {}
    pose, force = result.gains
    softness = result.estimate(lambda v: v[pose] / -v[force], 0.0)
    servo = result.estimate(lambda v: (1.0 - v[pose]) / -v[force])
    if result.values[force] >= 0.0:
        reason = (
            "the force does not oppose the push: the wrench must be what the environment applies to the tool, in the "
            "axes of the measured flange; negate it, or mark contact better"
        )
        names = ("contact_stiffness", "servo_stiffness", "sensor_lag", "sensor_delay", "sensor_cutoff")
        return dict.fromkeys(names), dict.fromkeys(names, reason)
    told["contact_stiffness"] = reciprocal(softness)
    told["servo_stiffness"] = reciprocal(servo)
    total = result.estimate(lambda v: v[3] + v[4], 0.0)
    delay, lag = result.estimate(lambda v: v[3], 0.0), result.estimate(lambda v: v[4], 0.0)
    told["sensor_lag"], told["sensor_delay"] = total, delay
    told["sensor_cutoff"] = reciprocal(lag, 0.5 / pi)
    if total.high - total.low > 0.02 + total.value:
        told["sensor_lag"] = None
        untold["sensor_lag"] = (
            f"it is uncertain by {1e3 * (total.high - total.low):.2g} ms; push in steps, for longer"
        )
    if delay.high - delay.low > 0.01 + 0.5 * total.value or told["sensor_lag"] is None:
        told["sensor_delay"] = told["sensor_cutoff"] = None
        untold["sensor_delay"] = untold["sensor_cutoff"] = (
            "delay and filter of the sensor cannot be told apart by pushes this slow; sensor_lag is their sum"
        )
    return told, untold

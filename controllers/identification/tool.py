"""Bias of the wrench and mass of the tool, from readings in free space."""

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.identification.channels import coordinates, rotations
from assembly_rl.controllers.identification.estimate import Estimate
from assembly_rl.controllers.identification.fit import NORMAL, spectral_meat
from assembly_rl.controllers.identification.recording import MotionRecording

Array = NDArray[np.float64]

FEWEST = 50
"""Fewest rows at rest."""
STILL = (0.002, 0.02)
"""Fastest command of a robot at rest [m/s, rad/s]."""
SETTLED = 0.3
"""Time [s] for which it has stood still."""
SMALLEST_TILT = 0.05
"""Smallest change of gravity's direction in the sensor's axes [rad]."""
SMALLEST_MASS = 0.02
"""Mass [kg] below which its centre is not told."""


def tool_of(
    recording: MotionRecording, gravity: Array
) -> tuple[dict[str, Estimate | None | tuple[Estimate, ...]], dict[str, str]]:
    """Return bias, mass and centre of mass, and reasons for what is untold.

    The reading at rest is ``f = R^T m g + b`` and ``tau = c x R^T m g + b``, linear in m, m c and b.

    Args:
        recording: Recording.
        gravity: Gravity in the robot's base frame (3,) [m/s2].
    """
    rows = _at_rest(recording)
    if rows.sum() < FEWEST:
        reason = f"the robot stands still in free space for {rows.sum()} rows: record a second at rest"
        names = ("bias", "tool_mass", "centre_of_mass")
        return dict.fromkeys(names), dict.fromkeys(names, reason)
    weights = np.einsum("nij,i->nj", rotations(recording.poses[rows]), gravity)
    wrenches = recording.wrenches[rows]
    directions = weights / np.linalg.norm(gravity)
    tilt = float(np.linalg.norm(directions - directions.mean(axis=0), axis=1).max())
    if tilt < SMALLEST_TILT:
        ones = np.ones((len(wrenches), 1))
        bias = tuple(_regression(ones, wrenches[:, [axis]])[0] for axis in range(6))
        reason = (
            f"gravity turns by {np.degrees(tilt):.2g} degrees only in the sensor's axes; stand still in "
            "several "
            "orientations, ten degrees apart or more"
        )
        return {"bias": bias, "tool_mass": None, "centre_of_mass": None}, {
            "tool_mass": f"{reason}; the bias contains the tool's weight",
            "centre_of_mass": reason,
        }
    # Force: unknowns m and three biases. Moment: m c (three) and three biases.
    count = len(weights)
    force = np.zeros((3 * count, 4))
    force[:, 0] = weights.T.ravel()
    moment = np.zeros((3 * count, 6))
    for axis, (x, y) in enumerate(((1, 2), (2, 0), (0, 1))):
        own = slice(axis * count, (axis + 1) * count)
        force[own, 1 + axis] = 1.0
        moment[own, x], moment[own, y] = weights[:, y], -weights[:, x]
        moment[own, 3 + axis] = 1.0
    forces = _regression(force, wrenches[:, :3].T.reshape(-1, 1))
    moments = _regression(moment, wrenches[:, 3:].T.reshape(-1, 1))
    mass = forces[0]
    bias = (*forces[1:], *moments[3:])
    centre = None
    untold = {}
    if mass.low < SMALLEST_MASS:
        untold["centre_of_mass"] = f"the mass is {mass.words()} kg: there is too little to have a centre"
    else:
        centre = tuple(one.scaled(1.0 / mass.value) for one in moments[:3])
    return {"bias": bias, "tool_mass": mass, "centre_of_mass": centre}, untold


def _at_rest(recording: MotionRecording) -> NDArray[np.bool_]:
    """Return the rows in free space before which the command has stood still."""
    motion = coordinates(recording.commands, recording.commands[0])
    speeds = np.abs(np.diff(motion, axis=1)) / np.diff(recording.times)
    limits = np.repeat(STILL, 3)[:, None]
    moving = np.concatenate([[False], (speeds > limits).any(axis=0)])
    latest = np.maximum.accumulate(np.where(moving, recording.times, recording.times[0] - SETTLED))
    return (recording.times - latest >= SETTLED) & np.isin(recording.phases, ("rest", "free"))


def _regression(matrix: Array, values: Array) -> list[Estimate]:
    """Return least-squares estimates, with intervals for correlated residuals."""
    target = values[:, 0]
    inverse = np.linalg.pinv(matrix.T @ matrix)
    found = inverse @ matrix.T @ target
    covariance = inverse @ spectral_meat(matrix.T, target - matrix @ found) @ inverse
    halves = NORMAL * np.sqrt(np.maximum(np.diag(covariance), 0.0))
    pairs = zip(found.tolist(), halves.tolist(), strict=True)
    return [Estimate(value, value - half, value + half) for value, half in pairs]

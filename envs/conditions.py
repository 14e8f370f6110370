"""Randomised conditions of an episode, drawn at reset."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, exp, floor, log, pi, sin, sqrt

import numpy as np

from assembly_rl.controllers.se3 import Quaternion, Vector, quat_exp, quat_log
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.config import PoseErrorConfig, RandomizationConfig
from assembly_rl.envs.robots import ResponseConfig, ResponseParameters

CLEARANCE_STEP = 1e-5
"""Step of randomised clearances [m], which limits the number of meshes."""


@dataclass(frozen=True)
class Conditions:
    """Conditions of one episode.

    Attributes:
        estimate_position: Origin of the estimated hole frame in the hole frame [m].
        estimate_rotation: Orientation of the estimated hole frame in the hole frame (xyzw).
        start_position: Position of the tip at the start relative to the nominal start, estimated frame [m].
        start_rotation: Orientation of the tip at the start in the estimated frame (xyzw).
        friction: Coefficient of friction.
        clearance: Clearance [m]; None for that of the part.
        sensor: Factor on the sensor's noise and bias.
        gains: Factor on the law's damping.
        response: Response of the robot to its commands.
    """

    estimate_position: Vector
    estimate_rotation: Quaternion
    start_position: Vector
    start_rotation: Quaternion
    friction: float
    clearance: float | None
    sensor: float
    gains: float
    response: ResponseParameters

    @property
    def start_offset(self) -> list[float]:
        """Start as an offset (6,) [m, rad], rounded to a nanometre."""
        return [round(value, 9) for value in (*self.start_position, *quat_log(self.start_rotation))]


def clearance_grid(bounds: Sequence[float]) -> list[float]:
    """Return the multiples of ``CLEARANCE_STEP`` within [low, high] [m]; empty without bounds.

    Raises:
        ValueError: The range contains no such multiple.
    """
    if not len(bounds):
        return []
    low, high = (bound / CLEARANCE_STEP for bound in bounds)
    grid = [CLEARANCE_STEP * number for number in range(ceil(low - 1e-6), floor(high + 1e-6) + 1)]
    if not grid:
        raise InputError(
            f"randomization.clearance {list(bounds)} m holds no multiple of {CLEARANCE_STEP} m: widen it"
        )
    return grid


def draw_conditions(
    ranges: RandomizationConfig,
    response: ResponseConfig,
    clearances: Sequence[float],
    rng: np.random.Generator,
) -> Conditions:
    """Draw the conditions of an episode.

    Args:
        ranges: Ranges of the conditions; a range with a single value also consumes a draw.
        response: Ranges of the robot's response; here one with a single value consumes none.
        clearances: Possible clearances [m]; empty for that of the part.
        rng: Random generator.
    """
    estimate = _draw_pose_error(ranges.hole_estimate, rng)
    start = _draw_pose_error(ranges.start_pose, rng)
    friction = _uniform(ranges.friction, rng)
    sensor, gains = _log_uniform(ranges.sensor, rng), _log_uniform(ranges.gains, rng)
    clearance = clearances[int(rng.integers(len(clearances)))] if len(clearances) else None
    return Conditions(*estimate, *start, friction, clearance, sensor, gains, response.draw(rng))


def _draw_pose_error(ranges: PoseErrorConfig, rng: np.random.Generator) -> tuple[Vector, Quaternion]:
    lateral, tilt = ranges.lateral * sqrt(rng.random()), ranges.tilt * sqrt(rng.random())
    direction, axis = 2.0 * pi * rng.random(), 2.0 * pi * rng.random()
    height = _uniform((-ranges.height, ranges.height), rng)
    yaw = _uniform((-ranges.yaw, ranges.yaw), rng)
    position = (lateral * cos(direction), lateral * sin(direction), height)
    return position, quat_exp((tilt * cos(axis), tilt * sin(axis), yaw))


def _uniform(bounds: Sequence[float], rng: np.random.Generator) -> float:
    low, high = bounds
    return float(rng.uniform(low, high))


def _log_uniform(bounds: Sequence[float], rng: np.random.Generator) -> float:
    return exp(_uniform((log(bounds[0]), log(bounds[1])), rng))

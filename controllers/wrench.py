"""Contact wrench at the compliance centre from the readings of a force-torque sensor."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite, nan

import numpy as np
from numpy.typing import ArrayLike

from assembly_rl.controllers import bounds
from assembly_rl.controllers.se3 import (
    IDENTITY,
    Matrix3,
    Quaternion,
    Vector,
    checked_pose,
    move_moment,
    normalized,
    rotate,
    rotate_back,
    rotation_matrix,
)
from assembly_rl.controllers.serialization import copied
from assembly_rl.controllers.validation import (
    AXES,
    InputError,
    entries,
    finite_numbers,
    plain,
    require_not_negative,
    require_vector,
)

Wrench = tuple[float, float, float, float, float, float]

NOT_A_WRENCH: Wrench = (nan,) * 6


@dataclass
class ToolConfig:
    """Tool mounted on the sensor; all vectors in the sensor's axes, from its origin.

    Attributes:
        centre: Compliance centre [m].
        mass: Mass of everything on the far side of the sensor [kg].
        centre_of_mass: Centre of that mass [m].
    """

    centre: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    mass: float = 0.0
    centre_of_mass: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def __post_init__(self) -> None:
        require_not_negative(self, mass=bounds.MASS)
        for name in ("centre", "centre_of_mass"):
            require_vector(f"ToolConfig.{name}", getattr(self, name), bounds.LENGTH)


class ContactWrench:
    """Conversion of sensor readings to the contact wrench at the compliance centre, in its axes.

    Bias and tool weight are subtracted first. A reading is the wrench (force [N], moment [Nm]) that the
    ENVIRONMENT and gravity apply to the tool, about the sensor's origin, in the sensor's axes. If yours has
    the other sign, negate it first.

    About a centre at p from the sensor the moment is ``m - p x f``. Unusable input (a reading of another
    length, a NaN, a quaternion that is not unit) gives NaN, which the controller flags.

    Args:
        tool: Compliance centre, and mass of the tool on the sensor.
        gravity: Acceleration of gravity in the compliance frame [m/s2]; with z up (0, 0, -9.81).

    Raises:
        ValueError: A gravity that is not three finite numbers.
    """

    def __init__(self, tool: ToolConfig, gravity: Sequence[float] = (0.0, 0.0, -9.81)) -> None:
        tool = copied(tool)
        x, y, z = map(float, tool.centre)
        self._arm: Vector = (-x, -y, -z)  # from the compliance centre to the sensor
        mx, my, mz = map(float, tool.centre_of_mass)
        self._centre_of_mass: Vector = (mx, my, mz)
        self._mass = float(tool.mass)
        self._weightless = tool.mass == 0.0
        self.turn_gravity(gravity)
        self._bias: Wrench = (0.0,) * 6

    def turn_gravity(self, gravity: Sequence[float]) -> None:
        """Set the gravity vector in a new compliance frame [m/s2].

        Raises:
            ValueError: A gravity that is not three finite numbers.
        """
        require_vector("gravity", gravity, bounds.GRAVITY)
        x, y, z = map(float, gravity)
        self._weight: Vector = (self._mass * x, self._mass * y, self._mass * z)

    def tare(self, readings: ArrayLike, rotation: Quaternion = IDENTITY) -> Wrench:
        """Set the sensor's bias to the mean of readings in free space, less the tool's weight.

        Args:
            readings: Readings of the tool at rest and not in contact, shape (n, 6), N and Nm.
            rotation: Orientation q_cs of the sensor's axes in the compliance frame, xyzw.

        Returns:
            Bias [N, Nm], in force from now on.

        Raises:
            ValueError: Readings that are none, of another shape or not finite, or not a unit quaternion.
        """
        samples = np.array(readings, dtype=np.float64)
        if samples.ndim != 2 or samples.shape[1] != 6 or not len(samples):
            raise InputError(f"readings must have shape (n, 6) with n >= 1, got {samples.shape}")
        if not np.isfinite(samples).all():
            raise InputError(
                f"readings must be finite; reading {np.argwhere(~np.isfinite(samples))[0][0]} is not"
            )
        rotation = checked_pose("rotation", ((0.0, 0.0, 0.0), rotation))[1]
        weight = self.tool_weight(rotation)
        a, b, c, d, e, f = (samples.mean(axis=0) - weight).tolist()
        self.bias = (a, b, c, d, e, f)
        return self.bias

    @property
    def bias(self) -> Wrench:
        """Bias of the sensor, which is subtracted from readings [N, Nm]."""
        return self._bias

    @bias.setter
    def bias(self, values: Sequence[float]) -> None:
        if not finite_numbers(values, 6):
            raise InputError(f"bias must be six finite numbers, got {values!r}")
        for number, (axis, value) in enumerate(zip(AXES, values, strict=True)):
            if abs(value) > bounds.WRENCH[number // 3]:
                raise InputError(f"bias[{axis}] must be within +-{bounds.WRENCH[number // 3]:g}, got {value}")
        a, b, c, d, e, f = map(float, values)
        self._bias = (a, b, c, d, e, f)

    def tool_weight(self, rotation: Quaternion) -> Wrench:
        """Wrench of the tool's weight about the sensor, in its axes [N, Nm]; q_cs xyzw."""
        return self._tool_weight(rotation_matrix(rotation))

    def _tool_weight(self, r: Matrix3) -> Wrench:
        x, y, z = force = rotate_back(r, self._weight)
        return (x, y, z, *move_moment(force, (0.0, 0.0, 0.0), self._centre_of_mass))

    def __call__(self, reading: Sequence[float], rotation: Quaternion) -> Wrench:
        """Contact wrench at the compliance centre, in the axes of the compliance frame.

        Args:
            reading: Reading of the sensor, six floats, N and Nm.
            rotation: Orientation q_cs of the sensor's axes in the compliance frame, xyzw.
        """
        try:
            a, b, c, d, e, f = entries(reading)
            x, y, z, w = rotation
            if not (
                type(a) is type(b) is type(c) is type(d) is type(e) is type(f) is float
                and type(x) is type(y) is type(z) is type(w) is float
            ):
                a, b, c, d, e, f = plain((a, b, c, d, e, f))
                x, y, z, w = plain((x, y, z, w))
            unit = normalized((x, y, z, w))
        except Exception:  # foreign objects run foreign code
            return NOT_A_WRENCH
        if unit is None or not isfinite(0.0 * (a + b + c + d + e + f)):
            return NOT_A_WRENCH
        p, q, s, t, u, v = self._bias
        r = rotation_matrix(unit)
        force = (a - p, b - q, c - s)
        moment = (d - t, e - u, f - v)
        if not self._weightless:
            p, q, s, t, u, v = self._tool_weight(r)
            force = (force[0] - p, force[1] - q, force[2] - s)
            moment = (moment[0] - t, moment[1] - u, moment[2] - v)
        return (*rotate(r, force), *rotate(r, move_moment(force, moment, self._arm)))

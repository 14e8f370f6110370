"""SE(3) kernels in plain floats.

Quaternions are ``(x, y, z, w)``, unit, Hamilton product; ``q_ab`` maps coordinates in b to a. A pose
``T_ab = (p, q)`` holds the position of b's origin in a and ``q_ab``. Twists and wrenches are linear first.
Tuples of floats go in and come out: at this size they are several times faster than numpy arrays or
scipy's ``Rotation`` (12 to 70 microseconds a call), and these kernels run at the control rate.
"""

from collections.abc import Sequence
from math import atan2, cos, isfinite, sin, sqrt, tan

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.sums import added
from assembly_rl.controllers.validation import InputError

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Matrix3 = tuple[float, float, float, float, float, float, float, float, float]
Pose = tuple[Vector, Quaternion]

IDENTITY: Quaternion = (0.0, 0.0, 0.0, 1.0)


def quat_multiply(a: Quaternion, b: Quaternion) -> Quaternion:
    """Hamilton product ``a b``: rotate by b first, then by a."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def quat_conjugate(q: Quaternion) -> Quaternion:
    """Inverse rotation of a unit quaternion."""
    return (-q[0], -q[1], -q[2], q[3])


def quat_exp(rotation_vector: Vector) -> Quaternion:
    """Quaternion of a rotation vector [rad]."""
    x, y, z = rotation_vector
    angle = sqrt(x * x + y * y + z * z)
    half = 0.5 * angle
    scale = sin(half) / angle if angle > 1e-9 else 0.5
    return (scale * x, scale * y, scale * z, cos(half))


def quat_log(q: Quaternion) -> Vector:
    """Rotation vector [rad] of a unit quaternion, of length at most pi (the full logarithm)."""
    x, y, z, w = q
    if w < 0.0:
        x, y, z, w = -x, -y, -z, -w
    norm = sqrt(x * x + y * y + z * z)
    scale = 2.0 * atan2(norm, w) / norm if norm > 1e-12 else 2.0
    return (scale * x, scale * y, scale * z)


def rotation_matrix(q: Quaternion) -> Matrix3:
    """Rotation matrix of a unit quaternion, row by row."""
    x, y, z, w = q
    return (
        1.0 - 2.0 * (y * y + z * z),
        2.0 * (x * y - z * w),
        2.0 * (x * z + y * w),
        2.0 * (x * y + z * w),
        1.0 - 2.0 * (x * x + z * z),
        2.0 * (y * z - x * w),
        2.0 * (x * z - y * w),
        2.0 * (y * z + x * w),
        1.0 - 2.0 * (x * x + y * y),
    )


def rotate(r: Matrix3, v: Vector) -> Vector:
    """Rotate v from b to a: ``R v`` for R = R_ab."""
    x, y, z = v
    return (
        r[0] * x + r[1] * y + r[2] * z,
        r[3] * x + r[4] * y + r[5] * z,
        r[6] * x + r[7] * y + r[8] * z,
    )


def rotate_back(r: Matrix3, v: Vector) -> Vector:
    """Rotate v from a to b: ``R^T v`` for R = R_ab."""
    x, y, z = v
    return (
        r[0] * x + r[3] * y + r[6] * z,
        r[1] * x + r[4] * y + r[7] * z,
        r[2] * x + r[5] * y + r[8] * z,
    )


def cross(a: Vector, b: Vector) -> Vector:
    """Cross product ``a x b``."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def move_moment(force: Vector, moment: Vector, arm: Vector) -> Vector:
    """Moment of a wrench about another point.

    Args:
        force: Force [N].
        moment: Moment about the point where the wrench was given [Nm].
        arm: Vector from the new point to the old one [m]; all three in the same axes.

    Returns:
        Moment about the new point [Nm]: ``moment + arm x force``.
    """
    return (
        moment[0] + arm[1] * force[2] - arm[2] * force[1],
        moment[1] + arm[2] * force[0] - arm[0] * force[2],
        moment[2] + arm[0] * force[1] - arm[1] * force[0],
    )


def compose(a: Pose, b: Pose) -> Pose:
    """Compose ``T_ab`` and ``T_bc`` to ``T_ac``."""
    (px, py, pz), rotation = a
    x, y, z = rotate(rotation_matrix(rotation), b[0])
    return (px + x, py + y, pz + z), quat_multiply(rotation, b[1])


def invert(pose: Pose) -> Pose:
    """Invert ``T_ab`` to ``T_ba``."""
    (px, py, pz), rotation = pose
    x, y, z = rotate_back(rotation_matrix(rotation), (px, py, pz))
    return (-x, -y, -z), quat_conjugate(rotation)


def _left_jacobian(rotation_vector: Vector, v: Vector) -> Vector:
    """Product ``V(w) v``, ``V = I + (1 - cos t) / t^2 [w] + (t - sin t) / t^3 [w]^2`` and t = |w|."""
    x, y, z = rotation_vector
    square = x * x + y * y + z * z
    if square < 1e-4:  # the closed forms cancel; the series is exact to 1e-16 here
        first = 0.5 - square * (1.0 / 24.0 - square / 720.0)
        second = 1.0 / 6.0 - square * (1.0 / 120.0 - square / 5040.0)
    else:
        angle = sqrt(square)
        first = (1.0 - cos(angle)) / square
        second = (angle - sin(angle)) / (angle * square)
    once = cross(rotation_vector, v)
    twice = cross(rotation_vector, once)
    return (
        v[0] + first * once[0] + second * twice[0],
        v[1] + first * once[1] + second * twice[1],
        v[2] + first * once[2] + second * twice[2],
    )


def pose_exp(twist: Sequence[float]) -> Pose:
    """Pose after moving for a unit of time with a constant body twist, linear first [m, rad].

    Source: Lynch and Park, Modern Robotics, proposition 3.25.
    """
    linear, angular = (twist[0], twist[1], twist[2]), (twist[3], twist[4], twist[5])
    return _left_jacobian(angular, linear), quat_exp(angular)


def pose_log(pose: Pose) -> tuple[float, float, float, float, float, float]:
    """Body twist whose ``pose_exp`` is this pose, linear first [m, rad]; angle at most pi."""
    position, rotation = pose
    w = quat_log(rotation)
    square = w[0] * w[0] + w[1] * w[1] + w[2] * w[2]
    if square < 1e-4:
        factor = 1.0 / 12.0 + square / 720.0
    else:
        half = 0.5 * sqrt(square)
        factor = (1.0 - half / tan(half)) / square
    once = cross(w, position)
    twice = cross(w, once)
    return (
        position[0] - 0.5 * once[0] + factor * twice[0],
        position[1] - 0.5 * once[1] + factor * twice[1],
        position[2] - 0.5 * once[2] + factor * twice[2],
        *w,
    )


def displace(nominal: Pose, offset: Sequence[float]) -> Pose:
    """Move the nominal pose by an offset (translation [m], rotation vector [rad]) in its own axes."""
    translation, rotation = (offset[0], offset[1], offset[2]), (offset[3], offset[4], offset[5])
    return compose(nominal, (translation, quat_exp(rotation)))


def offset_between(nominal: Pose, pose: Pose) -> tuple[float, float, float, float, float, float]:
    """Offset by which ``displace`` moves the nominal pose to a pose [m, rad]."""
    translation, rotation = compose(invert(nominal), pose)
    return (*translation, *quat_log(rotation))


def adjoint(pose: Pose) -> NDArray[np.float64]:
    """Adjoint ``Ad`` of T_ab, shape (6, 6), linear first: ``V_a = Ad V_b`` and ``F_b = Ad^T F_a``.

    ``Ad = [[R, [p] R], [0, R]]``; twists and wrenches are taken at the origins of the frames.
    Source: Lynch and Park, Modern Robotics, definition 3.20 (there angular first).
    """
    (x, y, z), rotation = pose
    r = np.array(rotation_matrix(rotation)).reshape(3, 3)
    matrix = np.zeros((6, 6))
    matrix[:3, :3] = matrix[3:, 3:] = r
    matrix[:3, 3:] = np.array(((0.0, -z, y), (z, 0.0, -x), (-y, x, 0.0))) @ r
    return matrix


def normalized(q: Quaternion) -> Quaternion | None:
    """Return a measured quaternion with unit norm, or None if its norm is off by more than half a permille.

    A quaternion that is unit to rounding is returned unchanged, to the last bit.
    """
    x, y, z, w = q
    square = x * x + y * y + z * z + w * w
    if abs(square - 1.0) <= 1e-12:
        return q
    if not abs(square - 1.0) < 1e-3:
        return None
    scale = 1.0 / sqrt(square)
    return (scale * x, scale * y, scale * z, scale * w)


def checked_pose(name: str, pose: Pose) -> Pose:
    """Return a copy of a pose in plain floats, its quaternion normalized.

    Raises:
        ValueError: ``require_pose`` refuses the pose.
    """
    require_pose(name, pose)
    (x, y, z), (qx, qy, qz, qw) = pose
    q = (float(qx), float(qy), float(qz), float(qw))
    return (float(x), float(y), float(z)), normalized(q) or q


def require_pose(name: str, pose: Pose) -> None:
    """Raise a ValueError unless the pose is a finite position and a unit quaternion."""
    try:
        position, rotation = pose
        values = (*position, *rotation)
        valid = len(position) == 3 and len(rotation) == 4 and all(isfinite(value) for value in values)
    except (TypeError, ValueError, OverflowError):
        valid = False
    if not valid:
        raise InputError(f"{name} must be (position (3,), quaternion xyzw (4,)), finite, got {pose}")
    norm = sqrt(added(value * value for value in rotation))
    if abs(norm - 1.0) > 1e-6:
        raise InputError(f"{name} must have a unit quaternion, got {rotation} of norm {norm:.6g}")

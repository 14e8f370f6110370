"""SE(3) kernels in plain floats.

Quaternions are ``(x, y, z, w)``, unit, Hamilton product; ``q_ab`` maps coordinates in b to a. Tuples of
floats go in and come out: at this size they are several times faster than numpy arrays or scipy's
``Rotation`` (12 to 70 microseconds a call), and these kernels run at the control rate.
"""

from math import atan2, cos, sin, sqrt

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Matrix3 = tuple[float, float, float, float, float, float, float, float, float]

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
    """``R v``: v given in b, returned in a, for R = R_ab."""
    x, y, z = v
    return (
        r[0] * x + r[1] * y + r[2] * z,
        r[3] * x + r[4] * y + r[5] * z,
        r[6] * x + r[7] * y + r[8] * z,
    )


def rotate_back(r: Matrix3, v: Vector) -> Vector:
    """``R^T v``: v given in a, returned in b, for R = R_ab."""
    x, y, z = v
    return (
        r[0] * x + r[3] * y + r[6] * z,
        r[1] * x + r[4] * y + r[7] * z,
        r[2] * x + r[5] * y + r[8] * z,
    )


def cross(a: Vector, b: Vector) -> Vector:
    """``a x b``."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def move_moment(force: Vector, moment: Vector, arm: Vector) -> Vector:
    """Moment of a wrench about another point.

    Args:
        force: Force [N].
        moment: Moment about the point where the wrench was given [Nm].
        arm: From the new point to the old one [m]; all three in the same axes.

    Returns:
        Moment about the new point [Nm]: ``moment + arm x force``.
    """
    return (
        moment[0] + arm[1] * force[2] - arm[2] * force[1],
        moment[1] + arm[2] * force[0] - arm[0] * force[2],
        moment[2] + arm[0] * force[1] - arm[1] * force[0],
    )

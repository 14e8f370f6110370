"""A quasi-static engine: a round peg that does not tilt in its hole, held by springs without inertia."""

from collections.abc import Sequence
from math import exp, hypot, pi, sqrt
from typing import Any

from assembly_rl.controllers.se3 import (
    Pose,
    Quaternion,
    Vector,
    cross,
    quat_conjugate,
    quat_log,
    quat_multiply,
    rotate,
    rotation_matrix,
)
from assembly_rl.controllers.wrench import Wrench
from assembly_rl.envs import PegHole, register_engine
from assembly_rl.envs.physics import PhysicsConfig

WALL = 3e6
"""Stiffness of the plate [N/m]."""


def contact(part: PegHole, x: float, y: float, z: float) -> tuple[float, Vector]:
    """Return depth [m] and normal of the tip in the plate; the depth is negative in the free hole.

    Seen from the axis of the hole the plate has three faces: its top, the wall of the hole, the chamfer.
    """
    radius = hypot(x, y)
    beyond = radius - part.clearance
    inward = (-x / radius, -y / radius) if radius > 0.0 else (0.0, 0.0)
    slope = sqrt(0.5)
    depth, out, up = min(
        (-z, 0.0, 1.0),
        (beyond, 1.0, 0.0),
        (slope * (beyond - part.chamfer - z), slope, slope),
    )
    return depth, (out * inward[0], out * inward[1], up)


class QuasiStaticWorld:
    """A ``World`` in which servo and contact balance in every physics step."""

    def __init__(self, part: PegHole, config: PhysicsConfig, cutoff: float, visual: bool) -> None:
        self.part, self.config = part, config
        self._smoothing = 1.0 - exp(-2.0 * pi * cutoff / config.rate)
        self._friction = 0.0
        self.reset((0.0, 0.0, 2.0 * part.peg_length), (0.0, 0.0, 0.0, 1.0))

    @property
    def penetration_bound(self) -> float:
        return self.part.clearance / 3.0

    def set_friction(self, friction: float) -> None:
        self._friction = friction

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        self._target: Pose = (position, orientation)
        self._pose: Pose = (position, orientation)
        self._twist: tuple[Vector, Vector] = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        self.wrench: Wrench = (0.0,) * 6
        self.pull: Wrench = (0.0,) * 6
        self._depth = self.penetration = 0.0

    def pose(self) -> Pose:
        return self._pose

    def twist(self) -> tuple[Vector, Vector]:
        return self._twist

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        start, self._target = self._target, (position, orientation)
        for step in range(1, steps + 1):
            share = step / steps
            x, y, z = between(start[0], position, share)
            a, b, c, d = between(start[1], orientation, share)
            norm = hypot(a, b, c, d)
            self._balance((x, y, z), (a / norm, b / norm, c / norm, d / norm))

    def _balance(self, target: Vector, orientation: Quaternion) -> None:
        """Find the position at which the servo's spring and the contact balance."""
        stiffness, before = self.config.servo_stiffness, self._pose
        tip = rotate(rotation_matrix(orientation), (0.0, 0.0, -self.part.peg_length))
        depth, normal = contact(self.part, *(p + t for p, t in zip(target, tip, strict=True)))
        self._depth = max(0.0, depth) * stiffness / (stiffness + WALL)
        position = target
        if depth > 0.0:
            x, y, z = (p + (depth - self._depth) * n for p, n in zip(target, normal, strict=True))
            position = self._rub((x, y, z), before[0], normal)
        fx, fy, fz = (stiffness * (t - p) for t, p in zip(target, position, strict=True))
        mx, my, mz = cross(tip, (-fx, -fy, -fz))  # of the contact, which is at the tip; the servo holds it
        self.pull = (fx, fy, fz, -mx, -my, -mz)
        a, b, c, d, e, f = (
            w - self._smoothing * (w + p) for w, p in zip(self.wrench, self.pull, strict=True)
        )
        self.wrench = (a, b, c, d, e, f)
        rate, turn = self.config.rate, quat_log(quat_multiply(orientation, quat_conjugate(before[1])))
        vx, vy, vz = (rate * (p - q) for p, q in zip(position, before[0], strict=True))
        self._twist = ((vx, vy, vz), (rate * turn[0], rate * turn[1], rate * turn[2]))
        self._pose = (position, orientation)

    def _rub(self, free: Vector, before: Vector, normal: Vector) -> Vector:
        """Stick where the servo pulls less than friction holds, or slide as far as it takes."""
        move = [p - q for p, q in zip(free, before, strict=True)]
        along = sum(m * n for m, n in zip(move, normal, strict=True))
        slide = [m - along * n for m, n in zip(move, normal, strict=True)]
        held = self._friction * WALL * self._depth / self.config.servo_stiffness
        share = min(1.0, held / max(hypot(*slide), 1e-12))
        x, y, z = (p - share * s for p, s in zip(free, slide, strict=True))
        return x, y, z

    def measure_penetration(self) -> float:
        self.penetration = max(self.penetration, self._depth)
        return self._depth

    def content(self) -> list[Any]:
        servo = [self.config.rate, self.config.servo_stiffness]
        return ["quasi-static 1", WALL, self._smoothing, servo, self.part.content_hash]

    def close(self) -> None:
        pass


def between(start: Sequence[float], end: Sequence[float], share: float) -> list[float]:
    """Interpolate two vectors."""
    return [a + share * (b - a) for a, b in zip(start, end, strict=True)]


register_engine("quasi_static", QuasiStaticWorld)

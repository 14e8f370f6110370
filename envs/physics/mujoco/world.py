"""MuJoCo world with plate, tool on its servo, and the wrench between them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.se3 import (
    IDENTITY,
    Quaternion,
    Vector,
    quat_log,
    quat_multiply,
    rotate,
    rotation_matrix,
)
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics.base import WorldBase
from assembly_rl.envs.physics.config import PhysicsConfig
from assembly_rl.envs.physics.mujoco.library import import_mujoco
from assembly_rl.envs.physics.mujoco.model import FLANGE, RECORD, make_model, model_text
from assembly_rl.envs.physics.mujoco.window import MujocoWindow


class MujocoWorld(WorldBase):
    """Implementation of ``World`` with a MuJoCo model of its own, with windows, without pictures and arms.

    Args:
        part: Geometry of peg and hole.
        config: Servo and solver.
        cutoff: Bandwidth of the wrench sensor's first-order filter [Hz].
        visual: Not used.

    Raises:
        ValueError: MuJoCo is not installed.

    Attributes:
        model: The ``mujoco.MjModel``.
        data: The ``mujoco.MjData``.
    """

    def __init__(self, part: PegHole, config: PhysicsConfig, cutoff: float, visual: bool = False) -> None:
        self._mujoco = import_mujoco()
        super().__init__(part, config, cutoff)
        self._lead = self._damping / config.servo_stiffness  # s
        self.model = make_model(self._part, self._config, self._rate)
        self.data = data = self._mujoco.MjData(self.model)
        # Views, for speed: to get them from MuJoCo takes longer than to use them.
        self._position, self._velocity = data.qpos, data.qvel
        self._speed, self._target_now, self._torque = data.ctrl, data.act, data.xfrc_applied[1, 3:]
        self._site = self.model.site_quat[FLANGE]
        # Record of a sensor: a number without a meaning here, index of the newest sample, times, samples.
        x, y, _, rotation = self.model.sensor_historyadr.tolist()
        self._newest = data.history[x + 1 : rotation + 2 : y - x]
        forces = data.history[x:rotation].reshape(3, y - x)[:, 2 + RECORD :]
        torques = data.history[rotation + 2 + RECORD :].reshape(RECORD, 3)
        self._record = forces.T, torques
        self.reset((0.0, 0.0, 2.0 * part.peg_length), IDENTITY)

    def set_friction(self, friction: float) -> None:
        """Set the coefficient of friction between peg and hole (MuJoCo takes the larger of the two)."""
        self.model.geom_friction[:, 0] = friction

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        """Place the tool at rest at a flange pose [m, xyzw] in the hole frame; clear the wrench filter.

        The subsequent simulation is bit-exact, independent of the history.
        """
        (x, y, z), (a, b, c, d) = position, orientation
        self._mujoco.mj_resetData(self.model, self.data)
        self._position[:] = (x, y, z, d, a, b, c)
        self._target = x, y, z, a, b, c, d
        self._clear()

    def pose(self) -> tuple[Vector, Quaternion]:
        """Return the flange pose [m, xyzw] in the hole frame."""
        x, y, z, d, a, b, c = self._position.tolist()
        return (x, y, z), (a, b, c, d)

    def twist(self) -> tuple[Vector, Vector]:
        """Return the linear velocity of the flange [m/s] and the angular velocity [rad/s] in hole axes."""
        x, y, z, a, b, c = self._velocity.tolist()
        return (x, y, z), rotate(rotation_matrix(self.pose()[1]), (a, b, c))

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        """Run physics steps while the commanded flange pose moves on a straight line to a new target.

        Args:
            steps: Physics steps.
            position: Commanded flange position [m] in the hole frame after the last step.
            orientation: Commanded flange orientation (xyzw).
        """
        x0, y0, z0, a, b, c, d = self._target
        x, y, z = position
        self._target = x, y, z, *orientation
        frequency, lead = self._rate / steps, self._lead
        vx, vy, vz = frequency * (x - x0), frequency * (y - y0), frequency * (z - z0)
        rx, ry, rz = quat_log(quat_multiply(orientation, (-a, -b, -c, d)))
        wx, wy, wz = frequency * rx, frequency * ry, frequency * rz
        self._site[:] = (d, -a, -b, -c)
        self._target_now[:] = (x0 + lead * vx, y0 + lead * vy, z0 + lead * vz, 0.0, 0.0, 0.0)
        self._speed[:] = (vx, vy, vz, -wx, -wy, -wz)
        damping = self._rotational_damping
        feed = (damping * wx, damping * wy, damping * wz)
        self._torque[:] = feed
        while steps > 0:
            count = min(steps, RECORD)
            steps -= count
            self._newest[:] = RECORD - 1  # the next sample is the first of the record
            self._mujoco.mj_step(self.model, self.data, count)
            self._filter(count, feed)

    def _filter(self, count: int, feed: Vector) -> None:
        """Pass the servo's wrenches of the last physics steps through the sensor's filter.

        Args:
            count: Physics steps.
            feed: Feed-forward torque [Nm].
        """
        forces, torques = self._record
        hx, hy, hz = feed
        smoothing = self._smoothing
        keep = 1.0 - smoothing
        fx, fy, fz, mx, my, mz = self.wrench
        for (gx, gy, gz), (tx, ty, tz) in zip(forces[:count].tolist(), torques[:count].tolist(), strict=True):
            nx, ny, nz = hx - tx, hy - ty, hz - tz
            fx = keep * fx - smoothing * gx
            fy = keep * fy - smoothing * gy
            fz = keep * fz - smoothing * gz
            mx = keep * mx - smoothing * nx
            my = keep * my - smoothing * ny
            mz = keep * mz - smoothing * nz
        self.wrench = (fx, fy, fz, mx, my, mz)
        self.pull = (gx, gy, gz, nx, ny, nz)

    def measure_penetration(self) -> float:
        """Return the largest penetration of the contacts of the last step [m]; ``penetration`` keeps it."""
        depth = -min(self.data.contact.dist.tolist(), default=0.0)
        self.penetration = max(self.penetration, depth)
        return depth

    def contact_points(self) -> NDArray[np.float64]:
        """Return the points (n, 3) [m] of the contacts of the last step in the hole frame."""
        return np.array(self.data.contact.pos[self.data.contact.dist <= 0.0])

    def open_window(self) -> MujocoWindow:
        """Open a window."""
        return MujocoWindow(self.model, self.data, self._part)

    def content(self) -> list[Any]:
        """Return version of the engine, solver, servo and geometry."""
        return self._content(self._mujoco.mj_versionString(), model_text(self._config, self._rate))

    def close(self) -> None:
        """Do nothing: model and data are freed with the world."""

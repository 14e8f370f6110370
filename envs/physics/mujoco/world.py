"""MuJoCo world with plate, tool on its servo, and the wrench between them."""

from copy import copy, deepcopy
from dataclasses import replace
from math import exp, pi
from typing import Any

from assembly_rl.controllers.se3 import (
    IDENTITY,
    Quaternion,
    Vector,
    quat_conjugate,
    quat_log,
    quat_multiply,
    rotate,
    rotation_matrix,
)
from assembly_rl.controllers.wrench import Wrench
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics.config import PhysicsConfig
from assembly_rl.envs.physics.connection import NotCopied
from assembly_rl.envs.physics.mujoco.library import import_mujoco
from assembly_rl.envs.physics.mujoco.model import FLANGE, HISTORY, damping, make_model, settings


class MujocoWorld(NotCopied):
    """Implementation of ``World`` with a MuJoCo model of its own, without pictures and arms.

    Args:
        part: Geometry of peg and hole.
        config: Servo and solver.
        cutoff: Bandwidth of the wrench sensor's first-order filter [Hz].
        visual: Not used.

    Raises:
        ValueError: MuJoCo is not installed.

    Attributes:
        model: ``mujoco.MjModel``.
        data: ``mujoco.MjData``.
    """

    default_rate = 2000.0
    """Physics rate [Hz] of a configuration without one."""

    def __init__(self, part: PegHole, config: PhysicsConfig, cutoff: float, visual: bool = False) -> None:
        self._mujoco = import_mujoco()
        self._part = deepcopy(part)
        self._rate = self.default_rate if config.rate is None else config.rate
        self._config = replace(config, rate=self._rate)
        self._smoothing = 1.0 - exp(-2.0 * pi * cutoff / self._rate)
        linear, self._rotational_damping = damping(config)
        self._lead = linear / config.servo_stiffness  # s
        self.model = make_model(self._part, self._config, self._rate)
        self.data = self._mujoco.MjData(self.model)
        # Each sensor's history: a number that is not used, the index of the newest sample, times, samples.
        x, y, z, rotation = self.model.sensor_historyadr.tolist()
        self._newest = self.data.history[x + 1 : rotation + 2 : y - x]
        self._samples = [start + 2 + HISTORY for start in (x, y, z, rotation)]
        self.reset((0.0, 0.0, 2.0 * part.peg_length), IDENTITY)

    @property
    def part(self) -> PegHole:
        """Copy of the geometry of peg and hole."""
        return deepcopy(self._part)

    @property
    def config(self) -> PhysicsConfig:
        """Copy of the settings of servo and solver."""
        return copy(self._config)

    def set_friction(self, friction: float) -> None:
        """Set the coefficient of friction between peg and hole (MuJoCo takes the larger of the two)."""
        self.model.geom_friction[:, 0] = friction

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        """Place the tool at rest at a flange pose [m, xyzw] in the hole frame; clear the wrench filter.

        The subsequent simulation is bit-exact, independent of the history.
        """
        self._mujoco.mj_resetData(self.model, self.data)
        a, b, c, d = orientation
        self.data.qpos[:] = (*position, d, a, b, c)
        self._target: tuple[Vector, Quaternion] = position, orientation
        self.wrench: Wrench = (0.0,) * 6
        """Filtered wrench [N, Nm] that the environment applies to the tool, at the flange, in hole axes."""
        self.pull: Wrench = (0.0,) * 6
        """Wrench [N, Nm] of the servo on the tool in the last physics step, at the flange, in hole axes."""
        self.penetration = 0.0
        """Largest penetration found by ``measure_penetration`` since the last reset [m]."""

    def pose(self) -> tuple[Vector, Quaternion]:
        """Return the flange pose [m, xyzw] in the hole frame."""
        x, y, z, d, a, b, c = self.data.qpos.tolist()
        return (x, y, z), (a, b, c, d)

    def twist(self) -> tuple[Vector, Vector]:
        """Return the linear velocity of the flange [m/s] and the angular velocity [rad/s] in hole axes."""
        x, y, z, a, b, c = self.data.qvel.tolist()
        return (x, y, z), rotate(rotation_matrix(self.pose()[1]), (a, b, c))

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        """Run physics steps while the commanded flange pose moves on a straight line to a new target.

        Args:
            steps: Physics steps.
            position: Commanded flange position [m] in the hole frame after the last step.
            orientation: Commanded flange orientation (xyzw).
        """
        data, lead, per_second = self.data, self._lead, self._rate / steps
        (x, y, z), start = self._target
        self._target = position, orientation
        x1, y1, z1 = position
        vx, vy, vz = (x1 - x) * per_second, (y1 - y) * per_second, (z1 - z) * per_second
        rx, ry, rz = quat_log(quat_multiply(orientation, quat_conjugate(start)))
        wx, wy, wz = rx * per_second, ry * per_second, rz * per_second
        data.ctrl[:] = (vx, vy, vz, -wx, -wy, -wz)
        data.act[:] = (x + lead * vx, y + lead * vy, z + lead * vz, 0.0, 0.0, 0.0)
        a, b, c, d = start
        self.model.site_quat[FLANGE] = (d, -a, -b, -c)
        damping = self._rotational_damping
        hx, hy, hz = damping * wx, damping * wy, damping * wz
        data.xfrc_applied[1, 3:] = (hx, hy, hz)
        while steps > 0:
            count = min(steps, HISTORY)
            self._newest[:] = HISTORY - 1  # the next sample is put at the start of the history
            self._mujoco.mj_step(self.model, data, count)
            self._filter(count, hx, hy, hz)
            steps -= count

    def _filter(self, count: int, hx: float, hy: float, hz: float) -> None:
        """Pass the forces of the last physics steps through the sensor's filter.

        Args:
            count: Physics steps.
            hx: Feed-forward torque [Nm] about x.
            hy: Feed-forward torque [Nm] about y.
            hz: Feed-forward torque [Nm] about z.
        """
        history = self.data.history.tolist()
        x, y, z, r = self._samples
        forces = history[x : x + count], history[y : y + count], history[z : z + count]
        torques = history[r : r + 3 * count]
        smoothing = self._smoothing
        keep = 1.0 - smoothing
        fx, fy, fz, mx, my, mz = self.wrench
        for gx, gy, gz, nx, ny, nz in zip(*forces, torques[::3], torques[1::3], torques[2::3], strict=True):
            fx = keep * fx - smoothing * gx
            fy = keep * fy - smoothing * gy
            fz = keep * fz - smoothing * gz
            mx = keep * mx - smoothing * (hx - nx)
            my = keep * my - smoothing * (hy - ny)
            mz = keep * mz - smoothing * (hz - nz)
        self.wrench = (fx, fy, fz, mx, my, mz)
        self.pull = (gx, gy, gz, hx - nx, hy - ny, hz - nz)

    def measure_penetration(self) -> float:
        """Return the largest penetration of the contacts of the last step [m]; ``penetration`` keeps it."""
        depth = -min(self.data.contact.dist.tolist(), default=0.0)
        self.penetration = max(self.penetration, depth)
        return depth

    @property
    def penetration_bound(self) -> float:
        """A third of the clearance [m]: beyond it the simulated fit differs from the configured one."""
        return self._part.clearance / 3.0

    def content(self) -> list[Any]:
        """Return version of the engine, solver, servo and geometry."""
        servo = {name: value for name, value in vars(self._config).items() if name != "engine"}
        return [self._mujoco.mj_versionString(), settings(self._config, self._rate), servo, self._part.content_hash]

    def close(self) -> None:
        """Do nothing: model and data are freed with the world."""

"""PyBullet world with plate, tool on its servo, and the wrench between them."""

import contextlib
from math import atan2, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.se3 import IDENTITY, Quaternion, Vector
from assembly_rl.envs.geometry import PegHole, hole_mesh, peg_mesh
from assembly_rl.envs.physics.base import WorldBase
from assembly_rl.envs.physics.bullet.arm import BulletArm
from assembly_rl.envs.physics.bullet.bodies import add_picture
from assembly_rl.envs.physics.bullet.camera import render
from assembly_rl.envs.physics.bullet.library import pybullet
from assembly_rl.envs.physics.bullet.window import BulletWindow
from assembly_rl.envs.physics.config import PhysicsConfig
from assembly_rl.envs.physics.world import ArmModel, Pixels

SOLVER = {
    "numSubSteps": 0,
    "contactERP": 0.2,
    "erp": 0.2,
    "enableSAT": 1,
    # At the default of 0.02, contact points outlast the contact and jam a searching peg: docs/physics.md.
    "contactBreakingThreshold": 2e-4,
    "deterministicOverlappingPairs": 1,
    "enableFileCaching": 0,
}
FAR_AWAY = (0.0, 0.0, 10.0)  # m


class BulletWorld(WorldBase):
    """Implementation of ``World`` in a separate PyBullet client, with pictures, windows and arms.

    Args:
        part: Geometry of peg and hole.
        config: Servo and solver.
        cutoff: Bandwidth of the wrench sensor's first-order filter [Hz].
        visual: Build visual shapes for pictures, too.
    """

    client = -1
    """PyBullet client; negative without a connection."""

    def __init__(self, part: PegHole, config: PhysicsConfig, cutoff: float, visual: bool = False) -> None:
        super().__init__(part, config, cutoff)
        self._visual = visual
        self._arm: BulletArm | None = None
        self.client = pybullet.connect(pybullet.DIRECT)
        self._build()
        self.reset((0.0, 0.0, 2.0 * part.peg_length), IDENTITY)

    def _build(self) -> None:
        config, client = self._config, self.client
        pybullet.setPhysicsEngineParameter(
            fixedTimeStep=1.0 / self._rate,
            numSolverIterations=config.solver_iterations,
            physicsClientId=client,
            **SOLVER,
        )
        pybullet.setGravity(0.0, 0.0, 0.0, physicsClientId=client)
        flange_to_tip = (0.0, 0.0, -self._part.peg_length)
        self.plate = self._body(0.0, hole_mesh(self._part), (0.0, 0.0, 0.0))
        self.tool = self._body(config.tool_mass, peg_mesh(self._part), flange_to_tip)
        for body in (self.plate, self.tool):
            pybullet.changeDynamics(
                body, -1, collisionMargin=0.0, lateralFriction=1.0, restitution=0.0, physicsClientId=client
            )
        pybullet.changeDynamics(
            self.tool,
            -1,
            linearDamping=0.0,
            angularDamping=0.0,
            localInertiaDiagonal=[config.tool_inertia] * 3,
            physicsClientId=client,
        )
        if self._visual:
            # Pictures show bodies without collision, so that they do not affect the physics.
            for body in (self.plate, self.tool):
                pybullet.changeVisualShape(body, -1, rgbaColor=(0, 0, 0, 0), physicsClientId=client)
            self._tool_picture = add_picture(client, self._part)

    def _body(self, mass: float, mesh: object, frame: Vector) -> int:
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_MESH,
            fileName=str(mesh),
            collisionFramePosition=frame,
            flags=pybullet.URDF_INITIALIZE_SAT_FEATURES,
            physicsClientId=self.client,
        )
        return int(pybullet.createMultiBody(mass, shape, physicsClientId=self.client))

    def set_friction(self, friction: float) -> None:
        """Set the coefficient of friction between peg and hole (Bullet multiplies the two bodies')."""
        pybullet.changeDynamics(self.tool, -1, lateralFriction=friction, physicsClientId=self.client)

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        """Place the tool at rest at a flange pose [m, xyzw] in the hole frame; clear the wrench filter.

        The subsequent simulation is bit-exact, independent of the history.
        """
        client = self.client
        # The threshold is global to the process: another client may have changed it.
        pybullet.setPhysicsEngineParameter(
            contactBreakingThreshold=SOLVER["contactBreakingThreshold"], physicsClientId=client
        )
        # Bullet keeps contact pairs, in order of detection, until the bodies separate.
        pybullet.resetBasePositionAndOrientation(self.tool, FAR_AWAY, IDENTITY, physicsClientId=client)
        pybullet.performCollisionDetection(physicsClientId=client)
        pybullet.resetBasePositionAndOrientation(self.tool, position, orientation, physicsClientId=client)
        pybullet.resetBaseVelocity(self.tool, (0, 0, 0), (0, 0, 0), physicsClientId=client)
        # As in Bullet: of the two quaternions of a rotation, the servo must follow the same one.
        self._target: tuple[float, ...] = (*position, *self.pose()[1])
        self._clear()

    def pose(self) -> tuple[Vector, Quaternion]:
        """Return the flange pose [m, xyzw] in the hole frame."""
        position, orientation = pybullet.getBasePositionAndOrientation(self.tool, self.client)
        return position, orientation

    def twist(self) -> tuple[Vector, Vector]:
        """Return the linear velocity of the flange [m/s] and the angular velocity [rad/s] in hole axes."""
        linear, angular = pybullet.getBaseVelocity(self.tool, self.client)
        return linear, angular

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        """Run physics steps while the commanded flange pose moves on a straight line to a new target.

        In each step the servo applies ``F = K (p_t - p) + D (v_t - v)`` and the moment
        ``K_r log(q_t q^-1) + D_r (w_t - w)`` at the flange; the sensor measures their negative (the sum of
        the contact wrench and the tool's inertial load).

        Args:
            steps: Physics steps.
            position: Commanded flange position [m] in the hole frame after the last step.
            orientation: Commanded flange orientation (xyzw).
        """
        # Most of an environment's Python time is spent in this loop: plain floats, nothing computed twice.
        config, client, tool, world_frame = self._config, self.client, self.tool, pybullet.WORLD_FRAME
        get_pose, get_twist = pybullet.getBasePositionAndOrientation, pybullet.getBaseVelocity
        apply_force, apply_moment = pybullet.applyExternalForce, pybullet.applyExternalTorque
        step_simulation = pybullet.stepSimulation
        stiffness, rotational_stiffness = config.servo_stiffness, config.servo_rotational_stiffness
        damping, rotational_damping = self._damping, self._rotational_damping
        smoothing = self._smoothing
        keep = 1.0 - smoothing
        fx, fy, fz, mx, my, mz = self.wrench

        x0, y0, z0, ta, tb, tc, td = self._target
        x1, y1, z1 = position
        a1, b1, c1, d1 = orientation
        if ta * a1 + tb * b1 + tc * c1 + td * d1 < 0.0:
            a1, b1, c1, d1 = -a1, -b1, -c1, -d1
        self._target = (x1, y1, z1, a1, b1, c1, d1)
        dx, dy, dz = (x1 - x0) / steps, (y1 - y0) / steps, (z1 - z0) / steps
        da, db, dc, dd = (a1 - ta) / steps, (b1 - tb) / steps, (c1 - tc) / steps, (d1 - td) / steps
        # Force = pull - K p - D v with pull = K p_t + D v_t, which grows by K dp in a step.
        feed = damping * self._rate
        sx, sy, sz = stiffness * x0 + feed * dx, stiffness * y0 + feed * dy, stiffness * z0 + feed * dz
        dx, dy, dz = stiffness * dx, stiffness * dy, stiffness * dz
        # Target angular velocity: vector part of 2 dq/dt q^-1 (the target rotates by far less than a
        # radian in a control period, so that its quaternion may move linearly, too).
        feed = 2.0 * rotational_damping * self._rate
        hx = feed * (da * d1 - dd * a1 - db * c1 + dc * b1)
        hy = feed * (db * d1 - dd * b1 - dc * a1 + da * c1)
        hz = feed * (dc * d1 - dd * c1 - da * b1 + db * a1)

        for _ in range(steps):
            sx += dx
            sy += dy
            sz += dz
            ta += da
            tb += db
            tc += dc
            td += dd
            pose, (qa, qb, qc, qd) = get_pose(tool, client)
            (ux, uy, uz), (ox, oy, oz) = get_twist(tool, client)
            px, py, pz = pose
            # Orientation error: vector part e of q_t q^-1; its logarithm is 2 asin(|e|) / |e| e.
            ex = ta * qd - td * qa - tb * qc + tc * qb
            ey = tb * qd - td * qb - tc * qa + ta * qc
            ez = tc * qd - td * qc - ta * qb + tb * qa
            square = ex * ex + ey * ey + ez * ez
            if square < 1e-3:  # within 3.6 deg; the series is exact to 1e-10
                turn = rotational_stiffness * (2.0 + square * (1.0 / 3.0 + square * 0.15))
            else:
                norm = sqrt(square)
                angle = 2.0 * atan2(norm, ta * qa + tb * qb + tc * qc + td * qd)
                turn = rotational_stiffness * angle / norm
            gx = sx - stiffness * px - damping * ux
            gy = sy - stiffness * py - damping * uy
            gz = sz - stiffness * pz - damping * uz
            nx = turn * ex + hx - rotational_damping * ox
            ny = turn * ey + hy - rotational_damping * oy
            nz = turn * ez + hz - rotational_damping * oz
            apply_force(tool, -1, (gx, gy, gz), pose, world_frame, client)
            apply_moment(tool, -1, (nx, ny, nz), world_frame, client)
            step_simulation(client)
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
        contacts = pybullet.getContactPoints(self.tool, self.plate, physicsClientId=self.client)
        depth = -min((contact[8] for contact in contacts), default=0.0)
        self.penetration = max(self.penetration, depth)
        return depth

    def contact_points(self) -> NDArray[np.float64]:
        """Return the points (n, 3) [m] of the contacts of the last step in the hole frame."""
        contacts = pybullet.getContactPoints(self.tool, self.plate, physicsClientId=self.client)
        return np.array([contact[6] for contact in contacts if contact[9] > 0.0]).reshape(-1, 3)

    def content(self) -> list[Any]:
        """Return version of the engine, solver, servo and geometry."""
        return self._content(pybullet.getAPIVersion(), SOLVER)

    def picture(self, width: int, height: int) -> Pixels:
        """Return a picture, (height, width, 3) uint8; it requires a world with ``visual=True``."""
        pose = self.pose()
        pybullet.resetBasePositionAndOrientation(self._tool_picture, *pose, physicsClientId=self.client)
        base = self._arm.model.base[0] if self._arm else None
        return render(self.client, self._part, pose, base, width, height)

    def open_window(self) -> BulletWindow:
        """Open a window; there can be one in a process.

        Raises:
            ValueError: The process has a window.
        """
        return BulletWindow(self._part, self._arm, self.pose)

    def add_arm(self, model: ArmModel) -> BulletArm:
        """Add an arm, once, before the first reset."""
        self._arm = BulletArm(self.client, model, self._visual)
        if self._visual:
            self._arm.draw_table(self._part.hole_depth)
        return self._arm

    def close(self) -> None:
        """Disconnect from PyBullet; closing twice is harmless."""
        if self.client >= 0:
            with contextlib.suppress(pybullet.error):
                pybullet.disconnect(self.client)
            self.client = -1

    def __del__(self) -> None:
        self.close()

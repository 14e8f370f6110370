"""Interface of a physics engine: a world with plate, tool on its servo, and the wrench between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.se3 import Pose, Quaternion, Vector
from assembly_rl.controllers.wrench import Wrench
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics.config import PhysicsConfig

Pixels = NDArray[np.uint8]


class World(Protocol):
    """World with the tool (a floating rigid body with the peg) and the fixed plate with the hole.

    An engine is a class with this interface, which it need not inherit, registered by ``register_engine``.

    Frames: ``hole`` is the world frame, origin at the centre of the hole's mouth, z out of the hole.
    ``flange`` is on the tool, at its centre of mass, ``part.peg_length`` above the tip, z away from the peg;
    in the rest orientation its axes are those of ``hole``. There is no gravity: the wrench is that of a
    sensor whose tool weight is compensated. SI units, quaternions xyzw, wrenches force then torque.

    Servo: the tool is attached to a 6-D spring-damper, the finite stiffness of a position-controlled
    robot. In each physics step, of ``1 / config.rate`` seconds, it applies at the flange the force
    ``K (p_t - p) + D (v_t - v)`` and the torque ``K_r log(q_t q^-1) + D_r (w_t - w)``, with the stiffness of
    ``config`` and ``D = 2 zeta sqrt(K m)``. The sensor reads the negative of both through a first-order
    low-pass filter, updated in each physics step.

    Determinism: after ``set_friction`` and ``reset``, the state is a bit-exact function of the calls of
    ``advance`` alone, in any process and after any history.

    Attributes:
        wrench: Filtered wrench (6,) [N, Nm] that the environment applies to the tool, at the flange, in hole
            axes; zero after a reset.
        pull: Wrench (6,) [N, Nm] of the servo on the tool in the last physics step, at the flange, in hole
            axes; zero after a reset.
        penetration: Largest penetration found by ``measure_penetration`` since the last reset [m].
    """

    wrench: Wrench
    pull: Wrench
    penetration: float

    @property
    def part(self) -> PegHole:
        """Geometry of peg and hole."""

    @property
    def config(self) -> PhysicsConfig:
        """Settings of servo and solver."""

    @property
    def penetration_bound(self) -> float:
        """Penetration [m] beyond which the simulated fit is not representative of the real one."""

    def set_friction(self, friction: float) -> None:
        """Set the coefficient of friction between peg and hole; resets keep it."""

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        """Place the tool at rest at a flange pose in the hole frame with a relaxed spring; clear the filter.

        Args:
            position: Position of the flange [m].
            orientation: Orientation of the flange (xyzw).
        """

    def pose(self) -> Pose:
        """Return the flange pose [m, xyzw] of the tool in the hole frame."""

    def twist(self) -> tuple[Vector, Vector]:
        """Return the linear velocity of the flange [m/s] and the angular velocity [rad/s], hole axes."""

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        """Run physics steps while the target of the servo moves at constant speed to a new flange pose.

        Args:
            steps: Physics steps.
            position: Target position [m] in the hole frame after the last step.
            orientation: Target orientation (xyzw), less than a radian from the last target.
        """

    def measure_penetration(self) -> float:
        """Return the largest penetration [m] of the contacts of the last step; ``penetration`` keeps it."""

    def content(self) -> list[Any]:
        """Return the determinants of the physics in types of JSON: engine, version, solver, servo, part."""

    def close(self) -> None:
        """Free the engine's resources; closing twice is harmless."""


@runtime_checkable
class SupportsPictures(Protocol):
    """World that can draw pictures if created with ``visual=True``; they do not affect the physics."""

    def picture(self, width: int, height: int) -> Pixels:
        """Return a picture of plate (cut open), tool and robot, (height, width, 3) uint8."""


@runtime_checkable
class SupportsContacts(Protocol):
    """World that tells where the peg touches the plate."""

    def contact_points(self) -> NDArray[np.float64]:
        """Return the points (n, 3) [m] of the contacts of the last step in the hole frame."""


class Window(Protocol):
    """Window on a screen that shows a world; it does not affect the physics."""

    @property
    def is_open(self) -> bool:
        """False once somebody has closed it."""

    def show(self) -> None:
        """Show the world as it is now."""

    def close(self) -> None:
        """Close the window; closing twice is harmless."""


@runtime_checkable
class SupportsWindows(Protocol):
    """World that can show itself in a window."""

    def open_window(self) -> Window:
        """Open a window, when there is a display: see ``require_display``."""


@dataclass(frozen=True)
class ArmModel:
    """Model of a serial arm for an engine.

    Attributes:
        urdf: File with links, joints and inertias; joints 0 to n - 1 are revolute about z, and joint k moves
            link k.
        base: Pose of the base in the hole frame [m, xyzw].
        flange: Pose of the flange frame on the last link [m, xyzw].
        torque_limit: Largest torque of each joint (n,) [Nm].
    """

    urdf: Path
    base: Pose
    flange: Pose
    torque_limit: Sequence[float]


class SimulatedArm(Protocol):
    """Arm in a world: joints under position control, without contacts and weight."""

    def reset(self, joints: Sequence[float]) -> None:
        """Place the arm at rest at joint angles (n,) [rad]."""

    def flange(self) -> Pose:
        """Return the pose [m, xyzw] of the flange in the hole frame, at the present joint angles."""

    def drive(self, joints: Sequence[float], speeds: Sequence[float]) -> None:
        """Set the targets of the joints for the next physics step: angles [rad] and speeds [rad/s]."""

    def apply_wrench(self, position: Vector, wrench: Wrench) -> None:
        """Apply a wrench to the last link in the next physics step.

        Args:
            position: Point in the hole frame at which the force acts [m].
            wrench: Force and torque (6,) [N, Nm] in hole axes.
        """

    def torques(self) -> list[float]:
        """Return the torques of the joints' motors in the last physics step (n,) [Nm]."""


@runtime_checkable
class SupportsArms(Protocol):
    """World that can simulate an arm besides the tool."""

    def add_arm(self, model: ArmModel) -> SimulatedArm:
        """Add an arm, once, before the first reset."""

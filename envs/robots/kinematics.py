"""Forward kinematics of a serial arm, and inverse kinematics within its joint limits."""

from math import pi
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.se3 import Pose, Quaternion, Vector, quat_exp, rotation_matrix
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.robots.config import RobotConfig

Array = NDArray[np.float64]

DAMPING = 1e-3
"""Damping of the least squares [m, rad]: a direction below it is singular."""
TOLERANCE = 1e-8
"""Largest error of a reached pose [m, rad]."""
ITERATIONS = 50
LONGEST_STEP = 0.3
"""Largest change of a joint in an iteration [rad], a bound on the linearisation error."""


def homogeneous(position: Vector, rotation: Quaternion) -> Array:
    """Convert a pose [m, xyzw] into a (4, 4) matrix."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(rotation_matrix(rotation), (3, 3))
    matrix[:3, 3] = position
    return matrix


class ArmKinematics:
    """Kinematics of an arm on its base. Frames: ``hole``, and the tool's ``flange``.

    Args:
        urdf: File with a chain of revolute joints about z.
        mount: Pose of the flange on the last link [m, xyzw].
        config: Base and posture.

    Raises:
        ValueError: A joint of the posture is beyond its limits.

    Attributes:
        lower: Lower joint limits (n,) [rad].
        upper: Upper joint limits (n,) [rad].
        posture: Joint angles (n,) [rad] at the start of an inverse solution.
        base: Pose of the base in the hole frame [m, xyzw].
    """

    def __init__(self, urdf: Path, mount: Pose, config: RobotConfig) -> None:
        joints = ElementTree.parse(urdf).getroot().findall("joint")
        limits = [_child(joint, "limit") for joint in joints]
        self.lower, self.upper = np.array([(float(x["lower"]), float(x["upper"])) for x in limits]).T
        self.posture: Array = np.array(config.posture, dtype=np.float64)
        for number, angle in enumerate(self.posture):
            if not self.lower[number] <= angle <= self.upper[number]:
                raise InputError(
                    f"RobotConfig.posture[{number}] = {angle:g} rad is beyond the joint's limits "
                    f"{self.lower[number]:.3f} to {self.upper[number]:.3f} rad"
                )
        x, y, z = config.base_rotation
        self.base: Pose = (_vector(config.base_position), quat_exp((x, y, z)))
        self._origins = np.array([_origin(joint) for joint in joints])
        self._origins[0] = homogeneous(*self.base) @ self._origins[0]
        self._mount = homogeneous(*mount)

    def flange(self, joints: Array) -> tuple[Array, Array]:
        """Compute the pose and the Jacobian of the flange.

        Args:
            joints: Joint angles (n,) [rad].

        Returns:
            T_hole_flange (4, 4) [m] and the Jacobian (6, n) from joint speeds to linear and angular velocity
            of the flange in hole axes [m, -].
        """
        cos, sin = np.cos(joints)[:, None], np.sin(joints)[:, None]
        links = self._origins.copy()  # times a rotation about z
        links[:, :, 0] = cos * self._origins[:, :, 0] + sin * self._origins[:, :, 1]
        links[:, :, 1] = cos * self._origins[:, :, 1] - sin * self._origins[:, :, 0]
        frames = np.empty_like(links)
        frame = frames[0] = links[0]
        for number in range(1, len(links)):
            frame = frames[number] = frame @ links[number]
        flange = frame @ self._mount
        ax, ay, az = frames[:, 0, 2], frames[:, 1, 2], frames[:, 2, 2]
        x, y, z = (flange[:3, 3] - frames[:, :3, 3]).T
        return flange, np.array((ay * z - az * y, az * x - ax * z, ax * y - ay * x, ax, ay, az))

    def towards(self, joints: Array, target: Array) -> tuple[Array, float]:
        """Compute one step of damped least squares.

        Args:
            joints: Present joint angles (n,) [rad].
            target: Target T_hole_flange (4, 4) [m].

        Returns:
            Change of the angles (n,) [rad], without regard to limits, and the larger of the distance [m] and
            the angle [rad] to the target before the step.
        """
        flange, jacobian = self.flange(joints)
        # sin(angle) times the axis is accurate for small angles, and has the right direction for larger ones.
        (a, b, c), (d, e, f), (g, h, i) = (target[:3, :3] @ flange[:3, :3].T).tolist()
        turn = (0.5 * (h - f), 0.5 * (c - g), 0.5 * (d - b))
        error = np.concatenate((target[:3, 3] - flange[:3, 3], turn))
        square = jacobian @ jacobian.T
        square[np.diag_indices(6)] += DAMPING**2
        opposite = pi if a + e + i < 1.0 else 0.0  # beyond 90 degrees the sine decreases
        miss = max(float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:])), opposite)
        return jacobian.T @ np.linalg.solve(square, error), miss

    def solve(self, position: Vector, rotation: Quaternion) -> Array:
        """Solve the joint angles (n,) [rad] for a flange pose [m, xyzw] in the hole frame, from the posture.

        Raises:
            ValueError: The arm cannot reach the pose within its joint limits.
        """
        target, joints = homogeneous(position, rotation), self.posture.copy()
        for _ in range(ITERATIONS):
            change, miss = self.towards(joints, target)
            if miss < TOLERANCE:
                return joints
            change *= min(1.0, LONGEST_STEP / float(np.abs(change).max()))
            joints = np.clip(joints + change, self.lower, self.upper)
        raise InputError(
            f"the arm does not reach the flange position {_millimetres(position)} mm of the hole frame from "
            f"its base at {_millimetres(self.base[0])} mm within its joint limits: move robot.base_position, "
            "turn robot.base_rotation, or give another robot.posture"
        )


def _child(joint: ElementTree.Element, name: str) -> dict[str, str]:
    """Return the attributes of an element of a URDF joint."""
    child = joint.find(name)
    assert child is not None
    return child.attrib


def _origin(joint: ElementTree.Element) -> Array:
    """Return T_parent_joint (4, 4) of a URDF joint, whose axis is z."""
    origin = _child(joint, "origin")
    roll, pitch, yaw = (float(text) for text in origin["rpy"].split())
    turns = ((roll, 0.0, 0.0), (0.0, pitch, 0.0), (0.0, 0.0, yaw))
    x, y, z = (homogeneous((0.0, 0.0, 0.0), quat_exp(turn)) for turn in turns)
    matrix = z @ y @ x
    matrix[:3, 3] = [float(text) for text in origin["xyz"].split()]
    return matrix


def _vector(values: list[float]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _millimetres(position: Vector) -> str:
    return "(" + ", ".join(f"{1e3 * value:.0f}" for value in position) + ")"

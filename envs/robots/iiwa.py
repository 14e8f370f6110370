"""Robot ``iiwa``: a KUKA LBR iiwa 14 R820 with joint limits."""

from pathlib import Path

import numpy as np
import pybullet_data

from assembly_rl.controllers.se3 import Pose
from assembly_rl.envs.physics import ArmModel, World
from assembly_rl.envs.robots.arm import ArmRobot
from assembly_rl.envs.robots.config import RobotConfig
from assembly_rl.envs.robots.kinematics import ArmKinematics

URDF = Path(pybullet_data.getDataPath()) / "kuka_iiwa" / "model.urdf"

# From the data sheet; the URDF has the limits of the angles, and placeholders for these.
SPEED_LIMIT = np.radians([85.0, 85.0, 100.0, 75.0, 130.0, 135.0, 135.0])  # rad/s
TORQUE_LIMIT = (320.0, 320.0, 176.0, 176.0, 110.0, 40.0, 40.0)  # Nm

MOUNT: Pose = ((0.0, 0.0, 0.045), (0.0, 1.0, 0.0, 0.0))
"""Pose of the flange on the last link's face [m, xyzw]; the tool's z axis points back along the arm."""


def iiwa_kinematics(config: RobotConfig) -> ArmKinematics:
    """Create the kinematics of the arm.

    Args:
        config: Base and posture.

    Raises:
        ValueError: A joint of the posture is beyond its limits.
    """
    return ArmKinematics(URDF, MOUNT, config)


def iiwa(world: World, config: RobotConfig) -> ArmRobot:
    """Add the arm to a world.

    Args:
        world: World of the tool.
        config: Base and posture.

    Raises:
        ValueError: A joint of the posture is beyond its limits, or the engine simulates no arms.
    """
    kinematics = iiwa_kinematics(config)
    model = ArmModel(URDF, kinematics.base, MOUNT, TORQUE_LIMIT)
    return ArmRobot(world, config, kinematics, model, SPEED_LIMIT)

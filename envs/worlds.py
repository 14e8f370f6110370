"""The world of a task: with the robot that holds the tool."""

from itertools import product

from assembly_rl.controllers.se3 import Pose, quat_exp, rotate, rotation_matrix
from assembly_rl.envs.config import TaskConfig
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics import InsertionWorld
from assembly_rl.envs.robots.arm_world import ArmWorld
from assembly_rl.envs.robots.config import RobotModel


def make_world(part: PegHole, task: TaskConfig, visual: bool = False) -> InsertionWorld:
    """A world for a part with the task's robot.

    Args:
        part: Geometry of peg and hole.
        task: Physics, sensor and robot.
        visual: Build what a camera sees, too.

    Raises:
        ValueError: The arm does not reach the start or the bottom of the hole, for every error of the hole
            estimate that may be drawn.
    """
    if task.robot.model is RobotModel.floating:
        return InsertionWorld(part, task.physics, task.sensor.cutoff, visual)
    world = ArmWorld(part, task.physics, task.sensor.cutoff, task.robot, visual)
    for pose in farthest_poses(part, task):
        world.arm.solve(*pose)
    return world


def farthest_poses(part: PegHole, task: TaskConfig) -> list[Pose]:
    """Flange poses [m, xyzw] in the hole frame at the start and at the bottom, with the largest errors."""
    estimate, start = task.randomization.hole_estimate, task.randomization.start_pose
    lateral, tilt = estimate.lateral + start.lateral, estimate.tilt + start.tilt
    yaw = estimate.yaw + start.yaw
    top = task.path.start_height + estimate.height + start.height
    poses = []
    for z, x, y, turn in product((top, -part.hole_depth), (-1, 0, 1), (-1, 0, 1), (-1, 1)):
        rotation = quat_exp((-y * tilt, x * tilt, turn * yaw))  # leaning the way it is off
        dx, dy, dz = rotate(rotation_matrix(rotation), (0.0, 0.0, part.peg_length))
        poses.append(((x * lateral + dx, y * lateral + dy, z + dz), rotation))
    return poses

"""Workcell of a task: a world of the configured engine, with the configured robot."""

import hashlib
import json
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import product

from assembly_rl.controllers.se3 import Pose, quat_exp, rotate, rotation_matrix
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.config import TaskConfig
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics import (
    ENGINES,
    NotCopied,
    SupportsPictures,
    SupportsWindows,
    Window,
    World,
    physics_rate,
)
from assembly_rl.envs.physics.world import Pixels
from assembly_rl.envs.robots import ROBOTS, Robot


@dataclass(frozen=True)
class Workcell(NotCopied):
    """Robot in its world.

    Attributes:
        world: World, the source of measured quantities.
        robot: Robot, which moves the tool.
        window: Window that shows the world; None without one.
    """

    world: World
    robot: Robot
    window: Window | None = None

    @property
    def physics_hash(self) -> str:
        """SHA-256 (hex) over engine, solver, servo, geometry and robot."""
        content = [*self.world.content(), *self.robot.content()]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def draws_pictures(self) -> bool:
        """True if the engine can draw pictures."""
        return isinstance(self.world, SupportsPictures)

    @property
    def has_windows(self) -> bool:
        """True if the engine can open a window."""
        return isinstance(self.world, SupportsWindows)

    def picture(self, width: int = 640, height: int = 480) -> Pixels:
        """Return a picture, (height, width, 3) uint8; it requires a workcell with ``visual=True``."""
        assert isinstance(self.world, SupportsPictures)
        return self.world.picture(width, height)

    def close(self) -> None:
        """Free the engine's resources."""
        if self.window is not None:
            self.window.close()
        self.world.close()


def make_workcell(part: PegHole, task: TaskConfig, visual: bool = False, window: bool = False) -> Workcell:
    """Create a world for a part with the task's robot.

    Args:
        part: Geometry of peg and hole.
        task: Physics, sensor and robot.
        visual: Build visual shapes for pictures, too.
        window: Open a window.

    Raises:
        ValueError: The engine or the robot is unknown, the engine draws no pictures or has no windows, or the
            robot cannot reach start and bottom of the hole for all possible errors of the hole estimate.
    """
    factory = ROBOTS.get(task.robot.model)
    physics = replace(task.physics, rate=physics_rate(task.physics))  # a copy: an engine may hand it out
    world = ENGINES.get(physics.engine)(part, physics, task.sensor.cutoff, visual)
    try:
        if visual and not isinstance(world, SupportsPictures):
            raise InputError(
                f"the physics engine {task.physics.engine!r} draws no pictures: use another "
                "task.physics.engine, or no render_mode"
            )
        if window and not isinstance(world, SupportsWindows):
            raise InputError(
                f"the physics engine {task.physics.engine!r} has no windows: use another "
                "task.physics.engine, or no render_mode"
            )
        robot = factory(world, deepcopy(task.robot))
        robot.require_reachable(farthest_poses(part, task))
        opened = world.open_window() if window and isinstance(world, SupportsWindows) else None
    except ValueError:
        world.close()
        raise
    return Workcell(world, robot, opened)


def farthest_poses(part: PegHole, task: TaskConfig) -> list[Pose]:
    """Return flange poses [m, xyzw] in the hole frame at start and bottom, with the largest errors."""
    estimate, start = task.randomization.hole_estimate, task.randomization.start_pose
    lateral, tilt = estimate.lateral + start.lateral, estimate.tilt + start.tilt
    yaw = estimate.yaw + start.yaw
    top = task.path.start_height + estimate.height + start.height
    poses = []
    for z, x, y, turn in product((top, -part.hole_depth), (-1, 0, 1), (-1, 0, 1), (-1, 1)):
        rotation = quat_exp((-y * tilt, x * tilt, turn * yaw))  # tilted in the direction of the offset
        dx, dy, dz = rotate(rotation_matrix(rotation), (0.0, 0.0, part.peg_length))
        poses.append(((x * lateral + dx, y * lateral + dy, z + dz), rotation))
    return poses

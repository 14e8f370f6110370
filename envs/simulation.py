"""Simulated robot with an interface of commands, readings and poses, for any controller."""

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import gymnasium
import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.bundles import BundleController, Command, State
from assembly_rl.controllers.insertion import Termination
from assembly_rl.controllers.se3 import (
    IDENTITY,
    Pose,
    compose,
    displace,
    rotate,
    rotate_back,
    rotation_matrix,
)
from assembly_rl.controllers.wrench import Wrench
from assembly_rl.envs.conditions import clearance_grid, draw_conditions
from assembly_rl.envs.config import TaskConfig
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.library import Part, Task, make_part_and_task
from assembly_rl.envs.physics import NotCopied, World, WrenchSensor, require_display
from assembly_rl.envs.physics.world import Pixels
from assembly_rl.envs.robots import Response
from assembly_rl.envs.workcell import Workcell, make_workcell

FRAMES = 50.0
"""Pictures of a window per second of simulated time [Hz]."""

CATCH_UP = 0.1
"""Time [s] by which a window that was late may hurry."""

NO_DISPLAY = "use render_mode='rgb_array' for pictures, or watch=episodes.rrd with assembly-rl-eval"
"""Advice for a machine without a display."""


class SimulatedRobot(NotCopied):
    """Simulation of a position-controlled robot with a peg, a wrench sensor, and a plate.

    Its base frame is that of the true hole. ``PegInHoleEnv`` or a bundle can control it. It follows a command
    by the response that was drawn with the episode, ``conditions.response``: delay, limits, lag. It cannot be
    copied.

    Args:
        part: Part as for ``PegInHoleEnv``, which is copied.
        task: Task as for ``PegInHoleEnv``, which is copied: physics, robot, sensor, rates, randomization.
        visual: Build visual shapes for pictures, too.
        window: Show the robot in the engine's window, at most at real time. Once somebody has closed it, all
            goes on without it.

    Raises:
        ValueError: Part or task is refused, or there is no display for the window.

    Attributes:
        conditions: Conditions of the episode.
        free_readings: (n, 6) readings in free space at the start [N, Nm]; empty without a tare.
        reading: Latest reading (6,) [N, Nm] in flange axes; initially the mean of ``free_readings``.
    """

    def __init__(
        self,
        part: Part | None = None,
        task: Task | None = None,
        visual: bool = False,
        window: bool = False,
    ) -> None:
        self._part, self._task = make_part_and_task(part, task)
        if window:
            require_display(NO_DISPLAY)
        self._visual, self._window, self._due = visual, window, 0.0
        self._show_every = max(1, round(self._task.control_rate / FRAMES))
        self._batch, self._physics_steps = self._task.control_steps(), self._task.physics_steps()
        self._response = Response(self._task.control_rate)
        self._sensor = WrenchSensor(self._task.sensor, self._task.control_rate)
        self._clearances = clearance_grid(self._task.randomization.clearance)
        for clearance in self._clearances[:1] + self._clearances[-1:]:
            replace(self._part, clearance=clearance)  # raises errors of the range early
        self._termination = Termination(self._task, self._part.hole_depth)
        self._workcell = self._make_workcell(self._part)

    def _make_workcell(self, part: PegHole) -> Workcell:
        return make_workcell(part, self._task, self._visual, self._window)

    @property
    def part(self) -> PegHole:
        """Copy of the part."""
        return deepcopy(self._part)

    @property
    def task(self) -> TaskConfig:
        """Copy of the task: a change of it has no effect."""
        return deepcopy(self._task)

    @property
    def world(self) -> World:
        """Physics of the robot."""
        return self._workcell.world

    @property
    def physics_hash(self) -> str:
        """SHA-256 (hex) over engine, solver, servo, geometry and robot."""
        return self._workcell.physics_hash

    @property
    def joint_limit(self) -> bool:
        """True if a joint is at its limit."""
        return self._workcell.robot.joint_limit

    def draw(self, rng: np.random.Generator) -> Pose:
        """Draw an episode's conditions, and apply them.

        Returns:
            T_base_nominal, the estimated hole.
        """
        self.conditions = conditions = draw_conditions(
            self._task.randomization, self._task.robot.response, self._clearances, rng
        )
        self._sensor.reset(rng, conditions.sensor)
        self.free_readings: NDArray[np.float64] = self._sensor.samples(self._task.sensor.tare_samples, rng)
        if conditions.clearance not in (None, self.world.part.clearance):
            self._workcell.close()
            self._workcell = self._make_workcell(replace(self._part, clearance=conditions.clearance))
        self.world.set_friction(conditions.friction)
        self._rng, self._moves = rng, 0
        a, b, c, d, e, f = self.free_readings.mean(0).tolist() if len(self.free_readings) else (0.0,) * 6
        self.reading: Wrench = (a, b, c, d, e, f)
        return conditions.estimate_position, conditions.estimate_rotation

    def place(self, flange: Pose) -> None:
        """Place the tool at rest at T_base_flange."""
        self._response.reset(flange, self.conditions.response)
        self._workcell.robot.reset(*flange)
        self._show()

    def _show(self) -> None:
        """Show the present state in the window, if there is one, and wait until its time has come."""
        window = self._workcell.window
        if window is None or not self._window:
            return
        if not window.is_open:
            self._window = False
            return
        window.show()
        now = time.perf_counter()
        self._due = max(self._due + self._show_every / self._task.control_rate, now - CATCH_UP)
        time.sleep(max(0.0, self._due - now))

    @property
    def pose(self) -> Pose:
        """Return the measured pose T_base_flange."""
        return self.world.pose()

    @property
    def time(self) -> float:
        """Time since the episode was drawn [s]."""
        return self._moves / self._task.control_rate

    def move(self, command: Pose) -> None:
        """Run a control period with the commanded flange pose T_base_flange, which the robot follows late."""
        if self._moves % self._batch == 0:  # noise is drawn once per policy period, for speed
            self._sensor.prepare(self._batch, self._rng)
        self._moves += 1
        world = self._workcell.world
        self._workcell.robot.advance(self._physics_steps, *self._response.follow(command))
        tool, wrench = rotation_matrix(world.pose()[1]), world.wrench
        self.reading = self._sensor.read((*rotate_back(tool, wrench[:3]), *rotate_back(tool, wrench[3:])))
        if self._window and self._moves % self._show_every == 0:
            self._show()

    @property
    def depth(self) -> float:
        """Depth of the tip below the mouth of the true hole [m]."""
        (_, _, z), orientation = self.pose
        return rotate(rotation_matrix(orientation), (0.0, 0.0, self._part.peg_length))[2] - z

    @property
    def success(self) -> bool:
        """Return True if the peg is at its goal."""
        return self._termination.is_success(self.depth)

    @property
    def render_modes(self) -> list[str]:
        """Render modes of ``PegInHoleEnv`` with this engine."""
        modes = {"human": self._workcell.has_windows, "rgb_array": self._workcell.draws_pictures}
        return [mode for mode, supported in modes.items() if supported]

    def picture(self) -> Pixels:
        """Return a picture, (480, 640, 3) uint8; it requires ``visual=True``."""
        return self._workcell.picture()

    def close(self) -> None:
        """Free the engine's resources."""
        self._workcell.close()


def insert(
    robot: SimulatedRobot,
    controller: BundleController,
    seed: int,
    watch: Callable[[int, Pose, Command], object] | None = None,
) -> State:
    """Run one insertion with a bundle, under the conditions of the environment's episode with that seed.

    Args:
        robot: Simulated robot.
        controller: Controller of the bundle.
        seed: Seed of the episode.
        watch: Function called in each control step with its number, the measured pose and the command.
    """
    rng = gymnasium.utils.seeding.np_random(seed)[0]
    hole = robot.draw(rng)
    tip = displace(((0.0, 0.0, robot.task.path.start_height), IDENTITY), robot.conditions.start_offset)
    near = compose(hole, compose(tip, ((0.0, 0.0, robot.part.peg_length), IDENTITY)))
    free = robot.free_readings if len(robot.free_readings) else None
    start = controller.reset(hole, near, free, rate=robot.task.control_rate)
    robot.place((start.position, start.orientation))
    number = 0
    while controller.state is State.running and not robot.joint_limit:
        pose = robot.pose
        command = controller.step(robot.reading, pose, robot.time)
        if watch is not None:
            watch(number, pose, command)
        if command.state is State.running:
            robot.move((command.position, command.orientation))
        number += 1
    return controller.state

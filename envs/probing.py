"""Small probing motions of a part in its hole, for identification of the contact stiffness."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.etcl import probing_offsets
from assembly_rl.controllers.se3 import (
    IDENTITY,
    displace,
    move_moment,
    rotate,
    rotate_back,
    rotation_matrix,
)
from assembly_rl.envs.config import TaskConfig
from assembly_rl.envs.library import Part, Task, make_part_and_task
from assembly_rl.envs.physics import WrenchSensor
from assembly_rl.envs.workcell import Workcell, make_workcell

DEPTH = 0.2
"""Depth of the held part relative to the hole's depth."""
OVERTRAVEL = 3e-4
"""Translation beyond the clearance [m]."""
ROTATION = 0.03
"""Amplitude of the rotations [rad]."""
MOVE_TIME, REST_TIME = 0.05, 0.05
"""Time of the motion to an offset, and of rest at the offset [s]."""


@dataclass(frozen=True)
class Probes:
    """Recorded probing motions.

    Attributes:
        offsets: (n, 6) commanded offsets of the tip in the hole frame [m, rad].
        wrenches: (n, 6) wrenches that the environment applied to the tool about the tip, minus those without
            offset [N, Nm].
        steps: Duration on a robot in policy steps.
    """

    offsets: NDArray[np.float64]
    wrenches: NDArray[np.float64]
    steps: int


def probe_contact(part: Part, task: Task, seed: int = 0) -> Probes:
    """Move a part in its hole, and record offsets and wrenches.

    The part is held upright in the centre of the hole at a fifth of its depth, as if placed by hand; it is
    moved along each axis, in both directions, by half and full offsets, and held there for 50 ms. From
    commanded offsets ``identify_contact_stiffness`` estimates the stiffness that an admittance controller
    experiences, that of part and robot in series.

    Args:
        part: Part and hole, as for ``PegInHoleEnv``.
        task: Task with servo, sensor, robot, rates and friction, as for ``PegInHoleEnv``.
        seed: Seed of the sensor's bias and noise.

    Raises:
        ValueError: Part or task is refused.
    """
    part, task = make_part_and_task(part, task)
    rng = np.random.default_rng(seed)
    workcell = make_workcell(part, task)
    sensor = WrenchSensor(task.sensor, task.control_rate)
    sensor.reset(rng)
    workcell.world.set_friction(float(np.mean(task.randomization.friction)))
    offsets = probing_offsets(part.clearance + OVERTRAVEL, ROTATION)
    move, rest = (round(seconds * task.control_rate) for seconds in (MOVE_TIME, REST_TIME))
    try:
        wrenches = [
            _mean_wrench(workcell, task, sensor, rng, offset, move, rest)
            for offset in (np.zeros(6), *offsets)
        ]
    finally:
        workcell.close()
    seconds = len(wrenches) * (MOVE_TIME + REST_TIME)
    return Probes(offsets, np.array(wrenches[1:]) - wrenches[0], round(seconds * task.policy_rate))


def _mean_wrench(
    workcell: Workcell,
    task: TaskConfig,
    sensor: WrenchSensor,
    rng: np.random.Generator,
    offset: NDArray[np.float64],
    move: int,
    rest: int,
) -> NDArray[np.float64]:
    """Return the mean wrench about the tip at an offset."""
    world, robot = workcell.world, workcell.robot
    length = world.part.peg_length
    centre = ((0.0, 0.0, -DEPTH * world.part.hole_depth), IDENTITY)
    robot.reset((0.0, 0.0, centre[0][2] + length), IDENTITY)
    sensor.prepare(move + rest, rng)
    readings = []
    for step in range(1, move + rest + 1):
        (x, y, z), rotation = displace(centre, (min(1.0, step / move) * offset).tolist())
        a, b, c = rotate(rotation_matrix(rotation), (0.0, 0.0, length))
        robot.advance(task.physics_steps(), (x + a, y + b, z + c), rotation)
        tool = rotation_matrix(world.pose()[1])
        wrench = world.wrench
        reading = sensor.read((*rotate_back(tool, wrench[:3]), *rotate_back(tool, wrench[3:])))
        force, moment = rotate(tool, reading[:3]), rotate(tool, reading[3:])
        arm = rotate(tool, (0.0, 0.0, length))
        readings.append((*force, *move_moment(force, moment, arm)))
    return np.array(readings[-max(1, rest // 2) :]).mean(0)

"""Simulation: geometry, physics, sensors and the peg-in-hole environment (PyBullet, gymnasium).

Importing this package registers ``assembly_rl/PegInHole-v0`` with gymnasium.
"""

import gymnasium

from assembly_rl.controllers.insertion import Result
from assembly_rl.envs.config import TaskConfig
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.library import Part, Task
from assembly_rl.envs.multi_part import MultiPartEnv
from assembly_rl.envs.peg_in_hole import PegInHoleEnv
from assembly_rl.envs.physics import register_engine
from assembly_rl.envs.robots import register_robot
from assembly_rl.envs.simulation import SimulatedRobot
from assembly_rl.envs.task import register_task

__all__ = [
    "MultiPartEnv",
    "PegHole",
    "PegInHoleEnv",
    "Result",
    "SimulatedRobot",
    "TaskConfig",
    "make_environment",
    "register_engine",
    "register_robot",
    "register_task",
]


def make_environment(
    part: Part | None = None, task: Task | None = None, render_mode: str | None = None
) -> PegInHoleEnv:
    """Make the environment of a part and a task: the one place that knows its class.

    Args:
        part: Part and hole, as for ``PegInHoleEnv``; by default a square.
        task: Task, as for ``PegInHoleEnv``; by default the default one.
        render_mode: Render mode of ``PegInHoleEnv``.

    Raises:
        ValueError: Part or task cannot be used.
    """
    return PegInHoleEnv(part, task, render_mode)


gymnasium.register(
    id="assembly_rl/PegInHole-v0",
    entry_point="assembly_rl.envs.peg_in_hole:PegInHoleEnv",
)

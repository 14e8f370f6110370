"""Simulation: geometry, physics, sensors and the peg-in-hole environment (PyBullet, gymnasium).

Importing this package registers ``assembly_rl/PegInHole-v0`` with gymnasium.
"""

import gymnasium

from assembly_rl.envs.config import TaskConfig
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.peg_in_hole import PegInHoleEnv, Result

__all__ = ["PegHole", "PegInHoleEnv", "Result", "TaskConfig"]

gymnasium.register(
    id="assembly_rl/PegInHole-v0",
    entry_point="assembly_rl.envs.peg_in_hole:PegInHoleEnv",
)

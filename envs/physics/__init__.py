"""Physics: the PyBullet world, the tool on its servo, the wrench sensor and the contact certificate."""

from assembly_rl.envs.physics.config import PhysicsConfig, SensorConfig
from assembly_rl.envs.physics.sensor import WrenchSensor
from assembly_rl.envs.physics.world import InsertionWorld

__all__ = ["InsertionWorld", "PhysicsConfig", "SensorConfig", "WrenchSensor"]

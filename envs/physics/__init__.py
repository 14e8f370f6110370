"""Physics: the world interface, its engines, the wrench sensor and the contact certificate."""

from assembly_rl.envs.physics.bullet import BulletWorld
from assembly_rl.envs.physics.config import PhysicsConfig, SensorConfig
from assembly_rl.envs.physics.connection import NotCopied
from assembly_rl.envs.physics.display import require_display
from assembly_rl.envs.physics.engines import ENGINES, physics_rate, register_engine
from assembly_rl.envs.physics.mujoco import MujocoWorld
from assembly_rl.envs.physics.sensor import WrenchSensor
from assembly_rl.envs.physics.world import (
    ArmModel,
    SimulatedArm,
    SupportsArms,
    SupportsContacts,
    SupportsPictures,
    SupportsWindows,
    Window,
    World,
)

__all__ = [
    "ENGINES",
    "ArmModel",
    "BulletWorld",
    "MujocoWorld",
    "NotCopied",
    "PhysicsConfig",
    "SensorConfig",
    "SimulatedArm",
    "SupportsArms",
    "SupportsContacts",
    "SupportsPictures",
    "SupportsWindows",
    "Window",
    "World",
    "WrenchSensor",
    "physics_rate",
    "register_engine",
    "require_display",
]

register_engine("bullet", BulletWorld)
register_engine("mujoco", MujocoWorld)

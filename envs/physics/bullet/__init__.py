"""Physics engine ``bullet``, which uses PyBullet."""

from assembly_rl.envs.physics.bullet.world import BulletWorld

__all__ = ["BulletWorld"]

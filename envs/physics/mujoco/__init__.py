"""Physics engine ``mujoco``, which uses MuJoCo; it is imported when the first world is made."""

from assembly_rl.envs.physics.mujoco.world import MujocoWorld

__all__ = ["MujocoWorld"]

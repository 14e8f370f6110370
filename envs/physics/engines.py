"""Registry of physics engines; ``task.physics.engine`` selects one."""

from typing import Protocol

from assembly_rl.controllers.registry import Registry
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics.config import PhysicsConfig
from assembly_rl.envs.physics.world import World


class WorldFactory(Protocol):
    """Factory of worlds, such as the class of an engine.

    A factory may have an attribute ``default_rate``, the physics rate [Hz] for ``task.physics.rate=null``;
    otherwise it is ``DEFAULT_RATE``.
    """

    def __call__(self, part: PegHole, config: PhysicsConfig, cutoff: float, visual: bool) -> World:
        """Create a world.

        Args:
            part: Geometry of peg and hole.
            config: Servo and solver; its rate is a number.
            cutoff: Bandwidth of the wrench sensor's first-order filter [Hz].
            visual: Build visual shapes for pictures, too.
        """


DEFAULT_RATE = 1000.0
"""Physics rate of an engine that states none [Hz]."""

ENGINES: Registry[WorldFactory] = Registry("physics engine")


def physics_rate(config: PhysicsConfig) -> float:
    """Return the physics steps per second [Hz] of a configuration.

    Raises:
        ValueError: The rate is left to an engine that is unknown.
    """
    if config.rate is not None:
        return config.rate
    return float(getattr(ENGINES.get(config.engine), "default_rate", DEFAULT_RATE))


def register_engine(name: str, factory: WorldFactory) -> None:
    """Register a physics engine under its name in ``task.physics.engine``.

    Args:
        name: Name of the engine.
        factory: Factory of its worlds.

    Raises:
        ValueError: Another engine has the name.
    """
    ENGINES.register(name, factory)

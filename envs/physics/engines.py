"""Physics engines by name; ``task.physics.engine`` chooses one."""

from typing import Protocol

from assembly_rl.controllers.registry import Registry
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics.config import PhysicsConfig
from assembly_rl.envs.physics.world import World


class WorldFactory(Protocol):
    """Makes a world; the class of an engine does."""

    def __call__(self, part: PegHole, config: PhysicsConfig, cutoff: float, visual: bool) -> World:
        """Make a world.

        Args:
            part: Geometry of peg and hole.
            config: Servo and solver.
            cutoff: Bandwidth of the wrench sensor's first-order filter [Hz].
            visual: Prepare for pictures, too.
        """


ENGINES: Registry[WorldFactory] = Registry("physics engine")


def register_engine(name: str, factory: WorldFactory) -> None:
    """Make a physics engine known under the name that ``task.physics.engine`` has.

    Args:
        name: Name of the engine.
        factory: Maker of its worlds.

    Raises:
        ValueError: The name is taken by another engine.
    """
    ENGINES.register(name, factory)

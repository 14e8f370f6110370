"""Bodies for pictures and windows, without collision."""

from pathlib import Path

from assembly_rl.controllers.se3 import Vector
from assembly_rl.envs.geometry import PegHole, hole_visual_mesh, peg_visual_mesh
from assembly_rl.envs.physics.bullet.library import pybullet

PEG_COLOUR = (0.93, 0.55, 0.15, 1.0)
PLATE_COLOUR = (0.55, 0.62, 0.70, 1.0)


def add_picture(client: int, part: PegHole) -> int:
    """Add the plate, cut open, and the tool; return the number of the tool, whose frame is ``flange``."""
    _add(client, hole_visual_mesh(part), PLATE_COLOUR, (0.0, 0.0, 0.0))
    return _add(client, peg_visual_mesh(part), PEG_COLOUR, (0.0, 0.0, -part.peg_length))


def _add(client: int, mesh: Path, colour: tuple[float, ...], frame: Vector) -> int:
    shape = pybullet.createVisualShape(
        pybullet.GEOM_MESH,
        fileName=str(mesh),
        rgbaColor=colour,
        visualFramePosition=frame,
        physicsClientId=client,
    )
    return int(pybullet.createMultiBody(0.0, -1, shape, physicsClientId=client))

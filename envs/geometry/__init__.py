"""Peg and hole: sections, exact convex parts and mesh files."""

from assembly_rl.envs.geometry.decomposition import ConvexPart, hole_parts, hole_volume, peg_parts, peg_volume
from assembly_rl.envs.geometry.mesh import (
    cache_folder,
    hole_mesh,
    hole_visual_mesh,
    peg_mesh,
    peg_visual_mesh,
)
from assembly_rl.envs.geometry.part import PegHole
from assembly_rl.envs.geometry.sections import SECTIONS, section_outlines

__all__ = [
    "SECTIONS",
    "ConvexPart",
    "PegHole",
    "cache_folder",
    "hole_mesh",
    "hole_parts",
    "hole_visual_mesh",
    "hole_volume",
    "peg_mesh",
    "peg_parts",
    "peg_visual_mesh",
    "peg_volume",
    "section_outlines",
]

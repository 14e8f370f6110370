"""Configuration of a part, as the commands have it."""

from dataclasses import dataclass, field
from typing import Any

from assembly_rl.envs.geometry.part import PegHole


@dataclass
class GeometryConfig:
    """Part in its hole: the fields of ``PegHole``, with its defaults.

    Attributes:
        section: Name of the section.
        parameters: Parameters of the section [m].
        clearance: Gap between each side of the centred peg and the hole [m].
        chamfer: Width of the chamfer around the hole's mouth [m]; 0 for a sharp edge.
        hole_depth: Depth of the hole, the thickness of the plate if it goes through [m].
        peg_length: Length of the peg from its tip to the flange [m].
        tip_chamfer: Width of the chamfer of the peg's tip [m]; 0 for a sharp edge.
        blind: The hole has a floor at its depth.
        name: Name of the part in tables, pictures and bundles; empty for that of the section.
    """

    section: str = PegHole.section
    parameters: dict[str, Any] = field(default_factory=dict)
    clearance: float = PegHole.clearance
    chamfer: float = PegHole.chamfer
    hole_depth: float = PegHole.hole_depth
    peg_length: float = PegHole.peg_length
    tip_chamfer: float = PegHole.tip_chamfer
    blind: bool = PegHole.blind
    name: str = ""

    @property
    def label(self) -> str:
        """Name of the part, or of its section."""
        return self.name or self.section

    def part(self) -> PegHole:
        """Build the part.

        Raises:
            ValueError: A field is refused; the message says which and why.
        """
        return PegHole(**vars(self))

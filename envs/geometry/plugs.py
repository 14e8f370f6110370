"""Plugs from solids: the section that holds from the tip to the flange; millimetres."""

from dataclasses import dataclass, replace

import numpy as np

from assembly_rl.envs.geometry.axes import SAME, Direction, Faces
from assembly_rl.envs.geometry.mesh_files import Mesh
from assembly_rl.envs.geometry.polygons import Array
from assembly_rl.envs.geometry.prisms import View, axis_text, constant_section, refused, without_roundings
from assembly_rl.envs.geometry.slices import Region, Slice, deviation

SHARP = 0.01
"""Chamfers of at most this width [mm] are sharp edges."""

SLANT = 0.15
"""Directions with this share more of slanted surface than the best one are left out."""

ALIKE = 0.01
"""Relative difference of areas that count as the same."""

HEAD = 0.1
"""Share of the largest section by which a head must be larger than the tip."""

SLOPING = 0.25
"""Least length of a tip per width by which it narrows; a flatter one is an end that slopes."""


@dataclass(frozen=True, eq=False)
class Plug:
    """Plug measured on a solid.

    Attributes:
        section: Section of the plug in the view from its flange [mm], its axis turned by ``rotation_to_z``.
        axis: Unit vector (3,) from the tip to the flange in the coordinates of the file.
        length: Length [mm] from the tip to the flange.
        tip_chamfer: Width [mm] of the 45 degree chamfer of the tip.
        reversible: Either end may be the tip.
        notes: Remarks.
    """

    section: Region
    axis: Array
    length: float
    tip_chamfer: float
    reversible: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Tip:
    """Possible tip: end of a solid that is a prism.

    Attributes:
        view: Solid with the tip down.
        low: Height [mm] at which the prism begins, above its chamfer.
        high: Height [mm] at which it ends.
        area: Area of its section [mm^2].
        reach: Length [mm] times how much larger the head is than the tip.
    """

    view: View
    low: float
    high: float
    area: float
    reach: float

    @property
    def length(self) -> float:
        """Length [mm] of the prism."""
        return self.high - self.low

    @property
    def margin(self) -> float:
        """Length [mm] of what lies before the prism."""
        return self.low - self.view.slicer.bottom


def plug_from(mesh: Mesh, axis: Array | None = None) -> Plug:
    """Measure a plug.

    The tip is the end with the smaller section that holds. Of several directions it is the one with the
    longest tip, where a solid with a head counts by how much its head is larger.

    Args:
        mesh: Solid [mm].
        axis: Direction (3,) from tip to flange, or the other way round if the ends differ; None to find it.

    Raises:
        ValueError: The solid is no prism, or its surface is open or crosses itself.
    """
    faces = Faces(mesh)
    directions = faces.directions() if axis is None else [faces.direction(axis)]
    with_ends = [direction for direction in directions if direction.ends]
    least = min((direction.slanted for direction in with_ends), default=0.0)
    likely = [direction for direction in with_ends if direction.slanted <= least + SLANT]
    tips = [tip for direction in likely for tip in _tips(mesh, direction)]
    if not tips:
        raise refused(mesh, directions)
    tip = max(tips, key=lambda tip: (round(tip.reach, 3), round(tip.margin, 2)))  # the first one of equals
    view = tip.view
    low, high = without_roundings(view, tip.low, tip.high)
    tip = replace(tip, low=low, high=high)
    section, notes = constant_section(view, tip.low, tip.high, lambda piece: piece.region, mesh.name)
    chamfer, more = _chamfer(tip, section)
    length = tip.high - view.slicer.bottom
    rest = view.slicer.top - tip.high
    text = f"axis {axis_text(view.direction.axis)}, from its tip; its section holds over {tip.length:.4g} mm"
    if rest > SHARP:
        text += f", engaged length {length:.4g} mm; the {rest:.4g} mm beyond (flange, head) are left out"
    return Plug(
        section=section,
        axis=view.direction.axis,
        length=length,
        tip_chamfer=chamfer,
        reversible=rest <= SHARP and tip.margin <= SHARP,
        notes=(*mesh.notes, text, *notes, *more),
    )


def _tips(mesh: Mesh, direction: Direction) -> list[_Tip]:
    """Possible tips in a direction, either way: the smaller section, the longer one of equal ones."""
    view = View(mesh, direction)
    areas = [view.slicer.at(0.5 * (low + high)).region.area for low, high in direction.runs]
    around = np.linspace(direction.bottom, direction.top, 10)[1:-1].tolist()
    largest = max([*areas, *(view.slicer.at(height).region.area for height in around)])
    found = []
    for area, (low, high) in zip(areas, direction.runs, strict=True):
        if (low, high) not in direction.ends or area == 0.0:
            continue
        length = high - low
        margins = low - direction.bottom, direction.top - high
        share = 1.0
        if sum(margins) > 0.1 * length:
            share = max(0.01, (1.0 - area / largest - HEAD) / (1.0 - HEAD))
        inside = view.slicer.at(0.5 * (low + high)).region.buffer(SAME)
        for up, margin in zip((True, False), margins, strict=True):
            if margin > min(length, direction.top - direction.bottom - length + SHARP):
                continue
            end = direction.bottom + 0.05 * margin if up else direction.top - 0.05 * margin
            if margin > SHARP:
                first = view.slicer.at(end).region
                if not inside.contains(first) or SLOPING * deviation(first, inside) > margin:
                    continue  # a thin flange, or an end that is not across the direction
            own = view if up else View(mesh, reversed_direction(direction))
            bounds = (low, high) if up else (-high, -low)
            found.append(_Tip(own, *bounds, area, share * length))
    least = min((tip.area for tip in found), default=0.0)
    return [tip for tip in found if tip.area <= (1.0 + ALIKE) * least]


def reversed_direction(direction: Direction) -> Direction:
    """Look at a solid from its other end."""
    runs = tuple((-high, -low) for low, high in reversed(direction.runs))
    return replace(direction, axis=-direction.axis, bottom=-direction.top, top=-direction.bottom, runs=runs)


def _chamfer(tip: _Tip, section: Region) -> tuple[float, list[str]]:
    """Width [mm] of a 45 degree chamfer of a tip, 0 for an edge of another form, and notes."""
    if tip.margin <= SHARP:
        return 0.0, []
    bottom = tip.view.slicer.bottom
    slices = [tip.view.slicer.at(bottom + share * tip.margin) for share in (0.05, 0.5, 0.95)]
    if all(is_chamfered(piece, section, piece.height - tip.low) for piece in slices):
        return tip.margin, [f"its tip has a chamfer of {tip.margin:.3g} mm"]
    narrowing = deviation(slices[0].region, section)
    return 0.0, [
        f"the first {tip.margin:.3g} mm of its tip narrow by {narrowing:.3g} mm, no 45 degree chamfer: taken "
        "as sharp"
    ]


def is_chamfered(piece: Slice, section: Region, widening: float) -> bool:
    """Return True if a slice is a section with its edges moved outward by a distance [mm]."""
    expected = section.buffer(widening, join_style="mitre", mitre_limit=10.0)
    return deviation(piece.region, expected) <= SAME + 0.02 * abs(widening)

"""Sockets from solids: the section of the opening, its depth, and the chamfer of its mouth; millimetres."""

from collections.abc import Callable
from dataclasses import dataclass

import shapely
from shapely.geometry import Polygon

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.axes import SAME, Faces
from assembly_rl.envs.geometry.mesh_files import Mesh
from assembly_rl.envs.geometry.plugs import SHARP, SLANT, is_chamfered, reversed_direction
from assembly_rl.envs.geometry.polygons import Array
from assembly_rl.envs.geometry.prisms import View, axis_text, constant_section, limit
from assembly_rl.envs.geometry.slices import Region, Slice, deviation, polygons_of

LEVELS = 24
"""Number of heights at which openings are looked for."""

STEP = 0.02
"""Distance [mm] beyond the end of an opening at which is seen what follows."""

MIN_DEPTH = 1.0
"""Least depth [mm] of an opening."""


@dataclass(frozen=True, eq=False)
class Socket:
    """Socket measured on a solid.

    Attributes:
        section: Section of the opening, cores left out, seen from above its mouth [mm], its axis turned by
            ``rotation_to_z``.
        axis: Unit vector (3,) out of the mouth in the coordinates of the file.
        depth: Depth [mm] from the mouth.
        chamfer: Width [mm] of the 45 degree chamfer of the mouth.
        blind: The opening has a floor.
        notes: Remarks.
    """

    section: Region
    axis: Array
    depth: float
    chamfer: float
    blind: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Opening:
    """Length of a solid over which the section of its opening stays the same."""

    view: View
    part_of: Callable[[Slice], Region]
    low: float
    high: float

    @property
    def length(self) -> float:
        return self.high - self.low

    @property
    def section(self) -> Region:
        return self.part_of(self.view.slicer.at(0.5 * (self.low + self.high)))


def socket_from(mesh: Mesh, axis: Array | None = None, within: Region | None = None) -> Socket:
    """Measure a socket.

    The opening is what the outside of a slice encloses and its material leaves free. Of several directions it
    is the one in which the section of the opening holds longest. Its mouth is the open end, of two open ends
    the chamfered or else the upper one along the axis.

    Args:
        mesh: Solid [mm].
        axis: Direction (3,) out of the mouth, or into it; None to find it.
        within: Section [mm] of the plug in the view along the axis; openings apart from it are left out.

    Raises:
        ValueError: There is no opening whose section holds, or the surface is open or crosses itself.
    """
    faces = Faces(mesh)
    directions = faces.directions() if axis is None else [faces.direction(axis)]
    least = min(direction.slanted for direction in directions)
    best: _Opening | None = None
    for direction in directions:
        if direction.slanted > least + 2.0 * SLANT:
            continue
        opening = _opening(View(mesh, direction), within)
        if opening is not None and (best is None or opening.length > best.length + SHARP):
            best = opening
    if best is None or best.length < MIN_DEPTH:
        along = f"along {axis_text(directions[0].axis)}" if axis is not None else "in any direction"
        raise InputError(
            f"{mesh.name} has no closed opening whose section holds over {MIN_DEPTH:g} mm {along}: "
            "check that it is the socket, or give the axis"
        )
    return _measured(mesh, best, within)


def opening_of(region: Region, within: Region | None = None) -> Region:
    """Free area that the outlines of a slice enclose.

    Args:
        region: Material [mm].
        within: Section of a plug [mm]; openings apart from it are left out. None for all openings.
    """
    filled = shapely.union_all([Polygon(piece.exterior) for piece in polygons_of(region)])
    free = [piece for piece in polygons_of(filled.difference(region)) if piece.area > SHARP]
    if within is not None:
        free = [piece for piece in free if piece.intersects(within)]
    return shapely.union_all(free) if free else Polygon()


def _opening(view: View, within: Region | None) -> _Opening | None:
    """Longest opening of a constant section."""

    def part_of(piece: Slice) -> Region:
        return opening_of(piece.region, within)

    slicer = view.slicer
    levels = slicer.levels(slicer.bottom, slicer.top, LEVELS)
    openings = [part_of(slicer.at(height)) for height in levels]
    best: _Opening | None = None
    start = 0
    while start < len(levels):
        end = start
        while end + 1 < len(levels) and _same(openings[start], openings[end + 1]):
            end += 1
        if not openings[start].is_empty:
            section = openings[(start + end) // 2]

            def holds(height: float, section: Region = section) -> bool:
                return _same(part_of(slicer.at(height)), section)

            low = limit(holds, levels[start], levels[start - 1] if start > 0 else slicer.bottom)
            low = slicer.vertex_near(low, 2.0 * SAME)
            high = limit(holds, levels[end], levels[end + 1] if end + 1 < len(levels) else slicer.top)
            high = slicer.vertex_near(high, 2.0 * SAME)
            if best is None or high - low > best.length:
                best = _Opening(view, part_of, low, high)
        start = end + 1
    return best


def _same(first: Region, second: Region) -> bool:
    return not first.is_empty and not second.is_empty and deviation(first, second) <= SAME


def _measured(mesh: Mesh, opening: _Opening, within: Region | None) -> Socket:
    """Socket of an opening, its mouth up."""
    mouth, floor = _end(opening, 1.0), _end(opening, -1.0)
    if within is None and floor.is_open and (not mouth.is_open or floor.chamfer > mouth.chamfer):
        direction = reversed_direction(opening.view.direction)
        opening = _Opening(View(mesh, direction), opening.part_of, -opening.high, -opening.low)
        mouth, floor = floor, mouth
    axis = opening.view.direction.axis
    if not mouth.is_open:
        raise InputError(
            f"{mesh.name}: its opening has no open end along {axis_text(axis)}: check that it is the socket"
        )
    section, notes = constant_section(opening.view, opening.low, opening.high, opening.part_of, mesh.name)
    text = f"axis {axis_text(axis)}, out of its mouth; its section holds over {opening.length:.4g} mm"
    pieces = len(polygons_of(section))
    if pieces > 1 and within is None:
        notes.append(f"it has {pieces} openings, each for a pin: fill those that take none")
    if mouth.chamfer > 0.0:
        notes.append(f"its mouth has a chamfer of {mouth.chamfer:.3g} mm")
    elif mouth.margin > SHARP:
        notes.append(f"the first {mouth.margin:.3g} mm of its mouth are no 45 degree chamfer: taken as sharp")
    return Socket(
        section=section,
        axis=axis,
        depth=opening.length + mouth.margin,
        chamfer=mouth.chamfer,
        blind=not floor.is_open,
        notes=(*mesh.notes, text, *notes),
    )


@dataclass(frozen=True)
class _End:
    """End of an opening.

    Attributes:
        is_open: A plug can pass.
        margin: Length [mm] between the constant section and the end of the solid.
        chamfer: Width [mm] of a 45 degree chamfer there.
    """

    is_open: bool
    margin: float = 0.0
    chamfer: float = 0.0


def _end(opening: _Opening, side: float) -> _End:
    """Upper end of an opening for a side of 1, lower end for -1."""
    slicer, section = opening.view.slicer, opening.section
    core = section.buffer(-SAME)
    near, far = (opening.high, slicer.top) if side > 0.0 else (opening.low, slicer.bottom)

    def is_open(height: float) -> bool:
        region = slicer.at(height).region
        return not region.is_empty and not region.intersects(core)

    if side * (far - near) <= STEP:
        return _End(True)
    if not is_open(near + side * STEP):
        return _End(slicer.at(near + side * STEP).region.is_empty)
    if not is_open(far - side * 1e-4):
        far = limit(is_open, near + side * STEP, far)
    margin = side * (far - near)
    slices = [slicer.at(near + side * share * margin) for share in (0.05, 0.5, 0.95)]
    widened = [Slice(s.height, opening.part_of(s)) for s in slices]
    if all(is_chamfered(s, section, side * (s.height - near)) for s in widened):
        return _End(True, margin, margin)
    return _End(True, margin)

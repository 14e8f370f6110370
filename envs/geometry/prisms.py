"""Lengths of a solid over which its section stays the same, checked slice by slice; millimetres."""

from collections.abc import Callable, Sequence

import numpy as np

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.axes import SAME, Direction, rotation_to_z
from assembly_rl.envs.geometry.mesh_files import Mesh
from assembly_rl.envs.geometry.polygons import Array
from assembly_rl.envs.geometry.slices import CRACK, Region, Slice, Slicer, deviation

TRIED = 8
"""Number of directions of a solid that is no prism for which the change of its section is measured."""


ROUNDED = 0.1
"""Largest share of a prism's length that the facets of a rounding at its end may have."""

HALVINGS = 14
"""Number of halvings that find the end of a section: to 0.01 mm between levels 100 mm apart."""


class NotPrismatic(InputError):
    """Refusal of a solid whose section changes.

    Args:
        message: Change of the section and the heights.
        slices: Slices that were compared, for a picture.
    """

    def __init__(self, message: str, slices: Sequence[Slice] = ()):
        super().__init__(message)
        self.slices = tuple(slices)


class View:
    """Solid turned so that a direction is z.

    Args:
        mesh: Solid [mm].
        direction: Direction that becomes z.
    """

    def __init__(self, mesh: Mesh, direction: Direction):
        self.direction = direction
        self.rotation = rotation_to_z(direction.axis)
        self.slicer = Slicer(mesh.vertices @ self.rotation.T, mesh.faces, mesh.bodies)

    def place(self, point: Sequence[float], height: float) -> str:
        """Describe a point (2,) at a height [mm] in the coordinates of the file."""
        x, y, z = (self.rotation.T @ [point[0], point[1], height]).round(3) + 0.0
        return f"x = {x:g}, y = {y:g}, z = {z:g} mm"


def constant_section(
    view: View, low: float, high: float, part_of: Callable[[Slice], Region], name: str
) -> tuple[Region, list[str]]:
    """Check that a section stays within ``SAME`` between two heights.

    Args:
        view: Solid.
        low: Lower height [mm].
        high: Upper height [mm].
        part_of: Function that takes the section from a slice.
        name: Name of the file for errors.

    Returns:
        Section [mm] and notes.

    Raises:
        ValueError: The section changes, or the surface is open or crosses itself.
    """
    slices = [view.slicer.at(height) for height in view.slicer.levels(low, high)]
    for piece in slices:
        if piece.crossing is not None:
            raise InputError(
                f"{name}: its surface crosses itself near {view.place(piece.crossing, piece.height)}: "
                "join its bodies and export it again"
            )
    closed = [piece for piece in slices if piece.gap <= CRACK]
    widest = max(slices, key=lambda piece: piece.gap)
    if not closed:
        raise _open(name, view, widest)
    middle = min(closed, key=lambda piece: abs(piece.height - 0.5 * (low + high)))
    section = part_of(middle)
    changes = [deviation(part_of(piece), section) for piece in slices]
    worst = int(np.argmax(changes))
    if changes[worst] > SAME:
        if slices[worst].gap > CRACK:
            raise _open(name, view, slices[worst])
        raise NotPrismatic(changes_message(name, view, middle, slices[worst], changes[worst]), slices)
    notes = []
    if widest.gap > CRACK:
        notes.append(f"its surface is open by up to {widest.gap:.3g} mm, which was closed by straight lines")
    if any(piece.joined for piece in slices):
        notes.append("bodies that overlap were joined")
    return section, notes


def without_roundings(view: View, low: float, high: float) -> tuple[float, float]:
    """Shorten a prism by the last facets of roundings at its ends, which are nearly as steep as its sides.

    Args:
        view: Solid.
        low: Lower height [mm].
        high: Upper height [mm].

    Returns:
        Heights [mm] between which the section may hold; at most ``ROUNDED`` of the length less at each end.
    """
    slicer, length = view.slicer, high - low
    middle = slicer.at(0.5 * (low + high)).region

    def holds(height: float) -> bool:
        return deviation(slicer.at(height).region, middle) <= SAME

    found = []
    for end, inward in ((low, 1.0), (high, -1.0)):
        inside = end + inward * ROUNDED * length
        if not holds(end + inward * 1e-3 * length) and holds(inside):
            end = slicer.vertex_beyond(limit(holds, inside, end), inward)
        found.append(end)
    return found[0], found[1]


def limit(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """Find the height up to which a condition holds, between one where it does and one where it does not."""
    for _ in range(HALVINGS):
        middle = 0.5 * (inside + outside)
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return 0.5 * (inside + outside)


def changes_message(name: str, view: View, first: Slice, second: Slice, change: float) -> str:
    """Return the refusal of a section that differs between two slices by a distance [mm]."""
    bottom = view.slicer.bottom
    low, high = sorted((first.height - bottom, second.height - bottom))
    figure = f"changes by {change:.3g} mm" if np.isfinite(change) else "vanishes"
    return (
        f"{name} is no prism along {axis_text(view.direction.axis)}: its section {figure} between {low:.3g} "
        f"and {high:.3g} mm from its end, {SAME:g} mm is accepted: give the axis, or use another part"
    )


def refused(mesh: Mesh, directions: Sequence[Direction]) -> NotPrismatic:
    """Return the refusal of a solid without a prism at its end, along which its section changes least."""
    views = [View(mesh, direction) for direction in directions[:TRIED]]
    view = min(views, key=_change)
    name, slicer = mesh.name, view.slicer
    slices = [slicer.at(height) for height in np.linspace(slicer.bottom, slicer.top, 12)[1:-1].tolist()]
    changes = [[deviation(a.region, b.region) for b in slices] for a in slices]
    i, j = np.unravel_index(int(np.argmax(changes)), (len(slices), len(slices)))
    return NotPrismatic(changes_message(name, view, slices[i], slices[j], changes[i][j]), slices)


def _change(view: View) -> float:
    bottom, height = view.slicer.bottom, view.slicer.top - view.slicer.bottom
    low, middle, high = (view.slicer.at(bottom + share * height).region for share in (0.15, 0.5, 0.85))
    return max(deviation(low, middle), deviation(middle, high))


def _open(name: str, view: View, piece: Slice) -> InputError:
    place = view.place(piece.gap_place, piece.height)
    gap = f"by {piece.gap:.3g} mm" if np.isfinite(piece.gap) else "in many places, one"
    return InputError(f"{name}: its surface is open {gap} near {place}: close it and export it again")


def axis_text(axis: Array) -> str:
    """Return the coordinates of an axis for a message."""
    return "({:g}, {:g}, {:g})".format(*(axis.round(4) + 0.0))

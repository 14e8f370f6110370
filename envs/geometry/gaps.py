"""Fit of a plug in a socket: the gap between two sections; millimetres."""

import numpy as np
import shapely

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.polygons import Array
from assembly_rl.envs.geometry.slices import Region, boundary_points, distances_to

UNEVEN = 0.05
"""Largest difference [mm] between the widest and the narrowest gap."""

TOUCHING = 1e-3
"""Largest depth [mm] of the plug in the wall that comes from rounding."""


def even_gap(plug: Region, opening: Region) -> tuple[float, float, float]:
    """Measure the gap between a plug and the opening that it is in.

    At a corner the wall may be as far as sharp corners of both require.

    Args:
        plug: Section of the plug [mm].
        opening: Section of the opening [mm], in the same frame.

    Returns:
        Clearance, and the least and the largest gap [mm].

    Raises:
        ValueError: The plug is not within the opening, or the gap is not the same all around.
    """
    outside = boundary_points(plug)
    gaps = distances_to(opening, outside)
    inside = np.asarray(shapely.contains_xy(opening, outside))
    worst = int(np.argmax(np.where(inside, 0.0, gaps)))
    if not inside.all() and gaps[worst] <= TOUCHING:
        raise InputError(
            f"the plug touches the socket near {_place(outside[worst])}: a clearance is needed, or leave out "
            "the socket and give the clearance"
        )
    if not inside.all():
        raise InputError(
            f"the plug is {gaps[worst]:.3g} mm in the wall of the socket near {_place(outside[worst])}, and "
            f"the centres are {_shift(plug, opening)} apart: export both in one frame, as assembled"
        )
    clearance = float(np.median(gaps))
    even = plug.buffer(clearance, join_style="mitre", mitre_limit=10.0)
    wall = boundary_points(opening)
    beyond = np.where(shapely.contains_xy(even, wall), 0.0, distances_to(even, wall))
    points = np.concatenate((outside, wall))
    widths = clearance + np.concatenate((gaps - distances_to(even, outside), beyond))
    least, largest = int(np.argmin(gaps)), int(np.argmax(widths))
    if widths[largest] - gaps[least] > UNEVEN:
        raise InputError(
            f"the gap between plug and socket is uneven, {gaps[least]:.3g} mm near {_place(outside[least])} "
            f"and {widths[largest]:.3g} mm near {_place(points[largest])}, and the centres are "
            f"{_shift(plug, opening)} apart; {UNEVEN:g} mm of difference is accepted: centre the plug, or "
            "export both with finer chords"
        )
    return clearance, float(gaps[least]), float(widths[largest])


def _place(point: Array) -> str:
    x, y = (point.round(3) + 0.0).tolist()
    return f"x = {x:g} mm, y = {y:g} mm"


def _shift(plug: Region, opening: Region) -> str:
    a, b = plug.centroid, opening.centroid
    return f"({b.x - a.x:.3g}, {b.y - a.y:.3g}) mm"

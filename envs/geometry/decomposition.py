"""Exact convex decomposition of the peg and of the plate around the hole.

Frames: ``tip`` has its origin at the centre of the peg's bottom face and z along the peg towards the flange;
``hole`` has its origin at the centre of the hole's mouth on the plate's top surface and z out of the hole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.part import PegHole
from assembly_rl.envs.geometry.polygons import TOLERANCE, Array, area, convex_partition, offset, pieces


@dataclass(frozen=True, eq=False)
class ConvexPart:
    """Convex polyhedron.

    Attributes:
        vertices: (M, 3) corners [m].
        faces: Vertex indices of every face, counter-clockwise seen from outside.
    """

    vertices: Array
    faces: tuple[tuple[int, ...], ...]

    @property
    def triangles(self) -> list[tuple[int, int, int]]:
        """Faces divided into triangles."""
        return [(f[0], f[i], f[i + 1]) for f in self.faces for i in range(1, len(f) - 1)]

    @property
    def volume(self) -> float:
        """Volume [m^3]: the sum of the tetrahedra from a vertex to all triangles."""
        corners = (self.vertices - self.vertices[0])[np.array(self.triangles)]
        return float(np.sum(np.linalg.det(corners)) / 6.0)

    @property
    def excess(self) -> float:
        """Largest distance [m] of a vertex outside the plane of a face: 0 for a convex polyhedron."""
        distances = [0.0]
        for face in self.faces:
            corners = self.vertices[list(face)] - self.vertices[face[0]]
            normal = np.sum(np.cross(corners, np.roll(corners, -1, axis=0)), axis=0)
            heights = (self.vertices - self.vertices[face[0]]) @ normal / np.linalg.norm(normal)
            distances.append(float(np.max(heights)))
        return max(distances)


def prism(outline: Array, bottom: float, top: float) -> ConvexPart:
    """Upright prism over a convex outline (N, 2) from z = ``bottom`` to z = ``top`` [m]."""
    return _loft(_at_height(outline, bottom), _at_height(outline, top))


def peg_parts(part: PegHole) -> list[ConvexPart]:
    """Convex parts of the peg in the frame ``tip`` [m]: z from 0 to ``peg_length``.

    A convex pin is one part, with its chamfer. Of any other one the chamfered end is divided like the plate:
    a part behind each edge, and prisms between them.
    """
    chamfer, length = part.tip_chamfer, part.peg_length
    found = []
    for outlines in pieces(part.peg_outlines):
        bodies = convex_partition(outlines)
        if chamfer == 0.0:
            found += [prism(outline, 0.0, length) for outline in bodies]
        elif len(bodies) == 1:
            levels = ((-chamfer, 0.0), (0.0, chamfer), (0.0, length))
            found.append(_stacked([_at_height(offset(bodies[0], d), z) for d, z in levels]))
        else:
            found += [prism(outline, chamfer, length) for outline in bodies]
            inner = tuple(offset(outline, -chamfer) for outline in outlines)
            found += [prism(outline, 0.0, chamfer) for outline in convex_partition(inner)]
            profile = [(-chamfer, 0.0), (-chamfer, chamfer), (0.0, chamfer)]
            found += [piece for outline in outlines for piece in _along_edges(outline, profile)]
    return found


def hole_parts(part: PegHole) -> list[ConvexPart]:
    """Convex parts of the plate around the hole in the frame ``hole`` [m]: z from -``hole_depth`` to 0.

    Behind each edge of the hole is a part. It contains wall and chamfer in one piece and meets its neighbours
    on the mitre planes of the corners, so that the peg slides over no seam. Prisms fill the plate between the
    walls of several outlines; a blind hole has a floor below -``hole_depth``.
    """
    wall, chamfer, depth = part.wall, part.chamfer, part.hole_depth
    profile = [(0.0, -depth), (0.0, -chamfer), (chamfer, 0.0), (wall, 0.0), (wall, -depth)]  # (offset, z)
    if chamfer == 0.0:
        profile.pop(1)
    found = [piece for outline in part.hole_outlines for piece in _along_edges(outline, profile)]
    for outlines in _between_walls(part):
        found += [prism(outline, -depth, 0.0) for outline in convex_partition(outlines)]
    if part.blind:
        floor = convex_partition([part.plate_outline])
        found += [prism(outline, -depth - part.floor, -depth) for outline in floor]
    return found


def _between_walls(part: PegHole) -> list[tuple[Array, ...]]:
    """Sections of the plate that no wall of the hole covers."""
    edges = [offset(outline, part.wall)[::-1] for outline in part.hole_outlines]
    if part.ends_with_wall:
        return pieces([edge for edge in edges if area(edge) > 0.0])  # within the walls of cores
    return pieces([part.plate_outline, *edges])


def peg_volume(part: PegHole) -> float:
    """Volume [m^3] of the peg from the areas of its sections, see ``hole_volume``."""
    chamfer = part.tip_chamfer
    tip, middle, full = (_area_at(part.peg_outlines, d) for d in (-chamfer, -0.5 * chamfer, 0.0))
    return full * (part.peg_length - chamfer) + chamfer * (tip + 4.0 * middle + full) / 6.0


def hole_volume(part: PegHole) -> float:
    """Volume [m^3] of the plate around the hole from the areas of its sections.

    The area of an offset outline is quadratic in the offset, so Simpson's rule is exact over the chamfer.
    """
    inner, middle, mouth = (_area_at(part.hole_outlines, d) for d in (0.0, 0.5 * part.chamfer, part.chamfer))
    chamfered = part.chamfer * (inner + 4.0 * middle + mouth) / 6.0
    plate = area(part.plate_outline) * (part.hole_depth + part.floor)
    return plate - inner * (part.hole_depth - part.chamfer) - chamfered


def _area_at(outlines: tuple[Array, ...], distance: float) -> float:
    return sum(area(offset(outline, distance)) for outline in outlines)


def _along_edges(outline: Array, profile: Sequence[tuple[float, float]]) -> list[ConvexPart]:
    """Parts behind the edges of an outline with a convex profile.

    Args:
        outline: Vertices (N, 2) [m].
        profile: Corners (offset of the outline, z) [m], clockwise with the offset to the right.
    """
    rings = np.stack([_at_height(offset(outline, d), z) for d, z in profile], axis=1)
    return [_loft(ring, following) for ring, following in zip(rings, np.roll(rings, -1, axis=0), strict=True)]


def _at_height(outline: Array, z: float) -> Array:
    return np.column_stack((outline, np.full(len(outline), z)))


def _loft(first: Array, second: Array) -> ConvexPart:
    """Polyhedron between two polygons (K, 3), both counter-clockwise about the axis from first to second."""
    return _stacked([first, second])


def _stacked(rings: Sequence[Array]) -> ConvexPart:
    """Polyhedron through polygons (K, 3), all counter-clockwise about the axis from the first to the last."""
    count, levels = len(rings[0]), len(rings)
    around = [(i, (i + 1) % count) for i in range(count)]
    faces = (
        tuple(reversed(range(count))),
        tuple(range((levels - 1) * count, levels * count)),
        *(
            (a + low, b + low, b + low + count, a + low + count)
            for low in range(0, (levels - 1) * count, count)
            for a, b in around
        ),
    )
    result = ConvexPart(np.concatenate(rings), faces)
    if result.volume <= 0.0 or result.excess > TOLERANCE:
        raise InputError(f"the section has no exact convex parts: one bulges by {result.excess:.3g} m")
    return result

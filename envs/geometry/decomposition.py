"""Exact convex decomposition of the peg and of the plate around the hole.

Frames: ``tip`` has its origin at the centre of the peg's bottom face and z along the peg towards the flange;
``hole`` has its origin at the centre of the hole's mouth on the plate's top surface and z out of the hole.
"""

from dataclasses import dataclass

import numpy as np

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.part import PegHole
from assembly_rl.envs.geometry.polygons import TOLERANCE, Array, area, convex_partition, offset


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
    """Convex parts of the peg in the frame ``tip`` [m]: z from 0 to ``peg_length``."""
    outline = part.peg_outline
    return [prism(outline[list(indices)], 0.0, part.peg_length) for indices in convex_partition(outline)]


def hole_parts(part: PegHole) -> list[ConvexPart]:
    """Convex parts of the plate around the hole in the frame ``hole`` [m]: z from -``hole_depth`` to 0.

    Part ``i`` lies behind edge ``i`` of the hole. It contains wall and chamfer in one piece and meets its
    neighbours on the mitre planes of the corners, so that the peg slides over no seam.
    """
    wall, chamfer, depth = part.wall, part.chamfer, part.hole_depth
    profile = [(0.0, -depth), (0.0, -chamfer), (chamfer, 0.0), (wall, 0.0), (wall, -depth)]  # (offset, z)
    if chamfer == 0.0:
        profile.pop(1)
    rings = np.stack([_at_height(offset(part.hole_outline, d), z) for d, z in profile], axis=1)
    return [_loft(ring, following) for ring, following in zip(rings, np.roll(rings, -1, axis=0), strict=True)]


def peg_volume(part: PegHole) -> float:
    """Volume [m^3] of the peg from the area of its section."""
    return area(part.peg_outline) * part.peg_length


def hole_volume(part: PegHole) -> float:
    """Volume [m^3] of the plate around the hole from the areas of its sections.

    The area of an offset outline is quadratic in the offset, so Simpson's rule is exact over the chamfer.
    """
    outer, inner, middle, mouth = (
        area(offset(part.hole_outline, d)) for d in (part.wall, 0.0, 0.5 * part.chamfer, part.chamfer)
    )
    chamfered = part.chamfer * (inner + 4.0 * middle + mouth) / 6.0
    return outer * part.hole_depth - inner * (part.hole_depth - part.chamfer) - chamfered


def _at_height(outline: Array, z: float) -> Array:
    return np.column_stack((outline, np.full(len(outline), z)))


def _loft(first: Array, second: Array) -> ConvexPart:
    """Polyhedron between two polygons (K, 3), both counter-clockwise about the axis from first to second."""
    count = len(first)
    around = [(i, (i + 1) % count) for i in range(count)]
    faces = (
        tuple(reversed(range(count))),
        tuple(range(count, 2 * count)),
        *((a, b, b + count, a + count) for a, b in around),
    )
    result = ConvexPart(np.concatenate((first, second)), faces)
    if result.volume <= 0.0 or result.excess > TOLERANCE:
        raise InputError(f"the section has no exact convex parts: one bulges by {result.excess:.3g} m")
    return result

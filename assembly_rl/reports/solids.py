"""Pictures of convex polyhedra by a depth buffer, in parallel projection, with their edges drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import ConvexHull

from assembly_rl.envs.geometry.polygons import Array

OVERSAMPLING = 2
"""Factor of oversampling, which smooths the edges."""

INK = (44, 52, 64)

SMOOTH = cos(radians(18.0))
"""Faces that meet at a smaller angle have no line between them."""

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class View:
    """Parallel projection.

    Attributes:
        right: Unit vector (3,) to the right in the picture.
        up: Unit vector (3,) upwards in the picture.
    """

    right: Array
    up: Array

    @classmethod
    def of(cls, right: Array, towards: Array, azimuth: float, elevation: float) -> "View":
        """Return the view from ``towards``, turned to the right and upwards.

        Args:
            right: Horizontal unit vector (3,) to the right.
            towards: Horizontal unit vector (3,) to the viewer.
            azimuth: Turn to the right [deg].
            elevation: Turn upwards [deg].
        """
        a, e = radians(azimuth), radians(elevation)
        front = cos(a) * towards + sin(a) * right
        return cls(cos(a) * right - sin(a) * towards, cos(e) * np.array([0.0, 0.0, 1.0]) - sin(e) * front)

    def project(self, points: Array) -> Array:
        """Project points (..., 3) onto the picture: to the right, upwards, towards the viewer."""
        return points @ np.stack((self.right, self.up, np.cross(self.right, self.up)), axis=1)


@dataclass(frozen=True)
class Solid:
    """Body of convex parts in one colour.

    Attributes:
        parts: Corners (M, 3) of every convex part.
        colour: Colour of its faces.
        cut: Plane (normal (3,), offset): what is beyond it is left out. None for a whole body.
        cut_colour: Colour of the faces of the cut.
    """

    parts: Sequence[Array]
    colour: Colour
    cut: tuple[Array, float] | None = None
    cut_colour: Colour = INK


def clipped(corners: Array, normal: Array, offset: float) -> Array:
    """Corners of the part of a convex body for which ``normal @ point <= offset``; perhaps none."""
    heights = corners @ normal - offset
    if (heights <= 1e-12).all():
        return corners
    inside, outside = np.flatnonzero(heights <= 0.0), np.flatnonzero(heights > 0.0)
    share = heights[inside, None] / (heights[inside, None] - heights[outside])
    crossing = corners[inside, None] + share[..., None] * (corners[outside] - corners[inside, None])
    return np.concatenate((corners[inside], crossing.reshape(-1, 3)))


def picture(
    solids: Sequence[Solid], view: View, extent: tuple[float, float, float, float], width: int, height: int
) -> NDArray[np.uint8]:
    """Draw solids on white.

    Args:
        solids: Solids, which do not intersect.
        view: Projection.
        extent: Left, right, bottom and top of the picture in projected coordinates.
        width: Width [pixels].
        height: Height [pixels].

    Returns:
        Picture (height, width, 3).
    """
    columns, rows = OVERSAMPLING * width, OVERSAMPLING * height
    left, right, bottom, top = extent
    depth = np.full((rows, columns), -np.inf)
    shown = np.full((rows, columns), -1)
    faces: list[tuple[int, Array, Colour]] = []
    known: dict[tuple[float, ...], int] = {}
    towards = np.cross(view.right, view.up)
    light = -0.35 * view.right + 0.75 * view.up + 0.9 * towards
    light /= np.linalg.norm(light)
    for number, solid in enumerate(solids):
        for corners in solid.parts:
            if solid.cut is not None:
                corners = clipped(corners, *solid.cut)
                if len(corners) < 4 or np.ptp(corners @ solid.cut[0]) < 1e-9:
                    continue
            hull = ConvexHull(corners)
            points = view.project(corners)
            points[:, 0] = (points[:, 0] - left) / (right - left) * columns
            points[:, 1] = (top - points[:, 1]) / (top - bottom) * rows
            for simplex, (*plane, away) in zip(hull.simplices, hull.equations.tolist(), strict=True):
                normal = np.array(plane)
                if normal @ towards <= 1e-9:
                    continue
                key = (number, *(normal.round(4) + 0.0).tolist(), round(away, 7))
                if key not in known:
                    on_cut = (
                        solid.cut is not None
                        and normal @ solid.cut[0] > 0.9999
                        and abs(away + solid.cut[1]) < 1e-7
                    )
                    base = np.array(solid.cut_colour if on_cut else solid.colour)
                    shade = 0.68 + 0.4 * max(0.0, float(normal @ light))
                    r, g, b = np.clip(base * shade, 0, 255).astype(int).tolist()
                    known[key] = len(faces)
                    faces.append((number, normal, (r, g, b)))
                _triangle(points[simplex], known[key], depth, shown)
    colours = np.array([*(colour for _, _, colour in faces), (255, 255, 255)], dtype=np.uint8)
    pixels = colours[shown]
    pixels[_edges(shown, depth, faces)] = INK
    return np.asarray(Image.fromarray(pixels).reduce(OVERSAMPLING))


def _triangle(corners: Array, face: int, depth: Array, shown: NDArray[np.int64]) -> None:
    """Draw a triangle (column, row, depth) where it is in front."""
    low = np.maximum(np.floor(corners[:, :2].min(0)).astype(int), 0)
    high = np.minimum(np.ceil(corners[:, :2].max(0)).astype(int) + 1, depth.shape[::-1])
    if (high <= low).any():
        return
    (ax, ay, _), (bx, by, _), (cx, cy, _) = corners.tolist()
    double = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if abs(double) < 1e-9:
        return
    x = np.arange(low[0], high[0]) + 0.5
    y = (np.arange(low[1], high[1]) + 0.5)[:, None]
    v = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / double
    w = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / double
    z = corners[0, 2] + v * (corners[1, 2] - corners[0, 2]) + w * (corners[2, 2] - corners[0, 2])
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    front = (v >= -1e-9) & (w >= -1e-9) & (v + w <= 1.0 + 1e-9) & (z > depth[window] + 1e-9)
    depth[window][front] = z[front]
    shown[window][front] = face


def _edges(
    shown: NDArray[np.int64], depth: Array, faces: list[tuple[int, Array, Colour]]
) -> NDArray[np.bool_]:
    """Pixels between two faces that are no smooth continuation of each other."""
    solids = np.array([*(number for number, _, _ in faces), -1])
    normals = np.array([*(normal for _, normal, _ in faces), (0.0, 0.0, 0.0)])
    edges = np.zeros(shown.shape, dtype=bool)
    step = np.ptp(depth[np.isfinite(depth)]) * 0.02
    for axis in (0, 1):
        first, second = (np.s_[:-1], np.s_[1:]) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
        a, b = shown[first], shown[second]
        i, j = np.nonzero(a != b)
        one, other = a[i, j], b[i, j]
        near, far = depth[first][i, j], depth[second][i, j]
        with np.errstate(invalid="ignore"):
            jump = ~(np.abs(near - far) < step)
        bent = np.sum(normals[one] * normals[other], axis=1) < SMOOTH
        drawn = (solids[one] != solids[other]) | bent | jump
        edges[first][i[drawn], j[drawn]] = True
        edges[second][i[drawn], j[drawn]] = True
    return edges

"""Solids for tests: outlines at heights, joined by walls and closed at both ends."""

from collections.abc import Sequence

import numpy as np
import shapely
import trimesh
from shapely.geometry import Polygon

Outlines = Sequence[np.ndarray]


def circle(radius: float, facets: int = 64, centre: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    angles = 2.0 * np.pi * np.arange(facets) / facets
    return radius * np.column_stack((np.cos(angles), np.sin(angles))) + centre


def rectangle(width: float, height: float, centre: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    return 0.5 * np.array([width, height]) * [[-1, -1], [1, -1], [1, 1], [-1, 1]] + centre


def moved(outline: np.ndarray, distance: float) -> np.ndarray:
    """Move every edge of a convex or concave outline outward, vertex for vertex."""
    edges = np.roll(outline, -1, axis=0) - outline
    normals = np.column_stack((edges[:, 1], -edges[:, 0])) / np.linalg.norm(edges, axis=1)[:, None]
    before = np.roll(normals, 1, axis=0)
    return outline + distance * (before + normals) / (1.0 + np.sum(before * normals, axis=1))[:, None]


def region(*outlines: np.ndarray) -> Polygon:
    """Area of an outline with holes."""
    return Polygon(outlines[0], outlines[1:])


def loft(*levels: tuple[float, Outlines]) -> trimesh.Trimesh:
    """Solid through outlines (outside and holes) with equal numbers of vertices at rising heights."""
    counts = [len(outline) for outline in levels[0][1]]
    total = sum(counts)
    vertices = [np.column_stack((np.vstack(rings), np.full(total, z))) for z, rings in levels]
    faces = []
    for k in range(len(levels) - 1):
        start = k * total
        for i, count in enumerate(counts):
            turn = 1 if i == 0 else -1  # walls of holes face inward
            a = start + np.arange(count)
            b = start + (np.arange(count) + 1) % count
            walls = np.vstack(
                (np.column_stack((a, b, b + total)), np.column_stack((a, b + total, a + total)))
            )
            faces.append(walls[:, ::turn])
            start += count
    for rings, first, turn in ((levels[0][1], 0, -1), (levels[-1][1], (len(levels) - 1) * total, 1)):
        index = {tuple(point): first + i for i, point in enumerate(np.vstack(rings).tolist())}
        triangles = shapely.constrained_delaunay_triangles(Polygon(rings[0], rings[1:])).geoms
        cap = [[index[c] for c in shapely.orient_polygons(t).exterior.coords[:-1]] for t in triangles]
        faces.append(np.array(cap)[:, ::turn])
    return trimesh.Trimesh(np.vstack(vertices), np.vstack(faces), process=False)


def prism(depth: float, *outlines: np.ndarray, bottom: float = 0.0) -> trimesh.Trimesh:
    return loft((bottom, outlines), (bottom + depth, outlines))


def joined(*meshes: trimesh.Trimesh) -> trimesh.Trimesh:
    """Bodies in one file."""
    return trimesh.util.concatenate(list(meshes))


def turned(mesh: trimesh.Trimesh, seed: int) -> tuple[trimesh.Trimesh, np.ndarray]:
    """Rotated and moved solid, and the transform (4, 4)."""
    transform = trimesh.transformations.rotation_matrix(0.3 + seed, [1.0, 2.0 - seed, 0.5])
    transform[:3, 3] = [12.0, -30.0, 7.0]
    return mesh.copy().apply_transform(transform), transform


def walls(depth: float, outline: np.ndarray) -> trimesh.Trimesh:
    """Side of a prism, open at both ends; the outline may cross itself."""
    count = len(outline)
    vertices = np.vstack([np.column_stack((outline, np.full(count, z))) for z in (0.0, depth)])
    a, b = np.arange(count), (np.arange(count) + 1) % count
    faces = np.vstack((np.column_stack((a, b, b + count)), np.column_stack((a, b + count, a + count))))
    return trimesh.Trimesh(vertices, faces, process=False)

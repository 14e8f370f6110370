"""Directions in which a solid is a prism over some length, from the normals of its triangles; millimetres."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from assembly_rl.envs.geometry.mesh_files import Mesh
from assembly_rl.envs.geometry.polygons import Array

SAME = 0.02
"""Largest distance [mm] of sections that count as the same."""

STEEP = 0.1
"""Largest slope, sideways over height, of a triangle that counts as part of a prism's side."""

FLAT = 2e-3
"""Largest height [mm] of a triangle that counts as part of an end or a step."""

SLIVER = 1e-3
"""Triangles narrower than this [mm] have no normal to go by."""

MIN_RUN = 1.0
"""Least length [mm] of a prism."""

ALIGNED = 2e-3
"""Directions closer than this [rad] are one."""

NORMALS = 12
"""Number of directions of normals, largest areas first, that directions of prisms are made from."""


@dataclass(frozen=True, eq=False)
class Direction:
    """Direction in which a solid is looked at.

    Attributes:
        axis: Unit vector (3,).
        bottom: Lowest height along the axis [mm].
        top: Largest height along the axis [mm].
        runs: Lowest and largest heights [mm] of the lengths over which the solid is a prism, upwards.
        slanted: Share of the surface that is neither along the axis nor across it.
    """

    axis: Array
    bottom: float
    top: float
    runs: tuple[tuple[float, float], ...]
    slanted: float

    @property
    def ends(self) -> list[tuple[float, float]]:
        """Prisms at an end of the solid: what lies before them is no longer than they are."""
        if not self.runs:
            return []
        first, last = self.runs[0], self.runs[-1]
        found = [first] if first[0] - self.bottom <= first[1] - first[0] else []
        if self.top - last[1] <= last[1] - last[0] and last not in found:
            found.append(last)
        return found


class Faces:
    """Normals, areas and heights of the triangles of a solid."""

    def __init__(self, mesh: Mesh):
        self.corners = mesh.vertices[mesh.faces]
        edges = np.roll(self.corners, -1, axis=1) - self.corners
        normals = np.cross(edges[:, 0], edges[:, 1])
        double = np.linalg.norm(normals, axis=1)
        self.normals = normals / np.where(double > 0.0, double, 1.0)[:, None]
        self.areas = 0.5 * double
        longest = np.linalg.norm(edges, axis=2).max(axis=1)
        self.broad = double > SLIVER * longest

    def direction(self, axis: Array) -> Direction:
        """Look at the solid along a unit vector (3,)."""
        heights = self.corners @ axis
        low, high = heights.min(axis=1), heights.max(axis=1)
        up = np.abs(self.normals @ axis)
        slope = up / np.sqrt(np.maximum(1.0 - up**2, 1e-12))
        flat = high - low <= FLAT
        side = (slope <= STEEP) & (slope * (high - low) <= SAME)
        slanted = self.broad & ~flat & ~side
        breaks = self.broad & ~side
        bottom, top = float(low.min()), float(high.max())
        intervals = np.concatenate(
            ([[bottom, bottom], [top, top]], np.column_stack((low[breaks], high[breaks])))
        )
        share = float(self.areas[slanted].sum() / self.areas.sum())
        return Direction(axis, bottom, top, _between(intervals), share)

    def directions(self) -> list[Direction]:
        """Look at the solid along its ends and sides, largest areas first."""
        return [self.direction(axis) for axis in self._axes()]

    def _axes(self) -> list[Array]:
        """Directions along ends and sides: normals, and those across two normals."""
        kinds = _Kinds(self.normals, self.areas)
        main = [kinds.means[i] for i in np.argsort(-kinds.areas)[:NORMALS]]
        crosses = [np.cross(a, b) for a, b in combinations(main, 2)]
        found: list[Array] = []
        for guess in (*np.linalg.eigh(kinds.spreads.sum(axis=0))[1].T, *main, *crosses):
            length = float(np.linalg.norm(guess))
            if length < 0.1:
                continue
            axis = kinds.refined(guess / length)
            if all(np.linalg.norm(np.cross(axis, other)) > ALIGNED for other in found):
                found.append(axis)
        return found


class _Kinds:
    """Normals by kind: those that differ by less than about 0.01, in either direction.

    Attributes:
        areas: Area (K,) of each kind.
        means: Mean normal (K, 3).
        spreads: Sum (K, 3, 3) of the products of its normals with themselves, by area.
    """

    def __init__(self, normals: Array, areas: Array):
        rounded = np.round(normals, 2) + 0.0
        leading = np.argmax(np.abs(rounded) > 0.3, axis=1)
        signs = np.sign(rounded[np.arange(len(rounded)), leading])
        signed = normals * np.where(signs == 0.0, 1.0, signs)[:, None]
        keys = np.round(100.0 * signed).astype(np.int64) @ [1_000_000, 1_000, 1]
        kinds, member = np.unique(keys, return_inverse=True)
        weighted = signed * areas[:, None]

        def total(values: Array) -> Array:
            return np.asarray(np.bincount(member, values, len(kinds)), dtype=np.float64)

        self.areas = total(areas)
        sums = np.stack([total(weighted[:, i]) for i in range(3)], axis=1)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        self.means = sums / np.where(lengths > 0.0, lengths, 1.0)
        products = [[total(weighted[:, i] * signed[:, j]) for j in range(3)] for i in range(3)]
        self.spreads = np.moveaxis(np.array(products), 2, 0)

    def refined(self, axis: Array) -> Array:
        """Direction across the normals of the sides, or along those of the ends, near a given one."""
        for _ in range(2):
            up = self.means @ axis
            sides, ends = np.abs(up) < 0.02, np.abs(up) > 0.9998
            values, vectors = np.linalg.eigh(self.spreads[sides].sum(axis=0))
            if values[1] > 1e-3 * max(values[2], 1e-12):
                axis = vectors[:, 0]
            elif ends.any():
                axis = np.sum(self.means[ends] * (self.areas[ends] * np.sign(up[ends]))[:, None], axis=0)
                axis = axis / np.linalg.norm(axis)
        main = int(np.argmax(np.abs(axis)))
        return np.asarray(axis * np.sign(axis[main]), dtype=np.float64)


def rotation_to_z(axis: Array) -> Array:
    """Smallest rotation (3, 3) that turns a unit vector onto z."""
    x, y, z = axis
    if z < -1.0 + 1e-12:
        return np.diag([1.0, -1.0, -1.0])
    cross = np.array([[0.0, 0.0, -x], [0.0, 0.0, -y], [x, y, 0.0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1.0 + z))


def _between(intervals: Array) -> tuple[tuple[float, float], ...]:
    """Gaps of at least ``MIN_RUN`` between intervals (N, 2)."""
    low, high = intervals[np.argsort(intervals[:, 0])].T
    reached = np.maximum.accumulate(high)
    gaps = np.flatnonzero(low[1:] - reached[:-1] >= MIN_RUN)
    return tuple(zip(reached[gaps].tolist(), low[gaps + 1].tolist(), strict=True))

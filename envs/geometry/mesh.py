"""OBJ files of the parts for the simulator, in a cache that many processes can share.

Every convex part is a separate group in the file, which Bullet turns into a compound of exact convex hulls.
A file's name contains a hash of its content: Bullet keeps meshes by name.
"""

import hashlib
import math
import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry import MultiPoint

from assembly_rl.envs.geometry.decomposition import ConvexPart, hole_parts, peg_parts, prism
from assembly_rl.envs.geometry.part import PegHole
from assembly_rl.envs.geometry.polygons import Array, convex_partition, pieces

FLANGE_RADIUS = 0.016
"""Radius [m] of the flange disc in pictures; larger for a peg that would stick out of it."""

FLANGE_THICKNESS = 0.006
"""Thickness [m] of the flange disc in pictures."""


def cache_folder() -> Path:
    """Folder of the mesh files, created when missing.

    ``$ASSEMBLY_RL_CACHE/meshes``, else ``$XDG_CACHE_HOME/assembly_rl/meshes``, else
    ``~/.cache/assembly_rl/meshes``.
    """
    chosen = os.environ.get("ASSEMBLY_RL_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "assembly_rl"
    folder = (Path(chosen) if chosen else base).expanduser().absolute() / "meshes"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def peg_mesh(part: PegHole) -> Path:
    """Collision mesh of the peg in the frame ``tip`` [m]."""
    return _write("peg", peg_parts(part))


def hole_mesh(part: PegHole) -> Path:
    """Collision mesh of the plate around the hole in the frame ``hole`` [m]."""
    return _write("hole", hole_parts(part))


def peg_visual_mesh(part: PegHole) -> Path:
    """Mesh of the peg with a schematic flange disc on top, in the frame ``tip`` [m]; for pictures only."""
    angles = 2.0 * math.pi * np.arange(24) / 24
    radius = max(FLANGE_RADIUS, 1.1 * part.circumradius)
    disc = radius * np.column_stack((np.cos(angles), np.sin(angles)))
    flange = prism(disc, part.peg_length, part.peg_length + FLANGE_THICKNESS)
    return _write("peg-visual", [*peg_parts(part), flange])


def hole_visual_mesh(part: PegHole, view_direction: Sequence[float] = (0.0, -1.0, 0.0)) -> Path:
    """Mesh of the plate in the frame ``hole`` [m] without the parts that hide the hole; for pictures only.

    Args:
        part: The pair of parts.
        view_direction: Direction (x, y, z) from the hole to the camera in the frame ``hole``. Only its
            horizontal component counts; seen straight from above, nothing is left out.
    """
    parts = hole_parts(part)
    towards = np.array(view_direction[:2], dtype=np.float64)
    if np.linalg.norm(towards) > 1e-6 * np.linalg.norm(view_direction):
        hidden = _parts_in_front(part, parts, towards / np.linalg.norm(towards))
        parts = [piece for piece, hides in zip(parts, hidden, strict=True) if not hides]
    return _write("hole-visual", parts)


def _parts_in_front(part: PegHole, parts: list[ConvexPart], towards: Array) -> list[bool]:
    """Flag every part beside the hole of which more than 5 % lies between it and the camera."""
    reach = 4.0 * np.max(np.linalg.norm(part.plate_outline, axis=1)) * towards
    openings = (piece for outlines in pieces(part.hole_outlines) for piece in convex_partition(outlines))
    in_front = shapely.union_all([MultiPoint([*piece, *(piece + reach)]).convex_hull for piece in openings])
    plans = (MultiPoint(piece.vertices[:, :2]).convex_hull for piece in parts)
    beside = (bool(piece.vertices[:, 2].max() > -part.hole_depth) for piece in parts)  # all but the floor
    return [
        high and plan.intersection(in_front).area > 0.05 * plan.area
        for high, plan in zip(beside, plans, strict=True)
    ]


def _write(name: str, parts: Iterable[ConvexPart]) -> Path:
    """Put a mesh into the cache unless the same file is there already."""
    content = _obj(parts).encode()
    path = cache_folder() / f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.obj"
    if not path.exists() or path.read_bytes() != content:
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        try:
            temporary.write_bytes(content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    return path


def _obj(parts: Iterable[ConvexPart]) -> str:
    lines, first = [], 1  # OBJ counts vertices from 1 through the whole file
    for number, part in enumerate(parts):
        lines.append(f"o part_{number}")
        lines += [f"v {x!r} {y!r} {z!r}" for x, y, z in part.vertices.tolist()]
        lines += [f"f {a + first} {b + first} {c + first}" for a, b, c in part.triangles]
        first += len(part.vertices)
    return "\n".join(lines) + "\n"

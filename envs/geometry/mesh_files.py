"""Meshes from files: STL, OBJ and PLY, and STEP by its surfaces; vertices merged, small holes filled."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.drawing import file_content
from assembly_rl.envs.geometry.polygons import Array

TRIANGLES = (".stl", ".obj", ".ply")
"""Suffixes of files of triangles, which have no unit."""

SURFACES = (".step", ".stp")
"""Suffixes of files of surfaces, which have a unit."""

MESHES = (*TRIANGLES, *SURFACES)
"""Suffixes of solids."""

MAX_BYTES = 50_000_000
"""Largest size of a file."""

FINER = "export it with chords of 0.01 mm"
"""Advice on a file that is too large."""

MAX_TRIANGLES = 500_000
"""Largest number of triangles."""

CHORD = 0.005
"""Largest distance of a chord from a curved surface of a STEP file [mm]."""

ANGLE = 0.1
"""Largest angle between neighbouring chords of a curved surface of a STEP file [rad]."""

MERGED = 1e-6
"""Vertices closer than this share of the solid's size are one."""

STITCHED = 1e-4
"""Vertices of open edges that are closer than this share of the solid's size are one."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles of a solid.

    Attributes:
        name: Path of the file.
        vertices: Vertices (N, 3).
        faces: Indices of the vertices of each triangle (M, 3).
        bodies: Number (M,) of the connected surface that each triangle belongs to.
        unit: Length of the unit of the vertices [mm]; None if the file has no unit.
        notes: Repairs that were made.
    """

    name: str
    vertices: Array
    faces: NDArray[np.int64]
    bodies: NDArray[np.int64]
    unit: float | None
    notes: tuple[str, ...] = ()


def read_mesh(path: Path) -> Mesh:
    """Read the triangles of a solid.

    The direction of the triangles is not used, so that solids with their inside out are read as well.

    Args:
        path: File with one of ``MESHES``.

    Raises:
        ValueError: The file does not exist, is damaged, or is too large.
        ImportError: The library that reads it is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in MESHES:
        raise InputError(f"{path} is no solid that can be read; known: {', '.join(MESHES)}")
    content = file_content(path, MAX_BYTES, FINER)
    if not content.strip():
        raise InputError(f"{path} is empty")
    loaded = _loaded(path, content, suffix)
    count = len(loaded.faces)
    if count == 0:
        raise InputError(f"{path} has no triangles: export the solid again as a binary STL")
    if count > MAX_TRIANGLES:
        raise InputError(_too_many(path, count))
    if not np.isfinite(loaded.vertices).all() or np.abs(loaded.vertices).max() > 1e9:
        raise InputError(f"{path} is damaged: it has coordinates that are no finite numbers below 1e9")
    return _repaired(str(path), loaded, 1e3 if suffix in SURFACES else None)


def _loaded(path: Path, content: bytes, suffix: str) -> Any:
    try:
        import trimesh
    except ImportError as error:
        raise ImportError(f"reading {path.name} needs trimesh: pip install 'assembly_rl[mesh]'") from error
    if suffix in SURFACES:
        content, suffix = _triangulated(path, content), ".glb"
    if suffix == ".stl":
        _check_stl(path, content)
    try:
        return trimesh.load_scene(io.BytesIO(content), file_type=suffix[1:], process=False).to_mesh()
    except Exception as error:  # readers of damaged files fail in many ways
        reason = " ".join(str(error).split())[:100]
        raise InputError(f"{path} is no {suffix[1:].upper()} file that can be read: {reason}") from None


def _check_stl(path: Path, content: bytes) -> None:
    """Refuse what is neither a whole binary STL nor one of text."""
    if b"facet" in content[:1000] and b"endsolid" in content[-1000:]:
        return
    count = int.from_bytes(content[80:84], "little")
    if count > MAX_TRIANGLES and len(content) == 84 + 50 * count:
        raise InputError(_too_many(path, count))
    if len(content) != 84 + 50 * count:
        raise InputError(f"{path} is no STL file, or not a whole one: export it again as a binary STL")


def _too_many(path: Path, count: int) -> str:
    return f"{path} has {count} triangles, at most {MAX_TRIANGLES} are read: {FINER}"


def _triangulated(path: Path, content: bytes) -> bytes:
    try:
        import cascadio
    except ImportError as error:
        raise ImportError(f"reading {path.name} needs cascadio: pip install 'assembly_rl[step]'") from error
    text = content.strip()
    if not text.startswith(b"ISO-10303-21") or not text.endswith(b"END-ISO-10303-21;"):
        raise InputError(f"{path} is no STEP file, or not a whole one: export it again")
    found = bytes(cascadio.load(content, "step", tol_linear=CHORD, tol_angular=ANGLE))
    if not found:
        raise InputError(f"{path} is no STEP file that can be read: export it again")
    return found


def _repaired(name: str, loaded: Any, unit: float | None) -> Mesh:
    """Merge vertices, drop triangles without area or there twice, fill holes of three or four edges."""
    import trimesh

    size = float(np.ptp(loaded.vertices, axis=0).max())
    mesh = trimesh.Trimesh(loaded.vertices, loaded.faces, process=False)
    if size > 0.0:
        mesh.merge_vertices(digits_vertex=round(-np.log10(MERGED * size)))
    notes = []
    given = len(mesh.faces)
    mesh.update_faces(mesh.nondegenerate_faces(height=1e-12 * size))
    mesh.update_faces(mesh.unique_faces())
    if len(mesh.faces) == 0:
        raise InputError(f"{name} has no triangles with an area")
    if len(mesh.faces) < given:
        notes.append(f"{given - len(mesh.faces)} triangles without area or there twice were dropped")
    if not mesh.is_watertight:
        notes += _stitched(mesh, STITCHED * size)
    given = len(mesh.faces)
    if not mesh.is_watertight:
        trimesh.repair.fill_holes(mesh)
        mesh.update_faces(mesh.unique_faces())  # a triangle on its own is no hole
        if len(mesh.faces) > given:
            notes.append(f"holes of three or four edges were filled with {len(mesh.faces) - given} triangles")
    bodies = trimesh.graph.connected_component_labels(mesh.face_adjacency, node_count=len(mesh.faces))
    vertices = np.array(mesh.vertices, dtype=np.float64)
    return Mesh(name, vertices, np.array(mesh.faces), np.array(bodies), unit, tuple(notes))


def _stitched(mesh: Any, reach: float) -> list[str]:
    """Merge the vertices of open edges that are within reach; with a note if any were."""
    edges, counts = np.unique(mesh.edges_sorted, axis=0, return_counts=True)
    border = np.unique(edges[counts == 1])
    pairs = border[cKDTree(mesh.vertices[border]).query_pairs(reach, output_type="ndarray")]
    if len(pairs) == 0:
        return []
    count = len(mesh.vertices)
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    group = connected_components(links, directed=False)[1]
    first = np.unique(group, return_index=True)[1]
    mesh.faces = first[group[mesh.faces]]
    mesh.update_faces(mesh.nondegenerate_faces(height=0.0))
    mesh.update_faces(mesh.unique_faces())
    mesh.remove_unreferenced_vertices()
    return [f"{count - len(first)} vertices of open edges were merged with others"]


UNITS = {"mm": 1.0, "cm": 10.0, "m": 1e3, "in": 25.4}
"""Length [mm] of the units that a solid may be drawn in."""

MIN_SIZE, MAX_SIZE, MIN_THICKNESS = 10.0, 500.0, 1.0
"""Least and largest length [mm] of a solid in a unit that is not given, and its least extent."""


def in_millimetres(meshes: Sequence[Mesh], unit: str | None = None) -> list[Mesh]:
    """Convert solids drawn in one unit to millimetres.

    Without a unit, one of 10 to 500 is in millimetres, as nearly all files of triangles are. Any other one is
    in the only unit in which it is at most 500 mm long and nowhere thinner than 1 mm.

    Args:
        meshes: Solids.
        unit: One of ``UNITS``; None for the unit of the file, or for the only one that fits.

    Raises:
        ValueError: The unit is not known, or cannot be told from the size.
    """
    if unit is not None:
        if unit not in UNITS:
            raise InputError(f"unit must be one of {', '.join(UNITS)}, got {unit!r:.40}")
        for mesh in meshes:
            if mesh.unit is not None:
                raise InputError(f"{mesh.name} has its own unit: leave out the unit {unit!r}")
        return [_scaled(mesh, UNITS[unit]) for mesh in meshes]
    found = []
    for mesh in meshes:
        if mesh.unit is not None:
            found.append(_scaled(mesh, mesh.unit))
            continue
        name = _likely_unit([other for other in meshes if other.unit is None])
        extents = " x ".join(f"{UNITS[name] * side:.4g}" for side in np.ptp(mesh.vertices, axis=0))
        found.append(_scaled(mesh, UNITS[name], f"it has no unit, {name} fits: {extents} mm"))
    return found


def _likely_unit(meshes: Sequence[Mesh]) -> str:
    extents = np.array([np.ptp(mesh.vertices, axis=0) for mesh in meshes])
    least, longest = float(extents.min()), float(extents.max())
    if MIN_SIZE <= longest <= MAX_SIZE and least >= MIN_THICKNESS:
        return "mm"
    fitting = [
        name
        for name, length in UNITS.items()
        if length * least >= MIN_THICKNESS and length * longest <= MAX_SIZE
    ]
    if len(fitting) == 1:
        return fitting[0]
    sizes = ", ".join(f"{UNITS[name] * longest:.3g} mm in {name}" for name in fitting or UNITS)
    why = "and several fit" if fitting else "and none fits"
    raise InputError(
        f"{meshes[0].name} has no unit {why} ({sizes}): write a YAML file with plug: "
        f"{Path(meshes[0].name).name} and unit: {' or '.join(UNITS)}"
    )


def _scaled(mesh: Mesh, scale: float, *notes: str) -> Mesh:
    return Mesh(mesh.name, scale * mesh.vertices, mesh.faces, mesh.bodies, 1.0, (*mesh.notes, *notes))

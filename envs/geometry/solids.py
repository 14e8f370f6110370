"""Parts from solids: the plug, its socket, or both, as STL, OBJ, PLY or STEP."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assembly_rl.controllers.validation import InputError, real
from assembly_rl.envs.geometry.drawing import PartWarning
from assembly_rl.envs.geometry.few_vertices import few_vertices, straightened
from assembly_rl.envs.geometry.gaps import even_gap
from assembly_rl.envs.geometry.mesh_files import MESHES, UNITS, Mesh, in_millimetres, read_mesh
from assembly_rl.envs.geometry.outline import TOLERANCE
from assembly_rl.envs.geometry.part import MAX_NAME, PegHole, check_section
from assembly_rl.envs.geometry.plugs import Plug, plug_from
from assembly_rl.envs.geometry.polygons import Array, LengthError, clean, narrowest_gap, offset
from assembly_rl.envs.geometry.simplification import MAX_SIMPLIFIED
from assembly_rl.envs.geometry.slices import Region
from assembly_rl.envs.geometry.sockets import Socket, socket_from

KEYS = ("plug", "socket", "axis", "unit")
"""Keys of a YAML file that describe a part by its solids."""

DIGITS = 4
"""Decimals of millimetres that are kept of what is measured; files of triangles have no more."""

REACH = PegHole.hole_depth / PegHole.peg_length
"""Depth of the hole in lengths of the peg, if the peg is shorter than the usual hole."""


@dataclass(frozen=True, eq=False)
class Solids:
    """Plug, socket, or both, as measured.

    Attributes:
        plug: Plug, if there is one.
        socket: Socket, if there is one.
        clearance: Gap [mm] between the two, if there are both.
    """

    plug: Plug | None
    socket: Socket | None
    clearance: float | None = None

    @property
    def section(self) -> Region:
        """Section [mm] before its vertices are reduced: that of the plug, or else of the opening."""
        measured = self.plug or self.socket
        assert measured is not None
        return measured.section


def read_solids(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Read fields of ``PegHole`` from solids.

    A plug gives section, length and chamfer of the tip. A socket gives the section of the peg, smaller by the
    clearance, and depth, chamfer and floor of the hole. Of both the clearance is measured.

    Args:
        path: Part file; the names of the solids are relative to its folder.
        content: Keys of the part file: ``plug`` or ``socket`` or both, names of files with one of ``MESHES``;
            ``axis``, a direction ``[x, y, z]`` along which the plug is inserted; ``unit``, one of ``UNITS``;
            ``clearance``, ``depth`` and ``length`` [mm]. Others are not used.

    Returns:
        Fields [m]: section, parameters, name, and those that were measured.

    Raises:
        ValueError: A file or a value is refused.
        ImportError: The library that reads a solid is not installed.
    """
    try:
        solids = measured_solids(path, content)
        return _fields(solids, content, path)
    except LengthError as error:
        raise InputError(f"{path}: {error.in_millimetres()}") from None
    except InputError as error:
        named = [
            str(path),
            *(str(path.parent / str(content[key])) for key in ("plug", "socket") if key in content),
        ]
        if not str(error).startswith(tuple(named)):
            error.args = (f"{path}: {error}",)  # the same error: a NotPrismatic has slices
        raise


def measured_solids(path: Path, content: Mapping[str, Any]) -> Solids:
    """Measure the solids of a part file, see ``read_solids``; notes on them are given as ``PartWarning``.

    Raises:
        ValueError: A file or a value is refused.
        ImportError: The library that reads a solid is not installed.
    """
    axis, unit = _axis(content.get("axis")), content.get("unit")
    if unit is not None and (not isinstance(unit, str) or unit not in UNITS):
        raise InputError(f"unit must be one of {', '.join(UNITS)}, got {unit!r:.40}")
    names = [key for key in ("plug", "socket") if key in content]
    if not names:
        raise InputError("a part of solids needs a plug or a socket")
    meshes = in_millimetres([read_mesh(path.parent / _file_name(key, content[key])) for key in names], unit)
    if names == ["plug"]:
        solids = Solids(plug_from(meshes[0], axis), None)
    elif names == ["socket"]:
        solids = Solids(None, socket_from(meshes[0], axis))
    else:
        if "clearance" in content:
            raise InputError("the clearance is measured between plug and socket: leave it out")
        solids = _fitted(meshes[0], meshes[1], axis)
    for key, measured in (("plug", solids.plug), ("socket", solids.socket)):
        if measured is not None:
            _remark(f"{path.parent / content[key]}: {'; '.join(measured.notes)}")
    return solids


def _fitted(plug_mesh: Mesh, socket_mesh: Mesh, axis: Array | None) -> Solids:
    """Measure plug and socket in one frame, and the gap between them."""
    try:
        plug, socket = _paired(plug_from(plug_mesh, axis), plug_mesh, socket_mesh)
    except InputError:
        if axis is not None:
            raise
        along = socket_from(socket_mesh).axis  # a plug may be a prism in several directions
        plug, socket = _paired(plug_from(plug_mesh, along), plug_mesh, socket_mesh)
    clearance, least, largest = even_gap(plug.section, socket.section)
    _remark(f"{socket_mesh.name}: clearance {clearance:.3g} mm, gaps from {least:.3g} to {largest:.3g} mm")
    return Solids(plug, socket, clearance)


def _paired(plug: Plug, plug_mesh: Mesh, socket_mesh: Mesh) -> tuple[Plug, Socket]:
    """Plug and the socket along its axis; the plug the other way round if the mouth is there."""
    plugs = [plug, plug_from(plug_mesh, -plug.axis)] if plug.reversible else [plug]
    found: list[tuple[Plug, Socket]] = []
    refusals: list[InputError] = []
    for either in plugs:
        try:
            found.append((either, socket_from(socket_mesh, either.axis, either.section)))
        except InputError as error:
            refusals.append(error)
    if not found:
        raise refusals[0]
    return max(found, key=lambda pair: pair[1].chamfer)


def _fields(solids: Solids, content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    outlines = [1e-3 * outline.round(DIGITS) for outline in few_vertices(solids.section)]
    before, after = (sum(map(len, rings)) for rings in (straightened(solids.section), outlines))
    if after > MAX_SIMPLIFIED:
        raise InputError(
            f"{after} vertices are needed within {TOLERANCE:g} mm, at most {MAX_SIMPLIFIED} can be "
            "simulated: leave out details"
        )
    if after < before:
        _remark(f"{path}: section of {before} vertices simplified to {after} within {TOLERANCE:g} mm")
    fields: dict[str, Any] = {"name": path.stem[:MAX_NAME] if path.stem.isprintable() else ""}
    if solids.clearance is not None:
        fields["clearance"] = _metres(solids.clearance)
    if solids.plug is None:
        outlines = _shrunk(outlines, _clearance(content))
    check_section(clean(outlines), outlines)
    vertices = [outline.tolist() for outline in outlines]
    if len(vertices) == 1:
        fields |= {"section": "polygon", "parameters": {"vertices": vertices[0]}}
    else:
        fields |= {"section": "polygons", "parameters": {"outlines": vertices}}
    return fields | _lengths(solids, content, path)


def _lengths(solids: Solids, content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Lengths of peg and hole [m]; those that are neither measured nor given follow from the others."""
    fields: dict[str, Any] = {}
    if solids.plug is not None:
        fields |= {"peg_length": _metres(solids.plug.length), "tip_chamfer": _metres(solids.plug.tip_chamfer)}
    if solids.socket is not None:
        socket = solids.socket
        fields |= {"hole_depth": _metres(socket.depth), "chamfer": _metres(socket.chamfer)}
        fields["blind"] = socket.blind
    length, depth = fields.get("peg_length", PegHole.peg_length), fields.get("hole_depth", PegHole.hole_depth)
    if depth < length or "depth" in content or "length" in content:
        return fields
    if solids.plug is None:
        fields["peg_length"] = depth / REACH
        length = fields["peg_length"]
        _remark(f"{path}: the peg is {1e3 * length:.4g} mm long, for a hole of {1e3 * depth:.4g} mm")
    else:
        fields["hole_depth"] = REACH * length if solids.socket is None else length - 1e-3
        fields["blind"] = False
        _remark(
            f"{path}: the hole is {1e3 * fields['hole_depth']:.4g} mm deep, as far as a plug of "
            f"{1e3 * length:.4g} mm reaches"
        )
    return fields


def _shrunk(outlines: list[Array], clearance: float) -> list[Array]:
    """Section of a peg from that of its opening: every edge moved inward by the clearance [m]."""
    turned = list(clean(outlines))
    inward, place = narrowest_gap([outline[::-1] for outline in turned])
    if clearance >= inward:
        raise LengthError(
            "clearance {clearance} must be less than {inward}: the peg vanishes near {place}, reduce it",
            clearance=clearance,
            inward=inward,
            place=place,
        )
    return [offset(outline, -clearance) for outline in turned]


def _clearance(content: Mapping[str, Any]) -> float:
    """Clearance [m] of a part file, or the default."""
    if "clearance" not in content:
        return PegHole.clearance
    value = real(content["clearance"])
    if not 0.0 < value < math.inf:
        raise InputError(
            f"clearance must be a number of millimetres above 0, got {content['clearance']!r:.60}"
        )
    return 1e-3 * value


def _metres(length: float) -> float:
    """Length [m] of one in millimetres, to 0.1 micrometres."""
    return round(1e-3 * length, DIGITS + 3)


def _axis(value: Any) -> Array | None:
    if value is None:
        return None
    try:
        axis = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        axis = np.empty(0)
    length = float(np.linalg.norm(axis)) if axis.shape == (3,) else 0.0
    if not (math.isfinite(length) and length > 1e-9):
        raise InputError(f"axis must be a direction [x, y, z], such as [0, 0, 1], got {value!r:.60}")
    return axis / length


def _file_name(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.lower().endswith(MESHES):
        raise InputError(f"{key} must be the name of a solid ({', '.join(MESHES)}), got {value!r:.60}")
    return value


def _remark(text: str) -> None:
    warnings.warn(text, PartWarning, stacklevel=4)

"""Parts from files: polygons in YAML, outlines drawn as DXF or SVG, or solids; lengths in millimetres."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs.geometry import strict_yaml
from assembly_rl.envs.geometry.drawing import PartWarning, file_content
from assembly_rl.envs.geometry.mesh_files import MESHES
from assembly_rl.envs.geometry.outline import DRAWINGS, MAX_OUTLINES, TOLERANCE, outlines_of
from assembly_rl.envs.geometry.part import MAX_NAME, PegHole, check_name, check_section
from assembly_rl.envs.geometry.polygons import MAX_LENGTH, Array, LengthError, clean
from assembly_rl.envs.geometry.simplification import FEW, MAX_SIMPLIFIED, simplified
from assembly_rl.envs.geometry.solids import KEYS, read_solids

SUFFIXES = (".yaml", ".yml", *DRAWINGS, *MESHES)
"""Suffixes of the files that describe a part."""

SECTION_KEYS = ("polygon", "polygons", "outline")
"""Keys of a YAML file that give the section."""

LENGTHS = {
    "clearance": "clearance",
    "chamfer": "chamfer",
    "depth": "hole_depth",
    "length": "peg_length",
    "tip_chamfer": "tip_chamfer",
}
"""Fields of ``PegHole`` by key of a YAML file."""

MAX_VERTICES = 4096
"""Largest number of vertices of a polygon in a file."""


def is_part_file(name: str) -> bool:
    """Return True if a name has one of the suffixes of part files, in small or capital letters."""
    return name.lower().endswith(SUFFIXES)


def check_part(path: Path, fields: dict[str, Any]) -> PegHole:
    """Build the part of a file from the fields that were read.

    Raises:
        ValueError: They do not fit together; the message names the file and has millimetres.
    """
    try:
        return PegHole(**fields)
    except LengthError as error:
        raise _in_millimetres(path, error) from None


def read_part(path: Path) -> dict[str, Any]:
    """Read fields of ``PegHole`` from a file; missing ones keep their defaults.

    A YAML file has ``polygon`` (a list of ``[x, y]``), ``polygons`` (a list of those) or ``outline`` (the
    name of a DXF or SVG file beside it), and may have ``clearance``, ``chamfer``, ``depth``, ``length`` and
    ``tip_chamfer``, all in millimetres, ``blind`` (true or false) and ``name``. A DXF or SVG file has the
    outlines alone: closed lines, in the units of the file or, without any, in millimetres. A line within
    another one is a hole in it. Solids are a file of ``MESHES`` with the plug, or ``plug``, ``socket`` or
    both in a YAML file, see ``read_solids``. A part without a name is named after its file.

    Curves and polygons of many vertices are replaced by few chords, within ``TOLERANCE`` millimetres of what
    is drawn; a warning says how many.

    Args:
        path: File with one of ``SUFFIXES``.

    Raises:
        ValueError: The file does not exist, is none of these, has something that is not understood, or has no
            closed outlines of a usable form.
        ImportError: The library that reads a drawing or a solid is not installed.
    """
    if path.suffix.lower() in MESHES:
        return read_solids(path, {"plug": path.name})
    if path.suffix.lower() in DRAWINGS:
        return _section(path, outlines_of(path)) | {"name": _name(path, path.stem[:MAX_NAME])}
    if not is_part_file(path.name):
        raise InputError(f"{path} is no part file; known: {', '.join(SUFFIXES)}")
    content = _yaml_content(path)
    if "outline" in content:
        name = content["outline"]
        if not isinstance(name, str) or not name:
            raise InputError(f"{path}: outline must be the name of a DXF or SVG file, got {name!r:.60}")
        drawing = path.parent / name
        fields = _section(drawing, outlines_of(drawing))
    elif "plug" in content or "socket" in content:
        fields = read_solids(path, content)
    else:
        fields = _section(path, _few(path, _polygons(path, content)))
    fields["name"] = _name(path, content.get("name", path.stem[:MAX_NAME]))
    if "blind" in content:
        fields["blind"] = _truth(path, "blind", content["blind"])
    for key, name in LENGTHS.items():
        if key in content:
            value = _number(path, key, content[key])
            fields[name] = value / 1e3  # as the decimal number in metres, not off by rounding
    return fields


def files_of_part(path: Path) -> list[Path]:
    """Return a part file and the files that it names, such as its drawing.

    Raises:
        ValueError: The file does not exist, or is not YAML.
    """
    content = read_yaml(path) if path.suffix.lower() in (".yaml", ".yml") else {}
    names = (content.get(key) for key in ("outline", "plug", "socket"))
    return [path, *dict.fromkeys(path.parent / name for name in names if isinstance(name, str))]


def read_yaml(path: Path) -> Any:
    """Read a YAML file: mappings, lists, decimal numbers and strings; see ``strict_yaml``.

    Raises:
        ValueError: The file does not exist, or is not such YAML.
    """
    content = file_content(path)
    try:
        return strict_yaml.load(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not YAML: {error}") from None
    except InputError as error:
        raise InputError(
            f"{path} is not YAML that can be read: {str(error).removeprefix('not YAML: ')}"
        ) from None


def _yaml_content(path: Path) -> dict[str, Any]:
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} must have a polygon or an outline, and lengths in millimetres")
    for key in content:
        if key not in (known := [*SECTION_KEYS, *KEYS, *LENGTHS, "blind", "name"]):
            raise InputError(f"{path}: {unknown('key', key, known)}")
    given = [key for key in SECTION_KEYS if key in content]
    solids = [key for key in KEYS if key in content]
    if len(given) + bool({"plug", "socket"} & set(solids)) != 1 or (given and solids):
        raise InputError(
            f"{path} must have either a polygon, polygons, an outline, or solids (plug, socket or both), "
            f"got {', '.join([*given, *solids]) or 'none'}"
        )
    return content


def _section(path: Path, outlines: Sequence[Array]) -> dict[str, Any]:
    """Fields of ``PegHole`` of outlines (N, 2) [mm]."""
    count = sum(map(len, outlines))
    if count > MAX_SIMPLIFIED:
        raise InputError(
            f"{path}: {count} vertices are needed within {TOLERANCE:g} mm, at most {MAX_SIMPLIFIED} "
            "can be simulated: leave out details"
        )
    metres = [1e-3 * outline for outline in outlines]
    try:
        check_section(clean(metres), metres)
    except LengthError as error:
        raise _in_millimetres(path, error) from None
    drawn = [outline.tolist() for outline in metres]
    if len(drawn) == 1:
        return {"section": "polygon", "parameters": {"vertices": drawn[0]}}
    return {"section": "polygons", "parameters": {"outlines": drawn}}


def _polygons(path: Path, content: dict[str, Any]) -> list[Array]:
    """Polygons (N, 2) [mm] of a YAML file."""
    if "polygon" in content:
        return [_vertices(path, "the polygon", content["polygon"])]
    values = content["polygons"]
    if not isinstance(values, list) or not values:
        raise InputError(f"{path}: polygons must be a list of polygons, got {values!r:.60}")
    if len(values) > MAX_OUTLINES:
        raise InputError(f"{path}: {len(values)} polygons, at most {MAX_OUTLINES} make a section")
    return [_vertices(path, f"polygon {i}", value) for i, value in enumerate(values)]


def _vertices(path: Path, what: str, values: Any) -> Array:
    """Vertices (N, 2) [mm] of one polygon of a YAML file."""
    if not isinstance(values, list) or not values:
        raise InputError(f"{path}: {what} must be a list of [x, y] in millimetres, got {values!r:.60}")
    if len(values) > MAX_VERTICES:
        raise InputError(f"{path}: {what} has {len(values)} vertices, at most {MAX_VERTICES} are read")
    for i, pair in enumerate(values):
        if not isinstance(pair, list) or len(pair) != 2:
            raise InputError(
                f"{path}: {what} must be a list of [x, y] in millimetres, vertex {i} is {pair!r:.60}"
            )
        for value in pair:
            _number(path, f"vertex {i} of {what}", value)
    return np.array(values, dtype=np.float64)


def _few(path: Path, polygons: list[Array]) -> list[Array]:
    """Replace polygons [mm] of many vertices by those of few; small ones stay as they are."""
    few = [p if len(p) <= FEW else simplified(p, range(len(p)), TOLERANCE) for p in polygons]
    given, made = (sum(map(len, outlines)) for outlines in (polygons, few))
    if made < given:
        warnings.warn(
            f"{path}: {given} vertices simplified to {made} within {TOLERANCE:g} mm",
            PartWarning,
            stacklevel=4,
        )
    return few


def _truth(path: Path, key: str, value: Any) -> bool:
    if value not in ("true", "false"):
        raise InputError(f"{path}: {key} must be true or false, got {value!r:.60}")
    return bool(value == "true")


def _name(path: Path, value: Any) -> str:
    """Name of the part, a text; a number is one in quotes."""
    try:
        check_name(value)
        if not value:
            raise InputError("name must not be empty: leave it out for that of the file")
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return str(value)


def _number(path: Path, key: str, value: Any) -> float:
    if not isinstance(value, strict_yaml.Number):
        raise InputError(
            f"{path}: {key} must be a number of millimetres, such as 25 or 0.1, got {value!r:.60}"
        )
    if not abs(value) <= 1e9:
        raise InputError(f"{path}: {key} is {value:g} mm, far beyond {1e3 * MAX_LENGTH:g} mm")
    return float(value)


def _in_millimetres(path: Path, error: LengthError) -> InputError:
    message = error.in_millimetres()
    for key, name in LENGTHS.items():
        message = message.replace(name, key)
    return InputError(f"{path}: {message}")

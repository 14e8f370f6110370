"""Parts from files: a polygon in YAML, or an outline drawn as DXF or SVG; lengths in millimetres."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs.geometry import strict_yaml
from assembly_rl.envs.geometry.drawing import PartWarning, file_content
from assembly_rl.envs.geometry.outline import DRAWINGS, TOLERANCE, drawn_outline
from assembly_rl.envs.geometry.part import PegHole, check_section
from assembly_rl.envs.geometry.polygons import MAX_LENGTH, Array, LengthError, clean
from assembly_rl.envs.geometry.simplification import FEW, simplified

SUFFIXES = (".yaml", ".yml", *DRAWINGS)
"""Suffixes of the files that describe a part."""

LENGTHS = {"clearance": "clearance", "chamfer": "chamfer", "depth": "hole_depth", "length": "peg_length"}
"""Fields of ``PegHole`` by key of a YAML file."""

MAX_SIMPLIFIED = 512
"""Largest number of vertices of a section from a file."""

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

    A YAML file has ``polygon`` (a list of ``[x, y]``) or ``outline`` (the name of a DXF or SVG file beside
    it), and may have ``clearance``, ``chamfer``, ``depth`` and ``length``, all in millimetres. A DXF or SVG
    file has the outline alone: one closed line, in the units of the file or, without any, in millimetres.

    Curves and polygons of many vertices are replaced by few chords, within ``TOLERANCE`` millimetres of what
    is drawn; a warning says how many.

    Args:
        path: File with one of ``SUFFIXES``.

    Raises:
        ValueError: The file does not exist, is none of these, has something that is not understood, or has no
            single closed outline of a usable form.
        ImportError: The library that reads a drawing is not installed.
    """
    if path.suffix.lower() in DRAWINGS:
        return _section(path, drawn_outline(path))
    if not is_part_file(path.name):
        raise InputError(f"{path} is no part file; known: {', '.join(SUFFIXES)}")
    content = _yaml_content(path)
    if "outline" in content:
        name = content["outline"]
        if not isinstance(name, str) or not name:
            raise InputError(f"{path}: outline must be the name of a DXF or SVG file, got {name!r:.60}")
        drawing = path.parent / name
        fields = _section(drawing, drawn_outline(drawing))
    else:
        fields = _section(path, _few(path, _vertices(path, content["polygon"])))
    for key, name in LENGTHS.items():
        if key in content:
            value = _number(path, key, content[key])
            fields[name] = 1e-3 * value
    return fields


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
        if key not in (known := ["polygon", "outline", *LENGTHS]):
            raise InputError(f"{path}: {unknown('key', key, known)}")
    if ("polygon" in content) == ("outline" in content):
        raise InputError(f"{path} must have either a polygon or an outline")
    return content


def _section(path: Path, outline: Array) -> dict[str, Any]:
    """Fields of ``PegHole`` of an outline (N, 2) [mm]."""
    if len(outline) > MAX_SIMPLIFIED:
        raise InputError(
            f"{path}: {len(outline)} vertices are needed within {TOLERANCE:g} mm, at most {MAX_SIMPLIFIED} "
            "can be simulated: leave out details"
        )
    vertices = 1e-3 * outline
    try:
        check_section(clean([vertices]), [vertices])
    except LengthError as error:
        raise _in_millimetres(path, error) from None
    return {"section": "polygon", "parameters": {"vertices": vertices.tolist()}}


def _vertices(path: Path, values: Any) -> Array:
    """Vertices (N, 2) [mm] of a YAML file."""
    if not isinstance(values, list) or not values:
        raise InputError(f"{path}: polygon must be a list of [x, y] in millimetres, got {values!r:.60}")
    if len(values) > MAX_VERTICES:
        raise InputError(f"{path}: the polygon has {len(values)} vertices, at most {MAX_VERTICES} are read")
    for i, pair in enumerate(values):
        if not isinstance(pair, list) or len(pair) != 2:
            raise InputError(
                f"{path}: polygon must be a list of [x, y] in millimetres, vertex {i} is {pair!r:.60}"
            )
        for value in pair:
            _number(path, f"vertex {i} of the polygon", value)
    return np.array(values, dtype=np.float64)


def _few(path: Path, points: Array) -> Array:
    """Replace a polygon [mm] of many vertices by one of few; small ones stay as they are."""
    if len(points) <= FEW:
        return points
    few = simplified(points, range(len(points)), TOLERANCE)
    if len(few) < len(points):
        warnings.warn(
            f"{path}: {len(points)} vertices simplified to {len(few)} within {TOLERANCE:g} mm",
            PartWarning,
            stacklevel=4,
        )
    return few


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

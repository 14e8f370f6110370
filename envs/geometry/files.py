"""Parts from files: a polygon in YAML, or an outline drawn as DXF or SVG; lengths in millimetres."""

import math
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from shapely import LineString, MultiLineString
from shapely.ops import linemerge

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.polygons import Array

DRAWINGS = (".dxf", ".svg")
SUFFIXES = (".yaml", ".yml", *DRAWINGS)
"""Suffixes of the files that describe a part."""

SAGITTA = 0.2
"""Largest distance of a chord from its curve [mm]: a circle of 20 mm becomes a polygon of 16 sides, and
more would cost more than half of the simulation's speed."""
JOINED = 0.01
"""Largest gap between lines of a drawing that counts as joined [mm]."""

LENGTHS = {"clearance": "clearance", "chamfer": "chamfer", "depth": "hole_depth", "length": "peg_length"}
"""Fields of ``PegHole`` by key of a YAML file."""


def read_part(path: Path) -> dict[str, Any]:
    """Read fields of ``PegHole`` from a file; missing ones keep their defaults.

    A YAML file has ``polygon`` (a list of ``[x, y]``) or ``outline`` (the name of a DXF or SVG file beside
    it), and may have ``clearance``, ``chamfer``, ``depth`` and ``length``, all in millimetres. A DXF or SVG
    file has the outline alone: one closed line, in the units of the file or, without any, in millimetres.

    Args:
        path: File with one of ``SUFFIXES``.

    Raises:
        ValueError: The file does not exist, is none of these, or has no single closed outline.
        ImportError: The library that reads a drawing is not installed.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    if path.suffix.lower() in DRAWINGS:
        return _polygon(drawn_outline(path))
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} must have a polygon or an outline, and lengths in millimetres")
    known = ["polygon", "outline", *LENGTHS]
    for key in content:
        if key not in known:
            close = get_close_matches(str(key), known, 1, 0.0)[0]
            raise InputError(f"{path} has {key!r}; did you mean {close!r}? Known: {', '.join(known)}")
    if ("polygon" in content) == ("outline" in content):
        raise InputError(f"{path} must have either a polygon or an outline")
    if "outline" in content:
        fields = _polygon(drawn_outline(path.parent / str(content["outline"])))
    else:
        fields = _polygon(_pairs(path, content["polygon"]))
    for key, name in LENGTHS.items():
        if key in content:
            fields[name] = 1e-3 * _number(path, key, content[key])
    return fields


def drawn_outline(path: Path) -> Array:
    """Read the closed line of a DXF or SVG file: vertices (N, 2) [mm], curves as chords."""
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    reader = {".dxf": _read_dxf, ".svg": _read_svg}.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path} is no drawing that can be read; known: {', '.join(DRAWINGS)}")
    lines = [LineString(points) for points in reader(path) if len(points) > 1]
    if not lines:
        raise InputError(f"{path} has no lines")
    merged = linemerge(MultiLineString(_snapped(lines))) if len(lines) > 1 else lines[0]
    closed = list(merged.geoms) if isinstance(merged, MultiLineString) else [merged]
    open_ends = [line for line in closed if math.dist(line.coords[0], line.coords[-1]) > JOINED]
    if open_ends:
        x, y = open_ends[0].coords[-1]
        raise InputError(f"{path}: the outline is open near x = {x:g} mm, y = {y:g} mm")
    if len(closed) > 1:
        places = ", ".join(f"({line.centroid.x:g}, {line.centroid.y:g}) mm" for line in closed)
        raise InputError(f"{path} has {len(closed)} closed lines, about {places}: keep one, the section")
    return np.array(closed[0].coords[:-1])


def _polygon(points: Array) -> dict[str, Any]:
    return {"section": "polygon", "parameters": {"vertices": (1e-3 * points).tolist()}}


def _pairs(path: Path, values: Any) -> Array:
    try:
        points = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2:
        raise InputError(f"{path}: polygon must be a list of [x, y] in millimetres, got {values!r:.60}")
    return points


def _number(path: Path, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{path}: {key} must be a number of millimetres, got {value!r}")
    return float(value)


def _snapped(lines: Sequence[LineString]) -> list[LineString]:
    """Join the ends of lines that nearly meet."""
    ends: list[tuple[float, ...]] = []

    def snap(point: tuple[float, ...]) -> tuple[float, ...]:
        near = next((end for end in ends if math.dist(end, point) <= JOINED), None)
        if near is None:
            ends.append(point)
        return near or point

    return [
        LineString([snap(line.coords[0]), *line.coords[1:-1], snap(line.coords[-1])])
        for line in lines
        if line.length > JOINED
    ]


def _read_dxf(path: Path) -> list[list[tuple[float, float]]]:
    """Read the lines of the model space [mm]."""
    try:
        import ezdxf
        from ezdxf import path as paths
        from ezdxf import units
    except ImportError as error:
        raise ImportError("reading a DXF file needs ezdxf: pip install 'assembly_rl[drawings]'") from error
    try:
        document = ezdxf.readfile(path)
    except (ezdxf.DXFError, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a DXF file: {str(error).splitlines()[0]}") from None
    unit = units.InsertUnits(document.units)
    scale = units.conversion_factor(unit, units.InsertUnits.Millimeters) if document.units else 1.0
    lines = []
    for entity in document.modelspace():
        try:
            outline = paths.make_path(entity)
        except TypeError:
            continue  # texts and dimensions are no lines
        points = outline.flattening(SAGITTA / scale, segments=2)
        lines.append([(scale * point.x, scale * point.y) for point in points])
    return lines


def _read_svg(path: Path) -> list[list[tuple[float, float]]]:
    """Read the lines of an SVG file [mm], y up."""
    try:
        from svgpathtools import Document
    except ImportError as error:
        raise ImportError(
            "reading an SVG file needs svgpathtools: pip install 'assembly_rl[drawings]'"
        ) from error
    from xml.etree.ElementTree import ParseError

    try:
        document = Document(str(path))
        parts = [part for whole in document.paths() for part in whole.continuous_subpaths()]
    except (ParseError, ValueError, OSError, IndexError, KeyError) as error:
        raise InputError(f"{path} is not an SVG file: {str(error).splitlines()[0]}") from None
    scale = _svg_scale(document.root.attrib)
    lines = []
    for part in parts:
        points = [part[0].start]
        for segment in part:
            count = 1 if type(segment).__name__ in ("Line", "Close") else _chords(segment, scale)
            points += [segment.point(k / count) for k in range(1, count + 1)]
        lines.append([(scale * point.real, -scale * point.imag) for point in points])
    return lines


def _chords(segment: Any, scale: float) -> int:
    """Number of chords that stay within the sagitta of a curve."""
    for count in range(1, 65):
        ends = [segment.point(k / count) for k in range(count + 1)]
        middles = [segment.point((k + 0.5) / count) for k in range(count)]
        chords = zip(ends, ends[1:], middles, strict=False)
        if max(abs(middle - 0.5 * (a + b)) for a, b, middle in chords) * scale <= SAGITTA:
            return count
    return 64


def _svg_scale(attributes: dict[str, str]) -> float:
    """Millimetres per user unit, from width and viewBox; 1 without a physical width."""
    factors = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72.0, "px": 25.4 / 96.0}
    width, box = attributes.get("width", "").strip(), attributes.get("viewBox", "").replace(",", " ").split()
    unit = width[-2:]
    try:
        length = float(width[:-2])
        across = float(box[2]) if len(box) == 4 else length
    except ValueError:
        return 1.0
    return length * factors[unit] / across if unit in factors and across > 0.0 else 1.0

"""Text of a part's YAML file, from which ``read_part`` reads the same part; lengths in millimetres."""

import json
from collections.abc import Iterable

from assembly_rl.envs.geometry.files import LENGTHS
from assembly_rl.envs.geometry.part import PegHole
from assembly_rl.envs.geometry.sections import drawn_outlines
from assembly_rl.envs.geometry.simplification import FEW


def part_yaml(part: PegHole) -> str:
    """Write a part as YAML, its outlines as they were drawn, or else centred.

    Lengths are rounded to a picometre.
    """
    drawn = drawn_outlines(part.parameters)
    outlines = [_outline(outline) for outline in (part.peg_outlines if drawn is None else drawn)]
    lines = [f"name: {json.dumps(part.name, ensure_ascii=False)}"] if part.name else []
    if len(outlines) == 1:
        lines.append(f"polygon: {outlines[0]}")
    else:
        lines += ["polygons:", *(f"  - {outline}" for outline in outlines)]
    for key, name in LENGTHS.items():
        length = getattr(part, name)
        if length > 0.0 or name != "tip_chamfer":
            lines.append(f"{key}: {_millimetres(length)}")
    if part.blind:
        lines.append("blind: true")
    many = any(len(outline) > FEW for outline in part.peg_outlines)
    note = f"; outlines of more than {FEW} corners are simplified when they are read" if many else ""
    return "\n".join([f"# lengths in millimetres{note}", *lines]) + "\n"


def _outline(vertices: Iterable[Iterable[float]]) -> str:
    return f"[{', '.join(f'[{_millimetres(x)}, {_millimetres(y)}]' for x, y in vertices)}]"


def _millimetres(length: float) -> str:
    text = f"{1e3 * length:.9f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text

"""Content of a drawing, and limits and warnings that part files share."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.polygons import Array

MAX_BYTES = 2_000_000
"""Largest size of a part file."""

MAX_CURVES = 4096
"""Largest number of lines and curves of a drawing."""

Stroke = list[Array]
"""Lines and curves of which each begins where the one before ends, see ``curves``."""


class PartWarning(UserWarning):
    """Remark on a part file: vertices were left out, or something is no line of the outline."""


@dataclass
class Drawing:
    """Content of a drawing.

    Attributes:
        strokes: Lines drawn, in the unit of the file.
        scale: Matrix (3, 3) from the coordinates of the file to x, y [mm], y up.
        skipped: Number of annotations that are no lines of the outline, by their kind.
    """

    strokes: list[Stroke] = field(default_factory=list)
    scale: Array = field(default_factory=lambda: np.eye(3))
    skipped: Counter[str] = field(default_factory=Counter)
    _curves: int = 0

    def add(self, stroke: Stroke) -> None:
        """Add a stroke, unless it is empty.

        Raises:
            ValueError: The drawing has too many lines.
        """
        if stroke:
            self.strokes.append(stroke)
            self._curves += len(stroke)
        if self._curves > MAX_CURVES:
            raise InputError(f"more than {MAX_CURVES} lines: keep the outline of the section alone")


def file_content(
    path: Path, most: int = MAX_BYTES, remedy: str = "keep the outline of the section alone"
) -> bytes:
    """Read a file of limited size.

    Args:
        path: File.
        most: Largest size [bytes].
        remedy: Advice on a larger one.

    Raises:
        ValueError: There is no such file, it cannot be read, or it is too large.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist" if not path.exists() else f"{path} is not a file")
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > most:
        raise InputError(f"{path} has more than {most / 1e6:g} MB: {remedy}")
    return content

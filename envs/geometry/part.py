"""Pair of parts to be assembled: a peg and the hole it fits."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from shapely.geometry import Polygon

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.polygons import MAX_LENGTH, Array, narrowest_gap, offset, thin_place
from assembly_rl.envs.geometry.sections import resolve_parameters, section_outline

FORMAT_VERSION = 1
"""Version in every content hash, raised when the shape that a description stands for changes."""

MAX_WALL = 0.010
"""Width [m] of the material around the hole where the section leaves room for it."""

MIN_WIDTH = 1e-3
"""Least width [m] of the peg: a thinner blade would bend, and its contact would not be reliable."""

MIN_WALL = 2e-4
"""Least width [m] of the material around the hole: contact with anything thinner is not reliable."""


@dataclass(frozen=True)
class PegHole:
    """Prismatic peg and chamfered through hole with the same section and a uniform clearance.

    The hole is the section with every edge moved outward by the clearance and mitred corners. All lengths are
    in metres. The section is centred, its area centroid on the axis of the peg and of the hole: the origin in
    which the vertices of a custom polygon are given is not kept.

    Attributes:
        section: Name of the section, one of ``SECTIONS``.
        parameters: Parameters of the section; defaults are filled in.
        clearance: Gap [m] between each side of the centred peg and the hole.
        chamfer: Width [m] of the 45 degree chamfer around the hole's mouth; 0 for a sharp edge.
        hole_depth: Thickness [m] of the plate, through which the hole goes.
        peg_length: Length [m] of the peg from its tip to the flange.
    """

    section: str = "square"
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    clearance: float = 1e-4
    chamfer: float = 3e-4
    hole_depth: float = 0.025
    peg_length: float = 0.040

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", resolve_parameters(self.section, self.parameters))
        for name in ("clearance", "chamfer", "hole_depth", "peg_length"):
            object.__setattr__(self, name, self._length(name))
        self._check_fit()

    @cached_property
    def peg_outline(self) -> Array:
        """Section of the peg [m]: (N, 2) vertices, counter-clockwise, read-only."""
        return _read_only(section_outline(self.section, self.parameters))

    @cached_property
    def hole_outline(self) -> Array:
        """Section of the hole below the chamfer [m]: (N, 2), one vertex per peg vertex, read-only."""
        return _read_only(offset(self.peg_outline, self.clearance))

    @cached_property
    def wall(self) -> float:
        """Width [m] of the material around the hole: just under half of the narrowest tongue, or 10 mm."""
        return min(MAX_WALL, 0.98 * (narrowest_gap(self.peg_outline)[0] - self.clearance))

    @property
    def circumradius(self) -> float:
        """Distance [m] of the peg's farthest corner from its axis."""
        return float(np.max(np.linalg.norm(self.peg_outline, axis=1)))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the shape to a picometre, identical on every machine."""
        lengths = [self.clearance, self.chamfer, self.hole_depth, self.peg_length]
        outline = (self.peg_outline.round(12) + 0.0).tolist()  # + 0.0: no negative zeros
        content = json.dumps([FORMAT_VERSION, MAX_WALL, lengths, outline])
        return hashlib.sha256(content.encode()).hexdigest()

    def _length(self, name: str) -> float:
        value = getattr(self, name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise InputError(f"{name} must be a finite number of metres, got {value!r}")
        if not 0.0 < value <= MAX_LENGTH and not (name == "chamfer" and value == 0.0):
            least = "0 or more" if name == "chamfer" else "more than 0"
            raise InputError(f"{name} must be {least} and at most {MAX_LENGTH} m, got {value:g} m")
        return float(value)

    def _check_fit(self) -> None:
        if self.clearance >= self.circumradius:
            raise InputError(
                f"clearance {self.clearance:g} m must be less than the section's radius, "
                f"{self.circumradius:.3g} m: give it in metres"
            )
        thin = thin_place(self.peg_outline, MIN_WIDTH)
        if thin is not None:
            raise InputError(
                f"the section is narrower than {MIN_WIDTH:g} m {self._near(thin)}: widen it there"
            )
        gap = narrowest_gap(self.peg_outline)[1]
        if self.wall < MIN_WALL:
            raise InputError(
                f"clearance {self.clearance:g} m leaves a wall of {max(self.wall, 0.0):.3g} m in the "
                f"narrowest gap of the section, {self._near(gap)}: at least {MIN_WALL:g} m is needed, reduce "
                "it or widen the gap"
            )
        if self.chamfer >= self.wall:
            raise InputError(
                f"chamfer {self.chamfer:g} m must be less than the wall around the hole, {self.wall:.3g} m: "
                f"reduce it or widen the section's narrowest gap, {self._near(gap)}"
            )
        if self.chamfer >= self.hole_depth:
            raise InputError(f"chamfer {self.chamfer:g} m must be less than hole_depth {self.hole_depth:g} m")
        if self.peg_length <= self.hole_depth:
            raise InputError(
                f"peg_length {self.peg_length:g} m must exceed hole_depth {self.hole_depth:g} m: "
                "otherwise the flange hits the plate before the peg is through"
            )

    def _near(self, place: Array) -> str:
        """Describe a place of the outline in the coordinates in which it was drawn."""
        if "vertices" in self.parameters:
            centroid = Polygon(self.parameters["vertices"]).centroid
            place = place + [centroid.x, centroid.y]
        x, y = (1e3 * place + 0.0).round(3).tolist()
        return f"near x = {x:g} mm, y = {y:g} mm"


def _read_only(outline: Array) -> Array:
    outline.flags.writeable = False
    return outline

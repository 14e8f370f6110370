"""Pair of parts to be assembled: a peg and the hole it fits."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from shapely.geometry import Polygon

from assembly_rl.controllers.validation import InputError, is_finite
from assembly_rl.envs.geometry.polygons import (
    MAX_LENGTH,
    Array,
    LengthError,
    narrowest_gap,
    offset,
    thin_place,
)
from assembly_rl.envs.geometry.sections import resolve_parameters, section_outline

FORMAT_VERSION = 1
"""Version in every content hash, raised when the shape that a description stands for changes."""

MAX_WALL = 0.010
"""Width [m] of the material around the hole where the section leaves room for it."""

MIN_WIDTH = 1e-3
"""Least width [m] of the peg: a thinner blade would bend, and its contact would not be reliable."""

MIN_LENGTHS = {"clearance": 1e-6, "chamfer": 1e-5, "hole_depth": 1e-3, "peg_length": 1e-3}
"""Least lengths [m], beside a chamfer of 0: anything shorter is a number in another unit."""

MAX_CLEARANCE_SHARE = 0.25
"""Largest clearance in widths of the peg at its narrowest place: in a wider hole a peg is not guided."""

MAX_CHAMFER_SHARE = 0.5
"""Largest chamfer in widths of the peg at its narrowest place."""

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
        if not isinstance(value, int | float) or isinstance(value, bool) or not is_finite(value):
            raise InputError(f"{name} must be a finite number of metres, got {value!r:.60}")
        if not 0.0 < value <= MAX_LENGTH and not (name == "chamfer" and value == 0.0):
            least = "0 or more" if name == "chamfer" else "more than 0"
            raise LengthError(
                f"{name} must be {least} and at most {{most}}, got {{value}}", value=value, most=MAX_LENGTH
            )
        if 0.0 < value < MIN_LENGTHS[name]:
            raise LengthError(
                f"{name} must be at least {{least}}, got {{value}}: give it in {{unit}}",
                value=value,
                least=MIN_LENGTHS[name],
            )
        return float(value)

    def _check_fit(self) -> None:
        lengths = {name: getattr(self, name) for name in MIN_LENGTHS}
        if self.clearance >= self.circumradius:
            raise LengthError(
                "clearance {clearance} must be less than the section's radius, {radius}: give it in {unit}",
                radius=self.circumradius,
                **lengths,
            )
        drawn = self.parameters.get("vertices")
        check_section(self.peg_outline, drawn)
        self._check_share("clearance", MAX_CLEARANCE_SHARE, "a quarter of")
        gap = _place(narrowest_gap(self.peg_outline)[1], drawn)
        if self.wall < MIN_WALL:
            raise LengthError(
                "clearance {clearance} leaves a wall of {wall} in the narrowest gap of the section, "
                "near {gap}: at least {least} is needed, reduce it or widen the gap",
                wall=max(self.wall, 0.0),
                gap=gap,
                least=MIN_WALL,
                **lengths,
            )
        if self.chamfer >= self.wall:
            raise LengthError(
                "chamfer {chamfer} must be less than the wall around the hole, {wall}: reduce it or widen "
                "the section's narrowest gap, near {gap}",
                wall=self.wall,
                gap=gap,
                **lengths,
            )
        self._check_share("chamfer", MAX_CHAMFER_SHARE, "half of")
        if self.chamfer >= self.hole_depth:
            raise LengthError("chamfer {chamfer} must be less than hole_depth {hole_depth}", **lengths)
        if self.peg_length <= self.hole_depth:
            raise LengthError(
                "peg_length {peg_length} must exceed hole_depth {hole_depth}: otherwise the flange hits the "
                "plate before the peg is through",
                **lengths,
            )

    def _check_share(self, name: str, share: float, words: str) -> None:
        """Refuse a length that is more than a share of the section's width at its narrowest place."""
        value = getattr(self, name)
        if value <= share * MIN_WIDTH:
            return
        thin = thin_place(self.peg_outline, value / share)
        if thin is not None:
            raise LengthError(
                f"{name} {{value}} must be at most {words} the section's width, which is less than {{width}} "
                "near {place}: reduce it",
                value=value,
                width=value / share,
                place=_place(thin, self.parameters.get("vertices")),
            )


def check_section(outline: Array, drawn: Any = None) -> None:
    """Check that a peg of a section can be made and its contact simulated.

    Args:
        outline: Section [m], centred.
        drawn: Vertices [m] as they were given, in which coordinates an error names the place.

    Raises:
        ValueError: The section is too small or too thin.
    """
    size = float(np.max(np.ptp(outline, axis=0)))
    if size < MIN_WIDTH:
        raise LengthError(
            "the section is {size} across, at least {least} is needed: use {unit}", size=size, least=MIN_WIDTH
        )
    thin = thin_place(outline, MIN_WIDTH)
    if thin is not None:
        raise LengthError(
            "the section is narrower than {least} near {place}: widen it there",
            least=MIN_WIDTH,
            place=_place(thin, drawn),
        )


def _place(place: Array, drawn: Any) -> Array:
    """Place of the centred outline in the coordinates in which it was drawn, if it was."""
    if drawn is None or not np.isfinite(place).all():
        return place
    centroid = Polygon(drawn).centroid
    return place + [centroid.x, centroid.y]


def _read_only(outline: Array) -> Array:
    outline.flags.writeable = False
    return outline

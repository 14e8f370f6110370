"""Pair of parts to be assembled: a peg and the hole it fits."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPoint

from assembly_rl.controllers.validation import InputError, is_finite
from assembly_rl.envs.geometry.polygons import (
    MAX_LENGTH,
    Array,
    LengthError,
    area,
    narrowest_gap,
    offset,
    region,
    thin_place,
)
from assembly_rl.envs.geometry.sections import drawn_outlines, resolve_parameters, section_outlines

FORMAT_VERSION = 1
"""Version in every content hash, raised when the shape that a description stands for changes."""

MAX_WALL = 0.010
"""Width [m] of the material around the hole where the section leaves room for it."""

MIN_WIDTH = 1e-3
"""Least width [m] of the peg: a thinner blade would bend, and its contact would not be reliable."""

MIN_LENGTHS = {
    "clearance": 1e-6,
    "chamfer": 1e-5,
    "hole_depth": 1e-3,
    "peg_length": 1e-3,
    "tip_chamfer": 1e-5,
}
"""Least lengths [m], beside a chamfer of 0: anything shorter is a number in another unit."""

CHAMFERS = ("chamfer", "tip_chamfer")
"""Lengths that may be 0."""

MAX_CLEARANCE_SHARE = 0.25
"""Largest clearance in widths of the peg at its narrowest place: in a wider hole a peg is not guided."""

MAX_CHAMFER_SHARE = 0.5
"""Largest chamfer in widths of the peg at its narrowest place."""

MAX_TIP_CHAMFER_SHARE = 0.25
"""Largest chamfer of the tip in widths of the peg at its narrowest place."""

MIN_WALL = 2e-4
"""Least width [m] of the material around the hole: contact with anything thinner is not reliable."""

MAX_NAME = 80
"""Largest number of characters of a part's name."""

FLOOR = 0.005
"""Thickness [m] of the floor of a blind hole."""


@dataclass(frozen=True)
class PegHole:
    """Prismatic peg and chamfered hole with the same section and a uniform clearance.

    A section has one outline or several: pins of one holder, and the bore of a tube, which goes over a core
    in the hole. The hole is the section with every edge moved outward by the clearance and mitred corners, so
    that a core is narrower than its bore. All lengths are in metres. The section is centred, its area
    centroid on the axis of the peg and of the hole: the origin in which the vertices of a custom polygon are
    given is not kept.

    Attributes:
        section: Name of the section, one of ``SECTIONS``.
        parameters: Parameters of the section; defaults are filled in.
        clearance: Gap [m] between each side of the centred peg and the hole.
        chamfer: Width [m] of the 45 degree chamfer around the hole's mouth and its cores; 0 for a sharp edge.
        hole_depth: Depth [m] of the hole, the thickness of the plate if it goes through.
        peg_length: Length [m] of the peg from its tip to the flange.
        tip_chamfer: Width [m] of the 45 degree chamfer of the peg's tip; 0 for a sharp edge.
        blind: The hole has a floor at its depth.
        name: Name of the part in tables, pictures and bundles; empty for that of the section.
    """

    section: str = "square"
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    clearance: float = 1e-4
    chamfer: float = 3e-4
    hole_depth: float = 0.025
    peg_length: float = 0.040
    tip_chamfer: float = 0.0
    blind: bool = False
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", resolve_parameters(self.section, self.parameters))
        for name in MIN_LENGTHS:
            object.__setattr__(self, name, self._length(name))
        if not isinstance(self.blind, bool):
            raise InputError(f"blind must be true or false, got {self.blind!r:.60}")
        check_name(self.name)
        self._check_fit()

    @property
    def label(self) -> str:
        """Name of the part, or of its section."""
        return self.name or self.section

    @cached_property
    def peg_outlines(self) -> tuple[Array, ...]:
        """Section of the peg [m]: outlines (N, 2) with the material on the left of their edges, read-only."""
        return _read_only(section_outlines(self.section, self.parameters))

    @cached_property
    def hole_outlines(self) -> tuple[Array, ...]:
        """Section of the hole below the chamfer [m]: as ``peg_outlines``, vertex for vertex, read-only."""
        return _read_only(tuple(offset(outline, self.clearance) for outline in self.peg_outlines))

    @cached_property
    def wall(self) -> float:
        """Width [m] of the wall behind every edge of the hole: what there is room for, at most 10 mm.

        Several openings, or walls of less than 5 mm, are in a larger plate, see ``plate_outline``. Walls then
        take nine tenths of the space between them, and at most 5 mm: prisms fill the rest.
        """
        room = narrowest_gap(self.peg_outlines)[0] - self.clearance
        if len(self._openings) == 1 and 0.98 * room >= 0.5 * MAX_WALL:
            return min(MAX_WALL, 0.98 * room)
        return min(0.5 * MAX_WALL, 0.9 * room)

    @property
    def ends_with_wall(self) -> bool:
        """True if the plate ends with the wall around its only opening."""
        return len(self._openings) == 1 and self.wall >= 0.5 * MAX_WALL

    @property
    def _openings(self) -> list[Array]:
        return [outline for outline in self.hole_outlines if area(outline) > 0.0]

    @cached_property
    def plate_outline(self) -> Array:
        """Outer edge of the plate [m]: (N, 2), counter-clockwise, read-only.

        It is that of the wall around a single opening, if that has 5 mm or more; otherwise the convex hull of
        the openings with 10 mm around them.
        """
        openings = self._openings
        if self.ends_with_wall:
            return _read_only((offset(openings[0], self.wall),))[0]
        corners = np.concatenate([offset(outline, MAX_WALL) for outline in openings])
        hull = shapely.orient_polygons(MultiPoint(corners).convex_hull).exterior.coords[:-1]
        return _read_only((np.array(hull),))[0]

    @property
    def floor(self) -> float:
        """Thickness [m] of the floor below the hole; 0 for a hole that goes through."""
        return FLOOR if self.blind else 0.0

    @property
    def circumradius(self) -> float:
        """Distance [m] of the peg's farthest corner from its axis."""
        return float(np.max(np.linalg.norm(np.concatenate(self.peg_outlines), axis=1)))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the shape to a picometre, identical on every machine."""
        lengths = [self.clearance, self.chamfer, self.hole_depth, self.peg_length]
        outlines = [(outline.round(12) + 0.0).tolist() for outline in self.peg_outlines]  # no negative zeros
        content: list[Any] = [FORMAT_VERSION, MAX_WALL, lengths, outlines[0]]
        if len(outlines) > 1 or self.tip_chamfer > 0.0 or self.blind or not self.ends_with_wall:
            content += [outlines[1:], self.tip_chamfer, self.floor]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def _length(self, name: str) -> float:
        value = getattr(self, name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not is_finite(value):
            raise InputError(f"{name} must be a finite number of metres, got {value!r:.60}")
        if not 0.0 < value <= MAX_LENGTH and not (name in CHAMFERS and value == 0.0):
            least = "0 or more" if name in CHAMFERS else "more than 0"
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
                "clearance {clearance} must be less than the section's radius, {radius}: give it in {unit}, "
                "or reduce it",
                radius=self.circumradius,
                **lengths,
            )
        drawn = drawn_outlines(self.parameters)
        check_section(self.peg_outlines, drawn)
        self._check_share("clearance", MAX_CLEARANCE_SHARE, "a quarter of")
        gap = _place(narrowest_gap(self.peg_outlines)[1], drawn)
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
        self._check_share("tip_chamfer", MAX_TIP_CHAMFER_SHARE, "a quarter of")
        if self.tip_chamfer > 0.0:
            inward, place = narrowest_gap([outline[::-1] for outline in self.peg_outlines])
            if self.tip_chamfer >= inward:
                raise LengthError(
                    "tip_chamfer {tip_chamfer} must be less than {inward}, at which the section vanishes "
                    "near {place}: reduce it",
                    inward=inward,
                    place=_place(place, drawn),
                    **lengths,
                )
        if self.chamfer + self.tip_chamfer >= self.hole_depth:
            both = " and tip_chamfer {tip_chamfer} together" if self.tip_chamfer > 0.0 else ""
            raise LengthError(
                f"chamfer {{chamfer}}{both} must be less than hole_depth {{hole_depth}}", **lengths
            )
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
        thin = thin_place(self.peg_outlines, value / share)
        if thin is not None:
            raise LengthError(
                f"{name} {{value}} must be at most {words} the section's width, which is less than {{width}} "
                "near {place}: reduce it",
                value=value,
                width=value / share,
                place=_place(thin, drawn_outlines(self.parameters)),
            )


def check_section(outlines: Sequence[Array], drawn: Sequence[Any] | None = None) -> None:
    """Check that a peg of a section can be made and its contact simulated.

    Args:
        outlines: Section [m], centred.
        drawn: Outlines [m] as they were given, in which coordinates an error names the place.

    Raises:
        ValueError: The section is too small or too thin.
    """
    size = float(np.max(np.ptp(np.concatenate(outlines), axis=0)))
    if size < MIN_WIDTH:
        raise LengthError(
            "the section is {size} across, at least {least} is needed: use {unit}", size=size, least=MIN_WIDTH
        )
    thin = thin_place(outlines, MIN_WIDTH)
    if thin is not None:
        raise LengthError(
            "the section is narrower than {least} near {place}: widen it there",
            least=MIN_WIDTH,
            place=_place(thin, drawn),
        )


def check_name(name: Any) -> None:
    """Check that the name of a part is a text for tables and files.

    Raises:
        ValueError: It is no text, too long, or has a line break or another control character.
    """
    if not isinstance(name, str) or len(name) > MAX_NAME or not name.isprintable():
        raise InputError(
            f"name must be a text of at most {MAX_NAME} characters in one line, got {name!r:.100}"
        )


def _place(place: Array, drawn: Sequence[Any] | None) -> Array:
    """Place of the centred outlines in the coordinates in which they were drawn, if they were."""
    if drawn is None or not np.isfinite(place).all():
        return place
    centroid = region(drawn).centroid
    return place + [centroid.x, centroid.y]


def _read_only(outlines: tuple[Array, ...]) -> tuple[Array, ...]:
    for outline in outlines:
        outline.flags.writeable = False
    return outlines

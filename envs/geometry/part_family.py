"""Family of random parts."""

from dataclasses import dataclass

import numpy as np

from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs.geometry.families import KINDS
from assembly_rl.envs.geometry.part import PegHole

Range = tuple[float, float]

SHARP = 2e-5
"""Least chamfer [m] that is drawn."""

ATTEMPTS = 50
"""Draws of the lengths of a part."""


@dataclass(frozen=True)
class PartFamily:
    """Family of random parts: kinds of sections, and ranges from which each part draws uniformly.

    Attributes:
        kinds: Kinds of sections, of ``KINDS``.
        size: Largest extent of the section along x or y before its turn [m].
        clearance: Gap between each side of the centred peg and the hole [m].
        chamfer: Width of the chamfer around the hole's mouth [m]; less than ``SHARP`` becomes none.
        hole_depth: Depth of the hole [m].
        sharp: Share of the parts without a chamfer.

    Raises:
        ValueError: A kind is unknown, a range is empty, or the share is not in [0, 1].
    """

    kinds: tuple[str, ...] = tuple(KINDS)
    size: Range = (0.014, 0.030)
    clearance: Range = (1e-4, 1e-4)
    chamfer: Range = (3e-4, 3e-4)
    hole_depth: Range = (0.020, 0.025)
    sharp: float = 0.0

    def __post_init__(self) -> None:
        if not self.kinds:
            raise InputError("kinds must have at least one name")
        for kind in self.kinds:
            if kind not in KINDS:
                raise InputError(unknown("kind of section", kind, KINDS))
        for name in ("size", "clearance", "chamfer", "hole_depth"):
            low, high = getattr(self, name)
            if not 0.0 <= low <= high:
                raise InputError(f"{name} must be a range from low to high, got [{low}, {high}]")
        if not 0.0 <= self.sharp <= 1.0:
            raise InputError(f"sharp must be in [0, 1], got {self.sharp}")

    def part(self, seed: int) -> PegHole:
        """Draw the part of a seed; seeds of ``HELD_OUT`` and more are for evaluation alone.

        A draw whose lengths do not fit together is repeated, up to ``ATTEMPTS`` times.

        Raises:
            ValueError: The seed is negative, or no draw fits together; the message has the last lengths.
        """
        if seed < 0:
            raise InputError(f"the seed of a part must be 0 or more, got {seed}")
        rng = np.random.default_rng([seed, 1])
        for _ in range(ATTEMPTS - 1):
            try:
                return self._draw(seed, rng)
            except InputError:
                pass
        return self._draw(seed, rng)

    def _draw(self, seed: int, rng: np.random.Generator) -> PegHole:
        kind = self.kinds[rng.integers(len(self.kinds))]
        size, clearance, chamfer, depth = (
            float(f"{rng.uniform(*values):.3g}")
            for values in (self.size, self.clearance, self.chamfer, self.hole_depth)
        )
        if self.sharp and rng.random() < self.sharp:
            chamfer = 0.0
        return PegHole(
            "family",
            {"seed": seed, "kind": kind, "size": size},
            clearance=clearance,
            chamfer=chamfer if chamfer >= SHARP else 0.0,
            hole_depth=depth,
            name=f"{kind}-{seed}",
        )

"""Inspection of a part before its training: measures, convex parts, fits and costs, and warnings."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.geometry import hole_parts, peg_parts
from assembly_rl.envs.geometry.measures import (
    fits_turned,
    has_mirror,
    narrowest_place,
    narrowest_wall,
    rotational_order,
)
from assembly_rl.envs.geometry.part import MIN_WALL, MIN_WIDTH
from assembly_rl.envs.geometry.polygons import Array, area, pieces
from assembly_rl.envs.physics import ENGINES
from assembly_rl.evaluation.costs import policy_step_cost
from assembly_rl.evaluation.fits import Fit, fits

DEAR = 5e-3
"""Processor time of a policy step [s] from which a warning is worth while."""

CHEAPER = 2.0
"""Factor by which another engine has to be cheaper than the task's to be suggested."""

FEW_CORNERS = 8
"""Corners of a section that cost little."""

MANY = 8
"""Order of symmetry from which a section may be round within the clearance."""

TURNS = (2, 3, 4, 6)
"""Whole turns divided by these are tried on a peg that is not symmetric."""

NEAR = 1.5
"""Widths below this multiple of the least one are told."""


@dataclass(frozen=True)
class Engine:
    """Physics engine for a part.

    Attributes:
        name: Name of the engine.
        fits: Fits at the rates that were tried, the last one certified or the fastest.
        cost: Processor time of a policy step [s] at the last of these rates.
        refusal: Reason for which the engine cannot be used; empty if it can.
    """

    name: str
    fits: tuple[Fit, ...] = ()
    cost: float = math.nan
    refusal: str = ""

    @property
    def certified(self) -> bool:
        """The engine certifies the fit at one of the rates."""
        return bool(self.fits) and self.fits[-1].certified


@dataclass(frozen=True)
class Inspection:
    """Facts about a part for a task.

    Attributes:
        part: Part.
        task: Task.
        order: Number of turns, up to a whole one, that map the section to itself.
        mirror: The section is its own mirror image.
        peg_width, peg_place: Width [m] of the peg at its narrowest place, and a line (2, 2) [m] across it.
        wall, wall_place: Width [m] of the plate at its narrowest place, at most 10 mm, and a line across it.
        peg_parts, plate_parts: Numbers of convex parts.
        engines: Engines, that of the task first.
    """

    part: PegHole
    task: TaskConfig
    order: int
    mirror: bool
    peg_width: float
    peg_place: Array
    wall: float
    wall_place: Array
    peg_parts: int
    plate_parts: int
    engines: tuple[Engine, ...]

    @property
    def solids(self) -> int:
        """Number of separate solids of the peg, such as pins."""
        return len(pieces(self.part.peg_outlines))

    @property
    def bores(self) -> int:
        """Number of bores of the peg."""
        return sum(area(outline) < 0.0 for outline in self.part.peg_outlines)

    @property
    def round(self) -> bool:
        """The peg fits its hole in any direction."""
        return self.order >= MANY and fits_turned(self.part, math.pi / self.order)

    @property
    def guidance(self) -> float:
        """Error of position [m] up to which chamfers guide the peg into its hole."""
        return self.part.clearance + self.part.chamfer + self.part.tip_chamfer

    @property
    def suggested(self) -> Engine | None:
        """Engine for the training; None if none certifies the fit.

        It is the task's, unless that does not certify or another one is much cheaper.
        """
        certified = [engine for engine in self.engines if engine.certified]
        if not certified:
            return None
        cheapest = min(certified, key=lambda engine: engine.cost)
        return certified[0] if certified[0].cost <= CHEAPER * cheapest.cost else cheapest

    def warnings(self) -> list[str]:
        """Return remarks on what may go wrong with this part, in words."""
        return [*self._of_turns(), *self._of_widths(), *self._of_hole(), *self._of_engines()]

    def _of_turns(self) -> Iterator[str]:
        if self.round:
            return
        yaw = self.task.randomization.hole_estimate.yaw + self.task.randomization.start_pose.yaw
        if self.order > 1 and yaw > math.pi / self.order:
            yield (
                f"the yaw error of up to {math.degrees(yaw):.3g} deg exceeds half of the "
                f"{360 / self.order:.3g} deg after which the peg fits again: it may go in turned, and that "
                "counts as a success"
            )
        turned = [n for n in TURNS if self.order % n and fits_turned(self.part, 2.0 * math.pi / n)]
        if turned:
            angles = " and ".join(f"{360 / n:g}" for n in turned)
            yield (
                f"turned by {angles} deg the peg fits its hole, too, though its section is then another: "
                "if it must go in one way only, reduce the clearance or change the section"
            )

    def _of_widths(self) -> Iterator[str]:
        if self.peg_width < NEAR * MIN_WIDTH:
            yield (
                f"the peg is {1e3 * self.peg_width:.2f} mm wide {_near(self.peg_place)}; a real one may "
                f"bend there, the simulated one is rigid (least width: {1e3 * MIN_WIDTH:g} mm)"
            )
        if self.wall < 4.0 * NEAR * MIN_WALL:
            yield (
                f"the plate is {1e3 * self.wall:.2f} mm thin {_near(self.wall_place)}; a real one may "
                "bend there, the simulated one is rigid"
            )

    def _of_hole(self) -> Iterator[str]:
        if self.bores and not self.part.blind:
            yield (
                "a core stands in the hole where the peg has its bore, and only a floor can hold it: make "
                "the hole blind"
            )
        lateral = self.task.randomization.hole_estimate.lateral
        if self.part.chamfer == self.part.tip_chamfer == 0.0 and lateral > self.part.clearance:
            yield (
                "neither hole nor tip has a chamfer: with an error of position of up to "
                f"{1e3 * lateral:g} mm the peg has to find a gap of {1e3 * self.part.clearance:g} mm, which "
                "takes longer to learn"
            )

    def _of_engines(self) -> Iterator[str]:
        usable, best = [engine for engine in self.engines if engine.fits], self.suggested
        if usable and best is None:
            tried = ", ".join(f"{engine.name} up to {engine.fits[-1].rate:g} Hz" for engine in usable)
            yield (
                f"no engine certifies a clearance of {1e3 * self.part.clearance:g} mm ({tried}): episodes "
                "will end as certificate_failed"
            )
        elif best is not None and not any(engine.certified and len(engine.fits) == 1 for engine in usable):
            yield (
                "no engine certifies the fit at its own physics rate: use "
                f"task.physics.engine={best.name} task.physics.rate={best.fits[-1].rate:g}"
            )
        elif not usable:
            yield "no engine can simulate the task with this part: the table has the reasons"
        chosen = best or (usable[0] if usable else None)
        if chosen is not None and chosen.cost > DEAR:
            corners = sum(map(len, self.part.peg_outlines))
            advice = f"; a section of fewer corners than {corners} is faster" if corners > FEW_CORNERS else ""
            yield (
                f"a policy step takes {1e3 * chosen.cost:.1f} ms in {chosen.name}: 20,000 of them take "
                f"{20_000 * chosen.cost / 60:.0f} minutes besides the learning{advice}"
            )


def inspect_part(part: PegHole, task: TaskConfig) -> Inspection:
    """Measure a part, and its fit and cost in all engines.

    Args:
        part: Part.
        task: Task of the training.

    Raises:
        ValueError: The part has no exact convex parts.
    """
    peg_width, peg_place = narrowest_place(part.peg_outlines)
    wall, wall_place = narrowest_wall(part)
    names = sorted(ENGINES.names(), key=lambda name: name != task.physics.engine)
    return Inspection(
        part=part,
        task=task,
        order=rotational_order(part.peg_outlines),
        mirror=has_mirror(part.peg_outlines),
        peg_width=peg_width,
        peg_place=peg_place,
        wall=wall,
        wall_place=wall_place,
        peg_parts=len(peg_parts(part)),
        plate_parts=len(hole_parts(part)),
        engines=tuple(_engine(part, task, name) for name in names),
    )


def _engine(part: PegHole, task: TaskConfig, name: str) -> Engine:
    try:
        found = tuple(fits(part, task, name))
        physics = replace(task.physics, engine=name, rate=found[-1].rate)
        return Engine(name, found, policy_step_cost(part, replace(task, physics=physics)))
    except (InputError, ImportError) as error:
        return Engine(name, refusal=str(error))


def _near(place: Sequence[Sequence[float]] | Array) -> str:
    (a, b), (c, d) = place[0], place[1]
    return f"near x = {500.0 * (a + c):.1f} mm, y = {500.0 * (b + d):.1f} mm"

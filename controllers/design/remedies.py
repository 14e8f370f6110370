"""Changes of the robot or the request that make a design feasible, computed one at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from assembly_rl.controllers import bounds
from assembly_rl.controllers.design.config import DesignLimits, RobotLoop
from assembly_rl.controllers.design.law import Design, design
from assembly_rl.controllers.validation import InputError

STEPS = 9
"""Halvings, on a logarithmic scale, of the interval in which a remedy is searched."""
SOFTEST_MOUNT = 100.0
"""Softest mount that is considered [N/m]."""
LONGEST_SETTLING = 60.0
"""Longest limit on settling that is considered [s]."""


@dataclass(frozen=True)
class Remedy:
    """One change that makes a design feasible, if it alone can.

    Attributes:
        name: Name of what is changed.
        value: Smallest change that is enough, rounded towards more change; None if none is.
        unit: Unit of the value.
        text: Remedy in words.
        design: Design with the change; None without one.
    """

    name: str
    value: float | None
    unit: str
    text: str
    design: Design | None


def remedies(
    robot: RobotLoop,
    stiffness: Sequence[float],
    *,
    lever: float | None = None,
    rotational_stiffness: Sequence[float] | None = None,
    limits: DesignLimits | None = None,
) -> list[Remedy]:
    """Compute what would make an infeasible design feasible, for each change alone; arguments as ``design``.

    Raises:
        InputError: An argument is refused for another reason.
    """
    given = limits or DesignLimits()

    def attempt(
        robot: RobotLoop = robot, stiffness: Sequence[float] = stiffness, limits: DesignLimits = given
    ) -> Design | None:
        try:
            return design(
                robot, stiffness, lever=lever, rotational_stiffness=rotational_stiffness, limits=limits
            )
        except InputError:
            return None

    def less(ends: Sequence[float], share: float) -> list[float]:
        return [min(end, share * ends[1]) for end in ends]

    mount = min(robot.mount or bounds.CONTACT_STIFFNESS[0], stiffness[1])
    changes: list[tuple[str, str, float, float, Callable[[float], Design | None]]] = [
        ("softer mount", "N/m", mount, SOFTEST_MOUNT, lambda value: attempt(replace(robot, mount=value))),
        ("shorter lag", "s", robot.lag[1], 1e-4,
         lambda value: attempt(replace(robot, lag=less(robot.lag, value / robot.lag[1])))),
        ("shorter delay", "s", robot.delay[1], 1e-5,
         lambda value: attempt(replace(robot, delay=less(robot.delay, value / robot.delay[1])))),
        ("higher rate", "Hz", robot.rate, bounds.RATE, lambda value: attempt(replace(robot, rate=value))),
        ("contacts no stiffer than", "N/m", stiffness[1], stiffness[0],
         lambda value: attempt(stiffness=[stiffness[0], value])),
        ("contacts no softer than", "N/m", stiffness[0], stiffness[1],
         lambda value: attempt(stiffness=[value, stiffness[1]])),
        ("longer settling", "s", given.settling, LONGEST_SETTLING,
         lambda value: attempt(limits=replace(given, settling=value))),
    ]  # fmt: skip
    found = [_remedy(*change) for change in changes if 0.0 < change[2] != change[3]]
    if robot.mount is None:  # the search began at the stiffness of the contact
        first = found[0]
        text = first.text if first.value is None else f"a mount in series: {first.value:.3g} N/m (now none)"
        found[0] = replace(first, text=text)
    return found


def _remedy(
    name: str, unit: str, now: float, most: float, attempt: Callable[[float], Design | None]
) -> Remedy:
    """Find the smallest change from the present value towards the most that is considered."""
    best = attempt(most)
    if best is None:
        return Remedy(name, None, unit, f"{name}: alone, not even {most:g} {unit} is enough", None)
    bad, good = now, most
    for _ in range(STEPS):
        middle = sqrt(bad * good)
        found = attempt(middle)
        if found is None:
            bad = middle
        else:
            good, best = middle, found
    return Remedy(name, good, unit, f"{name}: {good:.3g} {unit} (now {now:.3g})", best)

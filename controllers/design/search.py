"""Search for the law with the shortest settling and a small impact under a margin of stability.

For a time constant of the law, mass over damping, the least damping with the margin follows from the
frequency response alone (``margins``): without a spring, the stiffness up to which a law has a margin is
proportional to its damping. A grid of time constants and of dampings from the least one up is then moved into
contact with all plants (``motion``). Of the laws that settle within ``SLACK`` of the shortest time, the one
with the smallest impact is taken.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers import bounds
from assembly_rl.controllers.design.config import DesignLimits, PlantPoint
from assembly_rl.controllers.design.margins import (
    Margins,
    largest_stiffness,
    law_response,
    margins,
    unit_circle,
)
from assembly_rl.controllers.design.motion import BAND, Motion, contact
from assembly_rl.controllers.design.plants import Plants
from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

TIME_CONSTANTS = np.geomspace(0.003, 30.0, 28)
"""Time constants of the law that are tried, per sum of delays and lags of the slowest robot."""
FACTORS = np.array([1.0, 1.08, 1.17, 1.3, 1.5, 1.8, 2.4, 3.5])
"""Dampings that are tried, per least damping."""
SLACK = 1.1
"""Settling times within this factor of the shortest count as equal."""


@dataclass(frozen=True)
class Found:
    """Law that was found, on one translational axis.

    Attributes:
        mass, damping, stiffness: Law [kg], [Ns/m], [N/m].
        settling: Longest settling time [s].
        peak: Largest force under a reference, per reference [1].
        impact: Largest force of an impact, per approach speed [Ns/m].
        margins: Smallest margins.
        largest_stiffness: Stiffness up to which the margin holds [N/m].
        binding: Plant that leaves the smallest margin.
        slowest: Plant that settles last.
        hardest: Plant with the largest impact.
    """

    mass: float
    damping: float
    stiffness: float
    settling: float
    peak: float
    impact: float
    margins: Margins
    largest_stiffness: float
    binding: PlantPoint
    slowest: PlantPoint
    hardest: PlantPoint


class Infeasible(InputError):
    """Refusal of limits that no law keeps; the message has the bound that binds."""


def spring(low: float, limits: DesignLimits) -> float:
    """Return the stiffest virtual spring that takes no more than its share from the softest contact [N/m]."""
    return low * limits.force_error / (1.0 - limits.force_error)


def search(plants: Plants, limits: DesignLimits) -> Found:
    """Search for the law of a set of plants.

    Raises:
        Infeasible: No law keeps the limits; the message has the bound that binds.
    """
    points = unit_circle()
    responses = plants.responses(points)
    laws, needs = _candidates(plants, limits, responses, points)
    motion, settling = _settled(plants, limits, laws, needs)
    good = np.flatnonzero(settling <= limits.settling)
    hits = _impacts(plants, laws[:, good])
    good, hits = _soft(plants, limits, good, motion, hits)
    near = np.flatnonzero(settling[good] <= SLACK * settling[good].min())
    chosen = int(near[hits.max(axis=(0, 1))[near].argmin()])
    law = int(good[chosen])
    mass, damping, stiffness = laws[:, law]
    response = responses * law_response(
        mass, damping, stiffness, 1.0 / plants.robot.rate, points, plants.robot.explicit
    )
    reached = largest_stiffness(response, limits.sensitivity)
    stiffest = float(plants.stiffness[-1])
    return Found(
        mass=float(mass),
        damping=float(damping),
        stiffness=float(stiffness),
        settling=float(settling[law]),
        peak=float(motion.peak[:, : plants.direct, law].max()),
        impact=float(hits[:, :, chosen].max()),
        margins=margins(stiffest * response),
        largest_stiffness=float(reached.min()),
        binding=plants.point(int(reached.argmin()), stiffest),
        slowest=plants.largest(motion.settling[:, :, law]),
        hardest=plants.largest(hits[:, :, chosen]),
    )


def _candidates(
    plants: Plants, limits: DesignLimits, responses: Complex, points: Complex
) -> tuple[Array, str]:
    """Return laws (3, laws) that have the margin, and in words the least damping that it needs."""
    robot, low, high = plants.robot, float(plants.stiffness[0]), float(plants.stiffness[-1])
    dt = 1.0 / robot.rate
    taus = plants.slowness * TIME_CONSTANTS
    if robot.explicit:
        taus = np.unique(np.maximum(taus, dt))  # an explicit step of a lighter law overshoots, or diverges
    unit = law_response(taus[:, None, None], np.array(1.0), np.array(0.0), dt, points, robot.explicit)
    reached = largest_stiffness(unit * responses, limits.sensitivity)  # (taus, plants), per damping
    least = high / reached.min(axis=1)
    damping = np.maximum(least, robot.least_mass / taus)[:, None] * FACTORS  # more damping, more margin
    mass = damping * taus[:, None]
    # The slowest pole of the softest contact is near (low + stiffness) / D: far more damping is slower.
    useful = damping <= 1.2 * damping.min() + 3.0 * low * (plants.slowness + taus)[:, None]
    if limits.force is not None:
        useful[:] = True  # a slower law may have a smaller impact
    most = limits.damping if limits.damping is not None else bounds.DAMPING[0]
    fits = useful & (damping <= most) & (mass <= bounds.MASS)
    row, column = np.unravel_index(damping.argmin(), damping.shape)
    binding = plants.point(int(reached[row].argmin()), high)
    needs = (
        f"at {binding}, a sensitivity <= {limits.sensitivity:g} needs a damping of "
        f"{damping[row, column]:.3g} Ns/m"
    )
    if not fits.any():
        raise Infeasible(
            f"no law with damping <= {most:g} Ns/m and mass <= {bounds.MASS:g} kg: {needs} and a mass of "
            f"{mass[row, column]:.3g} kg"
        )
    stiffness = np.full(int(fits.sum()), spring(low, limits))
    return np.stack((mass[fits], damping[fits], stiffness)), needs


def _settled(plants: Plants, limits: DesignLimits, laws: Array, needs: str) -> tuple[Motion, Array]:
    """Return the motion over a time in which some laws settle, and the settling time of each law [s]."""
    low, high, longest = float(plants.stiffness[0]), float(plants.stiffness[-1]), limits.settling
    quickest = log(1.0 / BAND) * float(laws[1].min() / (low + laws[2, 0]))
    if quickest > 1.5 * longest:
        raise Infeasible(
            f"no law settles within {longest:g} s: {needs}, with which a contact of {low:.3g} N/m "
            f"takes about {quickest:.3g} s"
        )
    duration = longest if limits.force is not None else 1.3 * quickest + 8.0 * plants.slowness
    while True:
        motion = contact(
            plants.robot, plants.plants, plants.stiffness, laws, min(duration, 1.25 * longest),
            coupling=plants.coupling,
        )  # fmt: skip
        settling = motion.settling.max(axis=(0, 1))
        if settling.min() <= longest:
            return motion, settling
        if duration > 1.25 * longest:
            shown = f"{settling.min():.3g} s" if np.isfinite(settling.min()) else "longer"
            raise Infeasible(
                f"no law settles within {longest:g} s: {needs}; contacts from {low:.3g} to {high:.3g} "
                f"N/m take {shown} at best"
            )
        duration *= 2.0


def _impacts(plants: Plants, laws: Array) -> Array:
    """Return the largest force of an impact at 1 m/s, shape (plants, stiffnesses, laws)."""
    duration = 4.0 * plants.slowness + 6.0 * float((laws[0] / laws[1]).max()) + 4.0 / plants.robot.rate
    stiffness = plants.stiffness[: plants.direct]
    return contact(plants.robot, plants.plants, stiffness, laws, duration, impact=True).peak


def _soft(
    plants: Plants, limits: DesignLimits, good: NDArray[np.intp], motion: Motion, hits: Array
) -> tuple[NDArray[np.intp], Array]:
    """Return the laws that keep the limit on the force, and their impacts."""
    if limits.force is None:
        return good, hits
    peak = np.maximum(1.0, motion.peak[:, : plants.direct].max(axis=(0, 1))[good])
    force = limits.reference * peak + limits.approach_speed * hits.max(axis=(0, 1))
    if force.min() > limits.force:
        best = int(force.argmin())
        raise Infeasible(
            f"no law keeps the force below {limits.force:g} N at {limits.approach_speed:g} m/s and a "
            f"reference of {limits.reference:g} N: at best {force[best]:.3g} N, at "
            f"{plants.largest(hits[:, :, best])}"
        )
    kept = force <= limits.force
    return good[kept], hits[:, :, kept]

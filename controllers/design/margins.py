"""Margins of stability of a law against a contact, from the frequency response of the loop.

The loop transfer is ``L = k G``: contact stiffness k times the response G of law, robot, sensor and filter.
The sensitivity is ``S = 1 / (1 + L)``; its largest magnitude Ms is the inverse of the distance of the Nyquist
curve from -1. A loop with Ms has a gain margin of at least ``Ms / (Ms - 1)`` and a phase margin of at least
``2 asin(1 / (2 Ms))``: 2 and 29 degrees for Ms = 2. Source: Astrom and Murray, Feedback Systems, 2nd ed.
(2021), section 10.3; Astrom and Hagglund, PID Controllers, 2nd ed. (1995), recommend 1.3 to 2.

While k grows from zero, each point of the curve moves along a ray from the origin. As long as no ray enters
the circle of radius 1 / Ms around -1, all stiffnesses from zero to k have the margin, and as the curve never
crosses -1 they are stable. So the largest stiffness is the least one over the frequencies at which a ray
enters the circle, in closed form, and nothing between two stiffnesses is left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

FREQUENCIES = 700
"""Number of frequencies on the unit circle."""
LOWEST = 1e-5
"""Lowest frequency, as a share of the Nyquist frequency."""


def unit_circle(count: int = FREQUENCIES) -> Complex:
    """Return points ``exp(j w)`` up to the Nyquist frequency, denser where the frequency is low."""
    low = np.geomspace(LOWEST, 1.0, count - count // 3)
    angles = np.union1d(low, np.linspace(0.0, 1.0, count // 3 + 2)[1:])
    return np.exp(1j * np.pi * angles)


def law_response(
    mass: Array, damping: Array, stiffness: Array, dt: float, points: Complex, explicit: bool = False
) -> Complex:
    """Return the response from a force to the offset of a law, at points z.

    Implicit Euler steps with ``v' = v + dt (F - D v' - K x') / M``, an explicit step with v and x on the
    right; both go on with ``x' = x + dt v'``.

    Args:
        mass: Virtual mass [kg], of a shape that broadcasts with ``points``.
        damping: Damping [Ns/m].
        stiffness: Stiffness [N/m].
        dt: Control period [s].
        points: Points z of the plane.
        explicit: True for the explicit step.
    """
    back = 1.0 / points
    slope = (1.0 - back) / dt
    old = back if explicit else 1.0
    return 1.0 / (mass * slope**2 + old * (damping * slope + stiffness))


def largest_stiffness(response: Complex, sensitivity: float) -> Array:
    """Return the stiffness up to which a sensitivity is kept; infinity if always.

    Args:
        response: Response G of the loop per stiffness, shape (..., frequencies).
        sensitivity: Largest sensitivity Ms; infinity for the bound of stability.
    """
    inside = 1.0 - 1.0 / sensitivity**2
    real, square = response.real, np.abs(response) ** 2
    root = real**2 - inside * square
    enters = (real < 0.0) & (root >= 0.0)
    # The smaller root of |1 + k G| = 1 / Ms, in a form without cancellation.
    with np.errstate(divide="ignore", invalid="ignore"):
        meets = np.where(enters, inside / (-real + np.sqrt(np.where(enters, root, 0.0))), np.inf)
    if np.isinf(sensitivity):
        return crossing(response)
    result: Array = meets.min(axis=-1)
    return result


def crossing(response: Complex) -> Array:
    """Return the least stiffness at which the Nyquist curve passes through -1; infinity if none does.

    Args:
        response: Response G of the loop per stiffness, shape (..., frequencies), the last one at Nyquist.
    """
    imaginary, real = response.imag, response.real
    left, right = imaginary[..., :-1], imaginary[..., 1:]
    passes = left * right <= 0.0
    passes[..., -1] |= True  # at the Nyquist frequency the response is real
    share = np.where(passes, left / np.where(left == right, 1.0, left - right), 0.0)
    share[..., -1] = 1.0
    there = real[..., :-1] + share * (real[..., 1:] - real[..., :-1])
    with np.errstate(divide="ignore"):
        result: Array = np.where(passes & (there < 0.0), -1.0 / there, np.inf).min(axis=-1)
    return result


@dataclass(frozen=True)
class Margins:
    """Margins of stability, each the smallest over a set of plants.

    Attributes:
        sensitivity: Largest magnitude of the sensitivity Ms.
        gain: Gain margin, factor on the contact stiffness [1].
        phase: Phase margin [deg]; infinity if the loop gain stays below 1.
    """

    sensitivity: float
    gain: float
    phase: float


def margins(loop: Complex) -> Margins:
    """Compute the margins of loop transfers L, shape (plants, frequencies), all of them stable."""
    sensitivity = float((1.0 / np.abs(1.0 + loop)).max())
    size = np.abs(loop)
    passes = (size[:, :-1] - 1.0) * (size[:, 1:] - 1.0) <= 0.0
    phase = np.degrees(np.angle(-loop))  # distance from -180 degrees
    nearest = np.minimum(np.abs(phase[:, :-1]), np.abs(phase[:, 1:]))
    between = np.where(passes, nearest, np.inf)
    return Margins(sensitivity, float(crossing(loop).min()), float(between.min()))

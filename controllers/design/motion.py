"""Motion of many laws in contact with many plants: settling, peak and impact of the contact force."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.design.config import RobotLoop
from assembly_rl.controllers.design.plant import Plant, kept

Array = NDArray[np.float64]

BAND = 0.05
"""Band around the final force within which it has settled, as a share of the reference."""


@dataclass(frozen=True, eq=False)
class Motion:
    """Contact force after the tool met the surface; arrays are (plants, stiffnesses, laws).

    Attributes:
        settling: Time until the force stays within ``BAND`` [s]; infinity if it does not within the time.
        peak: Largest force, per reference force [1] or per approach speed [Ns/m].
        forces: Force at each period, shape (periods, plants, stiffnesses, laws), if it was asked for.
    """

    settling: Array
    peak: Array
    forces: Array | None


def contact(
    robot: RobotLoop,
    plants: Sequence[Plant],
    stiffness: Array,
    laws: Array,
    duration: float,
    *,
    coupling: Array | None = None,
    impact: bool = False,
    keep: bool = False,
) -> Motion:
    """Compute the force from the moment at which the moving tool meets the surface.

    With a reference force of 1 N, the tool arrives at the speed 1 / D that this gives in free space. With
    ``impact`` it arrives at 1 m/s, and no reference acts. All commands before are those of a steady motion.
    The contact holds both ways; a law with a margin hardly lifts off.

    Args:
        robot: Robot in the loop.
        plants: Plants of the robot.
        stiffness: Contact stiffnesses in series with the mount, shape (stiffnesses,) [N/m].
        laws: Mass, damping and stiffness of the laws, shape (3, laws).
        duration: Time that is computed [s].
        coupling: Factor of each stiffness that is due to coupling of force and rotation, shape
            (stiffnesses,); the force at the contact is smaller by it, and so is its deviation. By default 1.
        impact: True for the impact alone.
        keep: True to return the forces.
    """
    dt = 1.0 / robot.rate
    mass, damping, spring = laws
    shape = (len(plants), len(stiffness), laws.shape[1])
    size = plants[0].states
    steps = np.stack([plant.step for plant in plants])
    starts = [plant.moving(dt) for plant in plants]
    late = np.array([plant.periods for plant in plants])
    speed = np.broadcast_to(np.ones_like(damping) if impact else 1.0 / damping, shape)
    pull = 0.0 if impact else 1.0
    state = np.zeros((len(plants), size + 3, shape[1] * shape[2]))
    moving = np.array([own for own, _ in starts])[:, :, None, None] * speed[:, None]
    state[:, :size] = moving.reshape(len(plants), size, -1)
    first = np.array([own for _, own in starts])[:, None, None] * speed
    slots = int(late.max()) + 3
    history = np.stack([first - speed * (dt * back) for back in range(slots)])  # c[-back] in slot back
    offset, velocity = first.copy(), speed.copy()
    reading = np.zeros(shape)
    keeping, inertia = kept(robot), mass + (0.0 if robot.explicit else dt * damping + dt**2 * spring)
    drag = damping if robot.explicit else 0.0
    contact_stiffness = stiffness[None, :, None]
    final = (pull + spring * first) * contact_stiffness / (contact_stiffness + spring)
    band = BAND * (np.ones_like(stiffness) if coupling is None else coupling)[None, :, None]
    settled, peak = np.zeros(shape), np.zeros(shape)
    count = int(np.ceil(duration * robot.rate))
    forces = np.zeros((count, *shape)) if keep else None
    rows = np.arange(len(plants))
    for period in range(1, count + 1):
        wrench = contact_stiffness * reading
        force = pull - wrench - drag * velocity - spring * (offset - first)  # a spring at rest at the start
        velocity = (mass * velocity + dt * force) / inertia
        offset = offset + dt * velocity
        history[-period % slots] = offset
        for back in range(3):
            slot = (late + back - period) % slots
            state[:, size + back] = history[slot, rows].reshape(len(plants), -1)
        result = steps @ state
        state[:, :size] = result[:, :size]
        force = contact_stiffness * result[:, size].reshape(shape)
        reading = keeping * reading + (1.0 - keeping) * result[:, size + 1].reshape(shape)
        np.maximum(peak, force, out=peak)
        if not impact:
            settled[np.abs(force - final) > band] = period + 1
        if forces is not None:
            forces[period - 1] = force
    settling = np.where(settled > count, np.inf, settled * dt)
    return Motion(settling, peak, forces)

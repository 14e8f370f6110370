"""Compare a peg in two-point contact with the closed form, in both engines; for docs/force.md.

    python scripts/two_point_contact.py [output.csv]

A square peg without a chamfer is turned in its hole until it touches the mouth on one side and the wall with
its tip on the other, and is then pushed down by a soft spring. At first it stands jammed; when the push
reaches the force at which friction holds it no longer, it slides. The closed form has both forces: at the
onset (jamming) and on the way down (insertion force).

Source: D. E. Whitney, Quasi-static assembly of compliantly supported rigid parts, Journal of Dynamic Systems,
Measurement, and Control 104 (1982) 65-77; here without its approximation for small angles.
"""

import csv
import sys
from dataclasses import dataclass, replace
from math import cos, sin

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import brentq

from assembly_rl.controllers.se3 import Pose, quat_exp, quat_log
from assembly_rl.envs import PegHole
from assembly_rl.envs.physics import ENGINES, PhysicsConfig

PERIOD = 0.005  # s
CUTOFF = 40.0  # Hz
SPEED = 0.002  # m/s, of the spring's end
START, END = 0.010, 0.022  # m, depth of the tip at the start and at the end of the push
SLIDING = 5e-4  # m, way after which the peg slides steadily
FRICTION = 0.2
TILTS = (0.04, 0.06, 0.08)  # rad, of the spring's end
RATES = (1000.0, 2000.0, 4000.0)
STIFFNESS, ROTATIONAL_STIFFNESS = 2000.0, 5.0  # N/m, Nm/rad, of the spring
PART = PegHole(chamfer=0.0)


@dataclass(frozen=True)
class Slide:
    """Way of a peg that is pushed down.

    Attributes:
        depth: Depth of the tip (n,) [m] in each control period.
        force: Axial force (n,) [N] that the hole applies to the peg.
        nominal: Axial force (n,) [N] of a peg that slides at that depth, by the closed form.
        actual: The same with the clearance plus the present penetration, which widens the fit.
        penetration: Largest penetration [m].
    """

    depth: NDArray[np.float64]
    force: NDArray[np.float64]
    nominal: NDArray[np.float64]
    actual: NDArray[np.float64]
    penetration: float

    def onset(self, predicted: NDArray[np.float64]) -> float:
        """Return the largest force before the peg slides as a multiple of the predicted force there."""
        jammed = self.depth < self.depth[0] + SLIDING
        last = self.force[jammed].argmax()
        return float(self.force[jammed][last] / predicted[jammed][last])

    def insertion(self, predicted: NDArray[np.float64]) -> float:
        """Return the mean force of the sliding peg as a multiple of the predicted force."""
        slides = self.depth > self.depth[0] + SLIDING
        return float((self.force[slides] / predicted[slides]).mean())


def sliding_force(depth: float, tilt: float, clearance: float) -> float:
    """Compute the axial force [N] on a peg that slides in two-point contact at a depth of its tip [m].

    The peg leans to +x. It touches the mouth at +x with its side (force f1) and the wall at -x with its
    tip (force f2); friction acts upwards along the side and the wall. The geometry gives the angle, and the
    balance with the spring's force and moment gives f1 and f2.

    Args:
        depth: Depth of the tip's centre [m].
        tilt: Angle [rad] of the spring's end, which is on the axis that is turned about the tip.
        clearance: Clearance of the fit on each side [m].
    """
    radius, length, friction = float(PART.peg_outlines[0][:, 0].max()), PART.peg_length, FRICTION
    reach = radius + clearance

    def gap(angle: float) -> float:  # between the mouth's edge and the side of a peg whose tip touches
        return (2.0 * reach - radius * cos(angle)) * cos(angle) - depth * sin(angle) - radius

    angle = float(brentq(gap, 1e-4, 0.2))
    c, s = cos(angle), sin(angle)
    tip = radius * c - reach  # x of the tip's centre
    mouth = np.array([-c + friction * s, s + friction * c])  # force on the peg for f1 = 1, x and z
    wall = np.array([1.0, friction])  # for f2 = 1
    mouth_moment = depth * mouth[0] - (reach - tip) * mouth[1]  # about y, at the tip: z Fx - x Fz
    wall_moment = radius * s * wall[0] + radius * c * wall[1]
    pull = STIFFNESS * (length * sin(tilt) - tip - length * s)  # of the spring, along x
    turn = ROTATIONAL_STIFFNESS * (tilt - angle)
    # At the flange, length * (s, c) from the tip: the hole's wrench balances the spring's.
    lever = [length * (s * f[1] - c * f[0]) for f in (mouth, wall)]
    system = np.array([[mouth[0], wall[0]], [mouth_moment + lever[0], wall_moment + lever[1]]])
    forces = np.linalg.solve(system, [-pull, -turn])
    return float(forces @ [mouth[1], wall[1]])


def slide(engine: str, rate: float, tilt: float, end: float = END) -> Slide:
    """Turn the peg by the spring's tilt [rad] at depth ``START``, and push it down to a depth ``end`` [m].

    Args:
        engine: Name of the physics engine.
        rate: Physics rate [Hz].
        tilt: Angle [rad] of the spring's end.
        end: Depth [m] of the tip of a peg that would follow the spring's end.
    """
    config = PhysicsConfig(rate, servo_stiffness=STIFFNESS, servo_rotational_stiffness=ROTATIONAL_STIFFNESS)
    world = ENGINES.get(engine)(PART, replace(config, engine=engine), CUTOFF, False)
    steps, length = round(rate * PERIOD), PART.peg_length

    def target(angle: float, depth: float) -> Pose:
        return (length * sin(angle), 0.0, length * cos(angle) - depth), quat_exp((0.0, angle, 0.0))

    try:
        world.set_friction(FRICTION)
        world.reset(*target(0.0, START))
        for share in np.linspace(0.0, 1.0, round(0.5 / PERIOD)).tolist() + [1.0] * round(0.3 / PERIOD):
            world.advance(steps, *target(share * tilt, START))
        rows = []
        for depth in np.arange(START, end, SPEED * PERIOD).tolist():
            world.advance(steps, *target(tilt, depth))
            widened = PART.clearance + world.measure_penetration()
            (_, _, height), orientation = world.pose()
            tip = length * cos(quat_log(orientation)[1]) - height
            predicted = [sliding_force(tip, tilt, clearance) for clearance in (PART.clearance, widened)]
            rows.append((tip, world.wrench[2], *predicted))
        depth, force, nominal, actual = np.array(rows).T
        return Slide(depth, force, nominal, actual, world.penetration)
    finally:
        world.close()


def main() -> None:
    """Print the table, and write its rows."""
    columns = (
        "engine",
        "rate",
        "tilt",
        "onset",
        "insertion",
        "onset_actual",
        "insertion_actual",
        "penetration",
    )
    table, rows = Table(*columns), []
    for engine in ("bullet", "mujoco"):
        for rate in RATES:
            for tilt in TILTS:
                way = slide(engine, rate, tilt)
                ratios = [
                    of(force) for force in (way.nominal, way.actual) for of in (way.onset, way.insertion)
                ]
                rows.append((engine, rate, tilt, *ratios, way.penetration))
                table.add_row(
                    engine,
                    f"{rate:g}",
                    f"{tilt:g}",
                    *(f"{ratio:.3f}" for ratio in ratios),
                    f"{way.penetration:.1e}",
                )
    Console().print(
        table, "Forces are multiples of the closed form's; actual: its clearance plus the penetration."
    )
    if len(sys.argv) > 1:
        with open(sys.argv[1], "x", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *rows])


if __name__ == "__main__":
    main()

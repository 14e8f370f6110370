"""Try to exceed the force ceiling, with robots, contacts and policies that are none of the project's models.

    python scripts/try_ceiling.py --episodes 100000 --output rows.csv

An episode draws a robot (pure delay; servo of first or second order; rigid, or with a tool on springs), a
contact (a floor and two walls; springs and friction at four points of the tool; 10^3 to 10^6 N/m), a sensor
(filter, resolution, noise, wrong tare), a law and a policy: random, bang-bang, one that knows the contact
and pumps, NaN, and sequences of actions that are changed as long as that raises the force. Robot and contact
are integrated here, in steps of 0.1 ms; the controller is ``Insertion`` with its ceiling, which is told
bounds of their parameters, as an identification gives them. A row has the largest true force of the contact.
"""

import argparse
import csv
import gzip
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers import ComplianceLaw, ToolConfig
from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.insertion import Insertion, InsertionConfig
from assembly_rl.controllers.insertion.path import PathConfig
from assembly_rl.controllers.se3 import IDENTITY, quat_exp

Array = NDArray[np.float64]
RATE, FINE, PERIODS, EVERY = 200.0, 50, 160, 10
"""Control rate [Hz], steps of the plant in a period, periods of an episode, periods of an action."""
DT = 1.0 / RATE / FINE
CEILINGS = (10.0, 20.0, 30.0)
LEVER, START = 0.02, 0.001
POLICIES = ("random", "bang-bang", "pumping", "nan")
GENERATIONS = 8
"""Changes of a sequence of actions that is searched."""


def log_uniform(rng: np.random.Generator, low: float, high: float, size: int) -> Array:
    """Draw numbers whose logarithms are uniform."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


@dataclass
class Plants:
    """Robots in contact, n side by side.

    Attributes:
        ceiling: Largest force [N] (n,).
        stiffness: Stiffness of the contact [N/m] (n,).
        lag, delay: Lag and delay of the robot [s] (n,).
        second: True for a servo of second order (n,).
        damping_ratio: Damping ratio of that servo (n,).
        soft: True for a tool on springs (n,).
        drive, mass: Stiffness of the springs [N/m], mass of the tool [kg] (n,).
        friction: Coefficient of friction (n,).
        cutoff: Cutoff of the sensor [Hz] (n,).
        bias: Error of the tare, force then moment (n, 6).
        frame: Orthogonal axes: normals of floor and walls (n, 3, 3).
        walls: Distances of walls from the tool's edge [m] (n, 2).
    """

    ceiling: Array
    stiffness: Array
    lag: Array
    delay: Array
    second: NDArray[np.bool_]
    damping_ratio: Array
    soft: NDArray[np.bool_]
    drive: Array
    mass: Array
    friction: Array
    cutoff: Array
    bias: Array
    frame: Array
    walls: Array

    @classmethod
    def draw(cls, rng: np.random.Generator, n: int) -> "Plants":
        """Draw n plants."""
        ceiling = rng.choice(CEILINGS, n)
        direction = rng.normal(size=(n, 3))
        bias = np.concatenate((direction / np.linalg.norm(direction, axis=1)[:, None], np.zeros((n, 3))), 1)
        tilt = rng.normal(0.0, 0.1, (n, 3, 3)) + np.eye(3)
        frame, _ = np.linalg.qr(np.swapaxes(tilt[:, ::-1], 1, 2))
        frame = np.swapaxes(frame, 1, 2)[:, ::-1]  # rows; the last is the floor's normal
        frame *= np.sign(frame[:, 2, 2])[:, None, None]
        return cls(
            ceiling, log_uniform(rng, 1e3, 1e6, n), log_uniform(rng, 0.004, 0.25, n), rng.uniform(0, 0.02, n),
            rng.random(n) < 0.5, rng.uniform(0.6, 1.0, n), rng.random(n) < 0.5, log_uniform(rng, 1e4, 1e5, n),
            rng.uniform(0.5, 2.0, n), rng.uniform(0.0, 0.5, n), rng.uniform(20.0, 80.0, n),
            0.03 * ceiling[:, None] * bias, frame, rng.uniform(0.0, 0.004, (n, 2)),
        )  # fmt: skip

    def controller(self, i: int, rng: np.random.Generator) -> Insertion:
        """Create the controller of a plant, which knows bounds of its parameters."""
        wide = rng.uniform(1.0, 1.3)
        contact, impact, drive = wide * self.stiffness[i], 0.0, []
        stiff = contact
        if self.soft[i]:
            drive = [float(self.drive[i]), float(self.drive[i]) * LEVER**2]
            stiff = 1.0 / (1.0 / contact + 1.0 / drive[0])
            impact = np.sqrt(self.mass[i] * contact) + 1.4 * np.sqrt(self.drive[i] * self.mass[i])
        ratio, stopping, overshoot = self.damping_ratio[i], self.delay[i] * wide, 0.0
        if self.second[i]:
            stopping += wide * self.lag[i] / (2.0 * ratio)  # 1 / omega
            overshoot = np.exp(-np.pi * ratio / np.sqrt(1.0 - ratio**2)) if ratio < 1.0 else 0.0
        ceiling = CeilingConfig(
            force=float(self.ceiling[i]), stiffness=[float(stiff), float(stiff) * LEVER**2],
            lever=LEVER,
            drive_stiffness=drive, impact=[float(impact), float(impact) * LEVER**2] if impact else [],
            stopping_time=float(stopping), overshoot=round(float(overshoot), 6),
            sensor_cutoff=float(self.cutoff[i]), tare_error=[0.04 * float(self.ceiling[i]), 0.01],
        )  # fmt: skip
        total = self.lag[i] + self.delay[i] + 0.5 / RATE
        damping = stiff * total * 1.5 if rng.random() < 0.5 else 900.0
        law = ComplianceLaw.from_diagonals(
            [2.0] * 3 + [0.03] * 3, [max(100.0, damping)] * 3 + [max(1.0, damping * LEVER**2)] * 3, [0.0] * 6
        )
        config = InsertionConfig(
            ceiling=ceiling, path=PathConfig(start_height=START, speed=float(rng.uniform(0.002, 0.02)))
        )
        config.admittance.reference_limit = [40.0] * 3 + [2.0] * 3
        config.admittance.offset_limit = [0.01, 0.01, 0.04, 0.2, 0.2, 0.2]
        config.action.wrench = [30.0] * 3 + [1.0] * 3
        return Insertion(config, law, ToolConfig())


class Simulation:
    """Integration of robots and contacts, side by side."""

    def __init__(self, plants: Plants) -> None:
        self.p, n = plants, len(plants.ceiling)
        self.points = LEVER * np.array([[1, 0, 0.0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
        start = np.zeros((n, 6))
        start[:, 2] = START
        self.drive, self.speed = start.copy(), np.zeros((n, 6))
        self.tool, self.tool_speed = start.copy(), np.zeros((n, 6))
        self.past = np.repeat(start[:, None], 8, 1)  # commands, newest last
        self.grip = np.zeros((n, 3, 4, 3))  # friction at each point on each plane
        self.last = self._positions()
        # The lowest point of the tool is as far above the floor as the tip is above the origin.
        self.lowest = np.min(plants.frame[:, 2] @ self.points.T, axis=1)
        self.reading, self.force, self.peak = np.zeros((n, 6)), np.zeros((n, 6)), np.zeros(n)

    def _positions(self) -> Array:
        turn = np.cross(self.tool[:, None, 3:], self.points)
        return self.tool[:, None, :3] + self.points + turn

    def _contact(self) -> Array:
        """Return the wrench on the tool (n, 6), about the tip."""
        p, here = self.p, self._positions()
        spring = p.stiffness[:, None, None] / 4.0
        height = np.einsum("nkj,npj->nkp", p.frame, here)  # along each normal
        depth = np.stack(
            (
                -(height[:, 0] + LEVER + p.walls[:, :1]),
                height[:, 1] - LEVER - p.walls[:, 1:],
                self.lowest[:, None] - height[:, 2],
            ),
            1,
        )
        sign = np.array([1.0, -1.0, 1.0])[:, None]
        normal = spring * np.maximum(depth, 0.0)
        push = (sign * normal)[..., None] * p.frame[:, :, None]
        moved = (here - self.last)[:, None]
        moved = moved - np.einsum("nkpj,nkj->nkp", moved, p.frame)[..., None] * p.frame[:, :, None]
        grip = self.grip - spring[..., None] * moved
        most, size = p.friction[:, None, None] * normal, np.linalg.norm(grip, axis=-1)
        self.grip = grip * np.minimum(1.0, most / np.maximum(size, 1e-12))[..., None]
        self.last = here
        force = (push + self.grip).sum(1)
        moment = np.cross(self.points, force)
        return np.concatenate((force.sum(1), moment.sum(1)), 1)

    def advance(self, commands: Array) -> None:
        """Integrate a control period towards commands (n, 6)."""
        p = self.p
        self.past = np.concatenate((self.past[:, 1:], commands[:, None]), 1)
        rows, scale = np.arange(len(commands)), np.array([1.0] * 3 + [LEVER**2] * 3)
        omega = (2.0 * p.damping_ratio / p.lag)[:, None]
        filtered = -np.expm1(-2.0 * np.pi * p.cutoff * DT)[:, None]
        stiff, damping = p.drive[:, None] * scale, 1.4 * np.sqrt(p.drive * p.mass)[:, None] * scale
        for k in range(1, FINE + 1):
            at = 7.0 + k / FINE - 1.0 - p.delay * RATE
            whole = np.floor(at).astype(int)
            share = (at - whole)[:, None]
            target = (1 - share) * self.past[rows, whole] + share * self.past[rows, np.minimum(whole + 1, 7)]
            error = target - self.drive
            first = error / p.lag[:, None]
            second = self.speed + DT * (
                omega**2 * error - 2.0 * p.damping_ratio[:, None] * omega * self.speed
            )
            self.speed = np.where(p.second[:, None], second, first)
            self.drive = self.drive + DT * self.speed
            pull = stiff * (self.drive - self.tool) + damping * (self.speed - self.tool_speed)
            inertia = p.mass[:, None] * scale
            tool_speed = self.tool_speed + DT * (pull + self.force) / inertia
            soft = p.soft[:, None]
            self.tool_speed = np.where(soft, tool_speed, self.speed)
            self.tool = np.where(soft, self.tool + DT * tool_speed, self.drive)
            self.force = self._contact()
            self.peak = np.maximum(self.peak, np.linalg.norm(self.force[:, :3], axis=1))
            felt = np.where(soft, -pull, self.force)
            self.reading += filtered * (felt - self.reading)


def actions_of(kind: str, rng: np.random.Generator, plants: Plants, i: int) -> Array:
    """Return the actions (periods / EVERY, 6) of a policy."""
    count = PERIODS // EVERY
    if kind == "random":
        return rng.uniform(-1.0, 1.0, (count, 6))
    if kind == "nan":
        return np.where(rng.random((count, 1)) < 0.3, np.nan, rng.uniform(-1.0, 1.0, (count, 6)))
    if kind == "bang-bang":
        return rng.choice([-1.0, 1.0], (count, 6))
    hold = rng.integers(1, 4)  # pumping: away from the contact, and back at full speed
    sign = np.where(np.arange(count) // hold % 2 == 0, 1.0, rng.choice([-1.0, 0.0, 1.0]))
    normals = plants.frame[i, 2] + rng.choice([-1.0, 0.0, 1.0]) * plants.frame[i, 0]
    toward = np.concatenate((normals / np.abs(normals).max(), rng.choice([-1.0, 0.0, 1.0], 3)))
    return sign[:, None] * toward


def run(plants: Plants, actions: Array, seed: int) -> tuple[Array, Array]:
    """Run an episode of each plant.

    Args:
        plants: Plants, n.
        actions: Actions (n, periods / EVERY, 6).
        seed: Seed of controllers and noise.

    Returns:
        Largest forces [N] (n,), and shares of the periods in which the ceiling was active (n,).
    """
    n, rng = len(plants.ceiling), np.random.default_rng(seed)
    simulation, active = Simulation(plants), np.zeros(n)
    controllers = [plants.controller(i, rng) for i in range(n)]
    for controller in controllers:
        controller.reset(((0.0, 0.0, 0.0), IDENTITY))
    commands = np.zeros((n, 6))
    for period in range(PERIODS):
        noise = rng.uniform(-1.0, 1.0, (n, 6)) * np.array([0.001] * 3 + [0.001] * 3)
        reading = simulation.reading + plants.bias + plants.ceiling[:, None] * noise
        reading[:, :3] = np.round(reading[:, :3] / 0.02) * 0.02
        poses = np.round(simulation.tool / 1e-6) * 1e-6
        for i, controller in enumerate(controllers):
            if period % EVERY == 0:
                controller.apply(actions[i, period // EVERY])
            x, y, z, *turn = poses[i].tolist()
            pose = (x, y, z), quat_exp((turn[0], turn[1], turn[2]))
            (position, orientation), faults = controller.step(reading[i].tolist(), pose=pose)
            commands[i] = controller.pose(position, orientation)[0]
            active[i] += bool(faults & 1024)
        simulation.advance(commands)
    return simulation.peak, active / PERIODS


def main() -> None:
    """Run batches of plants; write rows as they come."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--episodes", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    done, above, since = 0, 0, time.monotonic()
    with gzip.open(given.output, "wt", newline="", encoding="utf-8") as file:
        writer: Any = None
        for batch in range(10**9):
            rng = np.random.default_rng((given.seed, batch))
            plants = Plants.draw(rng, given.batch)
            searched = batch % 2 == 1
            kinds = ["search"] * given.batch if searched else list(rng.choice(POLICIES, given.batch))
            actions = np.array(
                [actions_of("bang-bang" if searched else k, rng, plants, i) for i, k in enumerate(kinds)]
            )
            peak, active = run(plants, actions, batch)
            done += given.batch
            for _ in range(GENERATIONS - 1 if searched else 0):
                changed = np.where(rng.random(actions.shape) < 0.15, -actions, actions)
                again, also = run(plants, changed, batch)
                better = again > peak
                actions[better], peak[better], active[better] = changed[better], again[better], also[better]
                done += given.batch
            above += int((peak > plants.ceiling).sum())
            for i, kind in enumerate(kinds):
                row = {
                    "policy": kind, "ceiling": plants.ceiling[i], "stiffness": f"{plants.stiffness[i]:.4g}",
                    "lag": f"{plants.lag[i]:.4f}", "delay": f"{plants.delay[i]:.4f}",
                    "order": 1 + int(plants.second[i]), "soft": int(plants.soft[i]),
                    "friction": f"{plants.friction[i]:.2f}", "peak": f"{peak[i]:.3f}",
                    "active": f"{active[i]:.3f}",
                }  # fmt: skip
                writer = writer or csv.DictWriter(file, list(row))
                if not batch and not i:
                    writer.writeheader()
                writer.writerow(row)
            file.flush()
            print(f"{done} episodes, {above} above, {time.monotonic() - since:.0f} s", file=sys.stderr)
            if done >= given.episodes:
                break


if __name__ == "__main__":
    main()

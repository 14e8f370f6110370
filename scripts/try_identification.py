"""Identification of simulated robots that nothing of this package simulates; for docs/identification.md.

    python scripts/try_identification.py --count 2000 --output docs/results/identification.csv.gz

Each plant is a servo of first or second order behind a pure delay, sampled regularly or not, with noise,
quantisation, friction, a tool on a filtered and delayed sensor, and a surface. They are integrated here,
exactly for commands that are constant over half a millisecond, with the matrix exponentials of scipy. Only
the commands come from the package.
"""

import argparse
import csv
import gzip
import io
import time
from dataclasses import asdict, dataclass
from math import inf, isfinite, pi
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.linalg import expm
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from assembly_rl.controllers.identification import (
    Estimate,
    ExcitationConfig,
    Identification,
    MotionRecording,
    identify,
)
from assembly_rl.controllers.identification.motion import free_motion
from assembly_rl.controllers.identification.push import Push
from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]
STEP = 5e-4
GAP = 0.001
"""Distance of the surface from the beginning [m]."""


@dataclass
class Plant:
    """Robot, sensor, tool and surface.

    Attributes:
        order: Order of the servo.
        lag: Time constant, or 2 zeta / omega [s].
        zeta: Damping ratio; infinite for first order.
        delay: Pure delay [s].
        rate: Sampling rate [Hz].
        interpolated: True for commands that are reached linearly.
        jitter: Standard deviation of the times of the rows, in periods.
        dropped: Share of rows that are lost.
        noise: Noise of the pose [m]; of rotations ten times that [rad].
        quantum: Resolution of the pose [m].
        friction: Force of dry friction over stiffness of the servo [m].
        contact_stiffness, servo_stiffness: Stiffnesses [N/m].
        sensor_delay: Delay of the wrench [s].
        sensor_cutoff: Cutoff of its filter [Hz].
        force_noise: Noise of the force [N]; of the moment a fiftieth [Nm].
        force_quantum: Resolution of the force [N].
        mass: Mass of the tool [kg].
    """

    order: int
    lag: float
    zeta: float
    delay: float
    rate: float
    interpolated: bool
    jitter: float
    dropped: float
    noise: float
    quantum: float
    friction: float
    contact_stiffness: float
    servo_stiffness: float
    sensor_delay: float
    sensor_cutoff: float
    force_noise: float
    force_quantum: float
    mass: float


def drawn(rng: np.random.Generator) -> Plant:
    """Draw a plant."""

    def spread(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    order = 2 if rng.random() < 0.75 else 1
    return Plant(
        order=order,
        lag=spread(0.004, 0.25),
        zeta=float(rng.uniform(0.35, 1.6)) if order == 2 else inf,
        delay=float(rng.uniform(0.0, 0.05)),
        rate=float(rng.choice([100.0, 125.0, 200.0, 250.0, 500.0, 1000.0])),
        interpolated=bool(rng.random() < 0.5),
        jitter=float(rng.choice([0.0, 0.05, 0.15])),
        dropped=float(rng.choice([0.0, 0.0, 0.01, 0.05])),
        noise=spread(1e-6, 3e-5),
        quantum=float(rng.choice([0.0, 1e-6, 1e-5, 2e-5])),
        friction=float(rng.choice([0.0, 0.0, 1.0])) * spread(2e-6, 3e-5),
        contact_stiffness=spread(1e3, 1e6),
        servo_stiffness=spread(1e4, 1e6) if rng.random() < 0.8 else inf,
        sensor_delay=STEP * float(rng.integers(0, 41)),
        sensor_cutoff=spread(10.0, 500.0),
        force_noise=spread(0.02, 0.3),
        force_quantum=float(rng.choice([0.0, 0.01, 0.1])),
        mass=float(rng.choice([0.0, 1.0])) * spread(0.1, 3.0),
    )


class Servo:
    """Servo of a plant, one axis, with friction and a surface.

    Args:
        plant: Plant.
        stiffness: Stiffness of the surface over that of the servo, while they touch.
    """

    def __init__(self, plant: Plant, stiffness: float) -> None:
        self.friction = plant.friction
        self.free = transition(plant, 0.0)
        self.pressed = transition(plant, stiffness)
        self.ratio = stiffness

    def run(
        self, inputs: list[float], state: tuple[float, float], surface: float
    ) -> tuple[list[float], tuple[float, float]]:
        """Integrate over steps with constant inputs.

        Args:
            inputs: Command of each step [m].
            state: Position and speed at the beginning.
            surface: Position behind which the surface pushes back [m].

        Returns:
            Position after each step, and the state.
        """
        x, v = state
        found = []
        friction = self.friction
        for u in inputs:
            touches = x > surface
            (a, b, c, d, e, f) = self.pressed if touches else self.free
            drive = u + self.ratio * surface if touches else u
            if friction:
                spring = drive - (1.0 + self.ratio * touches) * x
                if v == 0.0 and -friction < spring < friction:
                    found.append(x)
                    continue
                sign = (1.0 if v > 0.0 else -1.0) if v != 0.0 else (1.0 if spring > 0.0 else -1.0)
                drive -= friction * sign
                x, new = a * x + b * v + e * drive, c * x + d * v + f * drive
                v = 0.0 if new * sign < 0.0 else new
            else:
                x, v = a * x + b * v + e * drive, c * x + d * v + f * drive
            found.append(x)
        return found, (x, v)


def transition(plant: Plant, ratio: float, step: float = STEP) -> tuple[float, ...]:
    """Exact transition over a step with constant drive; ratio is that of surface and servo stiffness."""
    if plant.order == 1:
        a = np.exp(-step * (1.0 + ratio) / plant.lag)
        return float(a), 0.0, 0.0, 0.0, float((1.0 - a) / (1.0 + ratio)), 0.0
    omega = 2.0 * plant.zeta / plant.lag
    matrix = np.array(
        [[0.0, 1.0, 0.0], [-(omega**2) * (1.0 + ratio), -2.0 * plant.zeta * omega, omega**2], [0.0, 0.0, 0.0]]
    )
    (a, b, e), (c, d, f), _ = expm(step * matrix).tolist()
    return a, b, c, d, e, f


def path_means(times: Array, commands: Array, edges: Array, plant: Plant) -> Array:
    """Means between edges of the path that a robot makes of its commands."""
    if plant.interpolated:
        middles = 0.5 * (edges[1:] + edges[:-1])
        return np.interp(middles, times + 1.0 / plant.rate, commands)
    area = np.concatenate([[0.0], np.cumsum(commands[:-1] * np.diff(times))])
    knots = np.concatenate([[times[0] - 1.0], times, [times[-1] + 1.0]])
    area = np.concatenate([[-commands[0]], area, [area[-1] + commands[-1]]])
    return np.diff(np.interp(edges, knots, area)) / np.diff(edges)


def free_response(plant: Plant, times: Array, commands: Array) -> Array:
    """Response at the times of the rows of an axis in free space."""
    moments = np.arange(0.0, times[-1] + STEP, STEP)
    edges = np.concatenate([moments, [moments[-1] + STEP]]) - plant.delay
    inputs = path_means(times, commands, edges, plant)
    if plant.friction and np.ptp(commands):
        found = np.array(Servo(plant, 0.0).run(inputs.tolist(), (0.0, 0.0), inf)[0])
    else:
        found = linear_response(plant, inputs)
    return np.interp(times, moments + STEP, found)


def linear_response(plant: Plant, inputs: Array) -> Array:
    """Position after each step, without friction, by the recursion of the exact transition."""
    a, b, c, d, e, f = transition(plant, 0.0)
    # x' = a x + b v + e u, v' = c x + d v + f u: eliminate v.
    return np.asarray(lfilter([e, b * f - d * e], [1.0, -(a + d), a * d - b * c], inputs))


def pushes(plant: Plant, config: ExcitationConfig, rng: np.random.Generator) -> dict[str, Any]:
    """Push on the surface in closed loop; rows of command, pose, force along the push and phase."""
    period = 1.0 / plant.rate
    substeps = round(period / STEP)
    late = round(plant.delay / STEP)
    ratio = 0.0 if plant.servo_stiffness == inf else plant.contact_stiffness / plant.servo_stiffness
    servo, state = Servo(plant, ratio), (0.0, 0.0)
    push, path, before = Push(config, plant.rate), [0.0] * (late + 1), 0.0
    keep = float(np.exp(-2.0 * pi * plant.sensor_cutoff * STEP))
    last = 0.0
    sensed, filtered = [0.0] * (round(plant.sensor_delay / STEP) + 1), 0.0
    x, begin = 0.0, late
    rows: dict[str, list[Any]] = {"command": [], "pose": [], "force": [], "phase": []}
    noise = plant.force_noise * rng.standard_normal(200_000)
    for number in range(round(60.0 * plant.rate)):
        force = sensed[-1 - round(plant.sensor_delay / STEP)] + noise[number]
        depth = push.step(force)
        for name, value in (("command", depth), ("pose", x), ("force", force), ("phase", push.phase)):
            rows[name].append(value)
        if push.done or push.lost:
            break
        if plant.interpolated:
            path += [before + (depth - before) * (n + 0.5) / substeps for n in range(substeps)]
        else:
            path += [depth] * substeps
        before = depth
        inputs = path[begin - late + 1 : begin - late + 1 + substeps]
        begin += substeps
        found, state = servo.run(inputs, state, GAP)
        x = found[-1]
        for own in found:
            pressed = plant.contact_stiffness * (own - GAP) if own > GAP else 0.0
            filtered = keep * filtered + (1.0 - keep) * 0.5 * (pressed + last)
            last = pressed
            sensed.append(filtered)
    return rows


def recorded(plant: Plant, rng: np.random.Generator) -> MotionRecording:
    """Recording of a plant."""
    config = ExcitationConfig()
    offsets, phases = free_motion(config, plant.rate)
    count = len(offsets)
    shifts = np.clip(plant.jitter * rng.standard_normal(count), -0.4, 0.4)
    times = (np.arange(count) + shifts) / plant.rate
    times -= times[0]
    moved = np.stack(
        [free_response(plant, times, axis) if np.ptp(axis) else axis for axis in offsets.T], axis=1
    )
    contact = pushes(plant, config, rng)
    more = len(contact["phase"])
    later = times[-1] + np.arange(1, more + 1) / plant.rate
    times, phases = np.concatenate([times, later]), [*phases, *contact["phase"]]
    commands = np.concatenate([offsets, np.zeros((more, 6))])
    poses = np.concatenate([moved, np.zeros((more, 6))])
    commands[count:, 2], poses[count:, 2] = -np.array(contact["command"]), -np.array(contact["pose"])
    poses[:, :3] += plant.noise * rng.standard_normal((len(times), 3))
    poses[:, 3:] += 10.0 * plant.noise * rng.standard_normal((len(times), 3))
    if plant.quantum:
        poses[:, :3] = plant.quantum * np.round(poses[:, :3] / plant.quantum)
        poses[:, 3:] = 10.0 * plant.quantum * np.round(poses[:, 3:] / (10.0 * plant.quantum))
    turns = Rotation.from_rotvec(poses[:, 3:])
    wrenches = wrench(plant, turns, np.array(contact["force"]), rng)
    keep = rng.random(len(times)) >= plant.dropped
    keep[0] = True
    targets = np.concatenate([commands[:, :3], Rotation.from_rotvec(commands[:, 3:]).as_quat()], axis=1)
    measured = np.concatenate([poses[:, :3], turns.as_quat()], axis=1)
    return MotionRecording(times[keep], targets[keep], measured[keep], wrenches[keep], np.array(phases)[keep])


def wrench(plant: Plant, turns: Any, force: Array, rng: np.random.Generator) -> Array:
    """Readings: bias, tool, and the force of the pushes, which contains its noise."""
    rows, more = len(turns), len(force)
    weight = turns.inv().apply(np.tile([0.0, 0.0, -9.81 * plant.mass], (rows, 1)))
    readings = np.concatenate([weight, np.cross(CENTRE, weight)], axis=1) + BIAS
    noise = plant.force_noise * np.repeat([1.0, 0.02], 3) * rng.standard_normal((rows, 6))
    noise[rows - more :, 2] = 0.0
    readings += noise
    readings[rows - more :, :3] += turns[rows - more :].inv().apply(np.outer(force, [0.0, 0.0, 1.0]))
    if plant.force_quantum:
        quantum = plant.force_quantum * np.repeat([1.0, 0.02], 3)
        readings = quantum * np.round(readings / quantum)
    return readings


CENTRE = np.array([0.01, -0.02, 0.06])
BIAS = np.array([2.0, -3.0, 5.0, 0.1, -0.05, 0.02])


def truth(plant: Plant) -> dict[str, float]:
    """True values of what is identified."""
    a, b = plant.lag, (plant.lag / 2.0 / plant.zeta) ** 2 if plant.order == 2 else 0.0
    frequencies = np.geomspace(0.01, 2000.0, 200_001)
    s = 2j * pi * frequencies
    bandwidth = float(frequencies[np.argmax(np.abs(1.0 + a * s + b * s * s) ** 2 >= 2.0)])
    return {
        "lag": plant.lag,
        "delay": plant.delay,
        "total": plant.lag + plant.delay,
        "bandwidth": bandwidth,
        "damping_ratio": plant.zeta,
        "sensor_lag": plant.sensor_delay + 0.5 / pi / plant.sensor_cutoff,
        "sensor_delay": plant.sensor_delay,
        "sensor_cutoff": plant.sensor_cutoff,
        "tool_mass": plant.mass,
        "contact_stiffness": plant.contact_stiffness,
        "servo_stiffness": plant.servo_stiffness,
    }


def row_of(number: int, plant: Plant) -> dict[str, Any]:
    """Row of a plant: its parameters, what was identified, and time."""
    rng = np.random.default_rng([1, number])
    row: dict[str, Any] = {"plant": number, **{f"plant_{key}": value for key, value in asdict(plant).items()}}
    recording = recorded(plant, rng)
    begin = time.process_time()
    found: Identification | None = None
    try:
        found = identify(recording, plant.interpolated)
    except InputError as error:
        row["refused"] = str(error)
    row["seconds"], row["rows"] = time.process_time() - begin, len(recording)
    for name, value in truth(plant).items():
        row[f"true_{name}"] = value
        estimate = getattr(found, name) if found else None
        if isinstance(estimate, Estimate):
            row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return row


def summary(rows: list[dict[str, Any]]) -> Table:
    """Table of how many are right, and how many intervals contain the truth."""
    table = Table("", "told", "within 10 %", "10 % or 1 ms", "in the interval", "median width")
    for name in ("lag", "delay", "total", "bandwidth", "damping_ratio", "sensor_lag", "sensor_delay",
                 "sensor_cutoff", "tool_mass", "contact_stiffness", "servo_stiffness"):  # fmt: skip
        told = [row for row in rows if row.get(name) not in (None, "")]
        error = [abs(row[name] - row[f"true_{name}"]) for row in told if isfinite(row[f"true_{name}"])]
        true = [row[f"true_{name}"] for row in told if isfinite(row[f"true_{name}"])]
        close = [e <= 0.1 * t for e, t in zip(error, true, strict=True)]
        time_like = name in ("lag", "delay", "total", "sensor_lag", "sensor_delay")
        both = [e <= max(0.1 * t, 1e-3) for e, t in zip(error, true, strict=True)]
        inside = [row[f"{name}_low"] <= row[f"true_{name}"] <= row[f"{name}_high"] for row in told]
        width = np.median([row[f"{name}_high"] - row[f"{name}_low"] for row in told]) if told else np.nan
        table.add_row(
            name,
            f"{len(told)} of {len(rows)}",
            f"{np.mean(close):.1%}" if close else "",
            f"{sum(both) / len(rows):.1%} of all" if time_like else "",
            f"{np.mean(inside):.1%}" if inside else "",
            f"{width:.3g}",
        )
    return table


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="number of plants")
    parser.add_argument("--first", type=int, default=0, help="number of the first plant")
    parser.add_argument("--output", type=Path, help="file for the rows, .csv.gz")
    given = parser.parse_args()
    console = Console()
    numbers = range(given.first, given.first + given.count)
    begin = time.process_time()
    rows = [
        row_of(number, drawn(np.random.default_rng([0, number])))
        for number in track(numbers, "plants", console=console, transient=True)
    ]
    console.print(summary(rows))
    refused = [row for row in rows if "refused" in row]
    console.print(
        f"{len(refused)} refused; {time.process_time() - begin:.0f} s of one core, of an identification "
        f"{1e3 * float(np.median([row['seconds'] for row in rows])):.0f} ms in the median"
    )
    for row in refused[:10]:
        console.print(row["plant"], row["refused"], markup=False)
    if given.output:
        text = io.StringIO()
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
            for row in rows
        )
        with gzip.GzipFile(given.output, "wb", mtime=0) as file:
            file.write(text.getvalue().encode())


if __name__ == "__main__":
    main()

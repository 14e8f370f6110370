"""Measure and plot the evidence for the physics settings, and print the numbers as Markdown.

Usage: python scripts/plot_physics.py [folder, by default docs/images]
"""

import sys
import timeit
from dataclasses import replace
from math import radians, sin
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.guidance import ReflexGuidance
from assembly_rl.controllers.se3 import Quaternion, Vector, quat_exp
from assembly_rl.envs import PegHole, PegInHoleEnv
from assembly_rl.envs.geometry import SECTIONS
from assembly_rl.envs.physics import BulletWorld, PhysicsConfig, SensorConfig
from assembly_rl.envs.physics.bullet.library import pybullet
from assembly_rl.envs.physics.bullet.world import SOLVER
from assembly_rl.evaluation import GuidedPolicy
from assembly_rl.reports.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    legend,
    new_figure,
    save,
    tidy,
)
from assembly_rl.reports.trace import Trace, record_episode

Array = NDArray[np.float64]

PART, CONFIG, CUTOFF = PegHole(), PhysicsConfig(), SensorConfig().cutoff
UPRIGHT: Quaternion = (0.0, 0.0, 0.0, 1.0)
RIM = 0.003  # lateral offset [m] at which the peg meets the rim and not the hole
EDGE_TILT = radians(1.5)
RATE = BulletWorld.default_rate  # Hz
RATES = (400.0, 500.0, 1000.0, 2000.0)
SPEEDS = (0.008, 0.020)


def main() -> None:
    """Run all measurements; under a minute."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    plot_penetration(folder / "physics_penetration.png")
    plot_impact(folder / "physics_impact.png")
    plot_phantom_contacts(folder / "physics_phantom_contacts.png")
    plot_step_time(folder / "physics_step_time.png")


def flange(x: float = 0.0, height: float = 0.0) -> Vector:
    """Flange position [m] of an upright tool whose tip is at x and height."""
    return (x, 0.0, height + PART.peg_length)


def table(columns: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table."""
    print("\n| " + " | ".join(columns) + " |\n|" + " ---: |" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def press(start: Vector, end: Vector, tilt: float) -> tuple[float, float, float]:
    """Drive the tool from one command to another at the faster speed and hold it there for 0.2 s.

    Returns:
        Settled force [N], settled penetration [m] and largest penetration on the way [m].
    """
    world = BulletWorld(PART, CONFIG, CUTOFF)
    rotation = quat_exp((0.0, tilt, 0.0))
    world.reset(start, rotation)
    way = np.subtract(end, start)
    steps = round(float(np.linalg.norm(way)) / SPEEDS[-1] * RATE)
    for step in range(1, steps + 201):
        x, y, z = start + min(1.0, step / steps) * way
        world.advance(1, (x, y, z), rotation)
        settled = world.measure_penetration()
    force, largest = float(np.linalg.norm(world.wrench[:3])), world.penetration
    world.close()
    return force, settled, largest


def plot_penetration(path: Path) -> None:
    """Plot penetration over pressing force: on the rim, on one edge and inside the hole."""
    edge = 0.010 * sin(EDGE_TILT)  # how far the pressed edge of the 20 mm wide peg is below its centre
    figure = new_figure(6.4, 3.6)
    axes = tidy(figure.subplots(), "penetration [um]", "pressing force [N]")
    rows = []
    for name, colour, tilt, start, direction in (
        ("flat on the rim", BLUE, 0.0, flange(RIM, 1e-4), (0.0, 0.0, -1.0)),
        ("an edge on the rim", VERMILION, EDGE_TILT, flange(RIM, edge + 1e-4), (0.0, 0.0, -1.0)),
        ("the side on the wall", GREEN, 0.0, flange(0.0, -0.012), (1.0, 0.0, 0.0)),
    ):
        points = []
        for force in (5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0):
            reach = 1e-4 + force / CONFIG.servo_stiffness
            x, y, z = np.add(start, reach * np.array(direction))
            points.append(press(start, (x, y, z), tilt))
        forces, settled, largest = np.array(points).T
        axes.plot(forces, 1e6 * settled, "o-", color=colour, markersize=4, label=name)
        axes.plot(forces, 1e6 * largest, "^:", color=colour, markersize=4)
        for force, depth, peak in points:
            rows.append([name, f"{force:.1f}", f"{1e6 * depth:.1f}", f"{1e6 * peak:.1f}"])
    bound = 1e6 * PART.clearance / 3.0
    axes.axhline(bound, color=GREY, linestyle="--")
    axes.text(
        100.0, bound, "certificate: a third of the clearance", color=GREY, fontsize=8, ha="right", va="bottom"
    )
    axes.set_ylim(0.0, 1.4 * bound)
    axes.set_xlim(0.0)
    legend(axes, columns=3)
    title = f"solid: at rest; dotted: largest while driven there at {1e3 * SPEEDS[-1]:g} mm/s"
    axes.set_title(title, fontsize=9, color=INK)
    save(figure, path)
    table(["contact", "force [N]", "penetration at rest [um]", "largest [um]"], rows)


def impact(rate: float, speed: float, cutoff: float) -> tuple[Array, Array, Array]:
    """Time [s] since contact, the sensor's and the contact force [N] while the peg is driven onto the rim."""
    world = BulletWorld(PART, replace(CONFIG, rate=rate), cutoff)
    height = 0.001
    world.reset(flange(RIM, height), UPRIGHT)
    rows = []
    for step in range(1, round((height / speed + 0.06) * rate) + 1):
        # The path stops 0.2 mm below the rim: 6 N at rest.
        world.advance(1, flange(RIM, max(height - speed * step / rate, -2e-4)), UPRIGHT)
        contacts = pybullet.getContactPoints(world.tool, world.plate, physicsClientId=world.client)
        rows.append((step / rate - height / speed, world.wrench[2], sum(contact[9] for contact in contacts)))
    world.close()
    times, sensed, contact_force = np.array(rows).T
    return times, sensed, contact_force


def plot_impact(path: Path) -> None:
    """Plot the forces of the solver and of the filtered sensor in an impact at several physics rates."""
    figure = new_figure(10.0, 3.8)
    raw, sensed, peaks = figure.subplots(1, 3)
    speed = SPEEDS[-1]
    for axes, title in ((raw, "contact force of the solver"), (sensed, f"sensor, {CUTOFF:g} Hz filter")):
        tidy(axes, "force [N]", "time since contact [ms]")
        axes.set_title(f"{title}, {1e3 * speed:g} mm/s", fontsize=10, color=INK)
    for rate, colour in zip(RATES, (GREY, ORANGE, BLUE, GREEN), strict=True):
        times, force, contact_force = impact(rate, speed, CUTOFF)
        raw.plot(1e3 * times, contact_force, color=colour, linewidth=1.3, label=f"{rate:g} Hz")
        sensed.plot(1e3 * times, force, color=colour, linewidth=1.3, label=f"{rate:g} Hz")
    for axes in (raw, sensed):
        axes.set_xlim(-5.0, 40.0)
        axes.set_ylim(0.0, 1.25 * axes.get_ylim()[1])
        legend(axes, columns=2, place="upper right")
    tidy(peaks, "largest force [N]", "physics rate [Hz]")
    peaks.set_title("largest force", fontsize=10, color=INK)
    rows = []
    for speed, colour in zip(SPEEDS, (BLUE, VERMILION), strict=True):
        unfiltered = [impact(rate, speed, 1e6) for rate in RATES]
        filtered = [impact(rate, speed, CUTOFF) for rate in RATES]
        for name, style, values in (
            ("contact", "s:", [contact_force for _, _, contact_force in unfiltered]),
            ("sensor, unfiltered", "^--", [force for _, force, _ in unfiltered]),
            ("sensor, filtered", "o-", [force for _, force, _ in filtered]),
        ):
            highest = [float(value.max()) for value in values]
            label = f"{name}, {1e3 * speed:g} mm/s"
            peaks.plot(RATES, highest, style, color=colour, markersize=4, label=label)
            rows.append([f"{1e3 * speed:g}", name, *(f"{peak:.1f}" for peak in highest)])
    peaks.set_ylim(0.0, 1.6 * peaks.get_ylim()[1])
    legend(peaks, columns=1)
    save(figure, path)
    table(["speed [mm/s]", "largest force of", *(f"{rate:g} Hz [N]" for rate in RATES)], rows)


def insert(threshold: float) -> list[Trace]:
    """Record episodes of the moment reflex with a contactBreakingThreshold, a fraction of a body's size."""
    SOLVER["contactBreakingThreshold"] = threshold  # every reset puts it into force
    environment = PegInHoleEnv()  # a new one: contacts keep the threshold with which they were made
    agent = GuidedPolicy(ReflexGuidance(force=4.0, force_per_moment=60.0), environment.task.action.wrench)
    traces = [record_episode(environment, agent, seed, frames=False) for seed in range(8)]
    environment.close()
    return traces


def plot_phantom_contacts(path: Path) -> None:
    """Plot how false contacts persist with Bullet's default threshold and jam a peg that fits."""
    figure = new_figure(6.4, 3.4)
    axes = tidy(figure.subplots(), "depth of the tip [mm]", "time [s]")
    rows = []
    own = SOLVER["contactBreakingThreshold"]
    for threshold in (0.02, 0.005, 0.002, 5e-4, 2e-4, 5e-5):
        traces = insert(threshold)
        inserted = sum(trace.result == "success" for trace in traces)
        deepest = 1e6 * max(trace.penetration for trace in traces)
        rows.append([f"{threshold:g}", f"{inserted} of {len(traces)}", f"{deepest:.0f}"])
        if threshold in (0.02, 2e-4):
            colour, name = (VERMILION, " (Bullet's default)") if threshold == 0.02 else (BLUE, "")
            for number, trace in enumerate(traces):
                label = f"{threshold:g}{name}: {inserted} of {len(traces)}" if number == 0 else None
                axes.plot(trace.time, 1e3 * trace.depth, color=colour, linewidth=1.2, alpha=0.8, label=label)
    SOLVER["contactBreakingThreshold"] = own
    axes.set_ylim(27.0, -3.0)
    axes.set_xlim(0.0)
    axes.legend(title="contactBreakingThreshold: inserted", fontsize=8, title_fontsize=8, edgecolor="none")
    save(figure, path)
    table(["contactBreakingThreshold", "inserted", "largest penetration [um]"], rows)


def step_time(section: str, pressed: bool) -> float:
    """Processor time [s] of a physics step in free space or pressed onto the rim; the best of nine."""
    world = BulletWorld(PegHole(section), CONFIG, CUTOFF)
    target = flange(RIM, -3e-4 if pressed else 0.003)
    world.reset(flange(RIM, 0.0 if pressed else 0.003), UPRIGHT)
    world.advance(200, target, UPRIGHT)
    runs = timeit.repeat(lambda: world.advance(500, target, UPRIGHT), repeat=9, number=1, timer=process_time)
    world.close()
    return min(runs) / 500


def plot_step_time(path: Path) -> None:
    """Plot the time of a physics step for every section, relative to the square in free space."""
    sections = [section for section in SECTIONS if section != "polygon"]
    times = np.array([[step_time(name, pressed) for pressed in (False, True)] for name in sections])
    unit = times[sections.index("square"), 0]
    times /= unit
    figure = new_figure(7.5, 3.2)
    axes = tidy(figure.subplots(), "time of a physics step,\nsquare in free space = 1")
    places = np.arange(len(sections))
    for column, name, colour in ((0, "free", BLUE), (1, "pressed onto the rim", VERMILION)):
        bars = axes.bar(places + 0.4 * column - 0.2, times[:, column], 0.38, color=colour, label=name)
        axes.bar_label(bars, fmt="%.1f", fontsize=8, color=INK)
    axes.set_xticks(places, sections)
    axes.set_ylim(top=1.2 * times.max())
    legend(axes)
    save(figure, path)
    rows = [
        [name, f"{free:.2f}", f"{pressed:.2f}"] for name, (free, pressed) in zip(sections, times, strict=True)
    ]
    table(["section", "free", "pressed"], rows)
    print(f"\nThe unit, a step of the square in free space with servo and filter: {1e6 * unit:.0f} us.")


if __name__ == "__main__":
    main()

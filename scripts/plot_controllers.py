"""Measure and plot the results in docs/controllers.md, and print its tables as Markdown.

The script ends with an error that names every row that the page does not have; times are not compared.

Usage: python scripts/plot_controllers.py [folder, by default docs/images]
"""

import sys
import time
import timeit
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import exp, inf, pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from controller_parameters import parameter_tables
from numpy.typing import NDArray

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    ComplianceLaw,
    ContactConfig,
    ContactWrench,
    Discretization,
    Fault,
    GainConfig,
    SafetyConfig,
    ToolConfig,
    max_contact_stiffness,
)
from assembly_rl.controllers.discretization import step_matrix
from assembly_rl.controllers.se3 import IDENTITY
from assembly_rl.envs import TaskConfig
from assembly_rl.reports.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LIGHT,
    ORANGE,
    VERMILION,
    legend,
    new_figure,
    save,
    tidy,
)

Array = NDArray[np.float64]

PAGE = Path("docs/controllers.md")
RATE, CUTOFF = 200.0, 40.0  # control rate and cutoff of the sensor's filter [Hz], those of the task
PERIOD = 1.0 / RATE
COMPLIANCE = TaskConfig().compliance
LAW = ComplianceLaw.from_diagonals(COMPLIANCE.mass, COMPLIANCE.damping, COMPLIANCE.stiffness)
METHODS = {
    Discretization.implicit_euler: ("implicit Euler", VERMILION),
    Discretization.zero_order_hold: ("zero-order hold", BLUE),
}
RINGING = (4.0, 40.0, 5000.0)  # mass, damping, stiffness of an axis that rings
OPEN = AdmittanceConfig(  # the widest limits that a configuration takes
    wrench_limit=[1e4] * 3 + [1e3] * 3,
    reference_limit=[5e3] * 3 + [5e2] * 3,
    offset_limit=[0.5] * 3 + [pi] * 3,
    speed_limit=[2.0] * 3 + [20.0] * 3,
)
PRESS = 5.0  # force [N] of the contact examples
ROWS: list[str] = []


def main() -> None:
    """Print all tables and draw everything; under a minute."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    plot_steps(folder / "controllers_steps.png")
    tabulate_bounds()
    show_refusal()
    plot_contact(folder / "controllers_contact.png")
    tabulate_force_bound()
    plot_gain_cycle(folder / "controllers_gain_cycle.png")
    plot_outage(folder / "controllers_outage.png")
    show_transport()
    for title, rows in parameter_tables():
        table(title, ["field", "meaning", "bounds", "default"], rows)
    measure_times()
    page = PAGE.read_text(encoding="utf-8").replace("\n", " ") if PAGE.exists() else ""
    missing = [row for row in ROWS if row not in page]
    if missing:
        sys.exit("\n".join([f"\n{PAGE} does not have:", *missing]))


def say(text: str) -> None:
    """Print a line that the page should have."""
    ROWS.append(text)
    print(text)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n{title}\n\n| " + " | ".join(columns) + " |")
    for row in rows:
        say("| " + " | ".join(row) + " |")


def one_axis(mass: float, damping: float, stiffness: float) -> ComplianceLaw:
    """Create a law with equal numbers along every axis; only x is evaluated."""
    return ComplianceLaw.from_diagonals([mass] * 6, [damping] * 6, [stiffness] * 6)


def along(axis: int, value: float) -> list[float]:
    """Six numbers, zero but for one axis."""
    return [value if other == axis else 0.0 for other in range(6)]


# ---------------------------------------------------------------------- the law


def analytic_step(
    times: NDArray[np.floating[Any]], force: float, mass: float, damping: float, stiffness: float
) -> Array:
    """Offset [m] of a mass-damper-spring from rest under a constant force, from the textbook."""
    natural, decay = sqrt(stiffness / mass), damping / (2.0 * mass)
    end = force / stiffness
    if decay < natural:
        ringing = sqrt(natural**2 - decay**2)
        wave = np.cos(ringing * times) + decay / ringing * np.sin(ringing * times)
        return np.asarray(end * (1.0 - np.exp(-decay * times) * wave))
    root = sqrt(decay**2 - natural**2)
    slow, fast = decay - root, decay + root
    return np.asarray(
        end * (1.0 - (fast * np.exp(-slow * times) - slow * np.exp(-fast * times)) / (2.0 * root))
    )


def simulated_step(
    law: ComplianceLaw, axis: int, force: float, steps: int, method: Discretization, rate: float = RATE
) -> Array:
    """Offsets [m] of the controller after 0, 1, ... steps under a constant force along an axis."""
    controller = AdmittanceController(law, rate, replace(OPEN, discretization=method))
    wrench = along(axis, force)
    return np.array([0.0] + [controller.step(wrench)[0][axis] for _ in range(steps)])


def plot_steps(path: Path) -> None:
    """Plot the response to a step of 5 N: the textbook's line and both discretisations."""
    force = 5.0
    figure = new_figure(10.0, 3.8)
    panels = figure.subplots(1, 2)
    for axes, name, law, axis, steps, unit in (
        (panels[0], "default law, z axis", LAW, 2, 6, "ms"),
        (panels[1], "under-damped axis: 4 kg, 40 Ns/m, 5000 N/m", one_axis(*RINGING), 0, 100, "s"),
    ):
        tidy(axes, "offset [mm]", f"time since a step of 5 N [{unit}]")
        scale = 1e3 if unit == "ms" else 1.0
        numbers = [float(matrix[axis, axis]) for matrix in (law.mass, law.damping, law.stiffness)]
        fine = 1e-3 * steps * PERIOD * np.arange(1001)
        sampled = PERIOD * np.arange(steps + 1)
        line = 1e3 * analytic_step(fine, force, *numbers)
        axes.plot(scale * fine, line, color=INK, linewidth=1.4, label="analytic")
        for method, (label, colour) in METHODS.items():
            offsets = simulated_step(law, axis, force, steps, method)
            exact = analytic_step(sampled, force, *numbers)
            style = "o" if method is Discretization.zero_order_hold else "^"
            axes.plot(
                scale * sampled, 1e3 * offsets, style, color=colour, markersize=4.0 if style == "o" else 6.0,
                markerfacecolor=colour if style == "o" else "none", label=f"{label}, {RATE:g} Hz",
            )  # fmt: skip
            print(f"{name}, {label}: within {1e6 * float(np.abs(offsets - exact).max()):.2g} um of the line")
        axes.set_title(name, fontsize=10, color=INK)
        axes.set_xlim(0.0)
        axes.set_ylim(0.0)
    panels[1].set_ylim(top=2.0)
    legend(panels[0], columns=1)
    save(figure, path)
    law, rows = one_axis(*RINGING), []
    mass, damping, stiffness = RINGING
    natural, nominal = sqrt(stiffness / mass), damping / (2.0 * sqrt(mass * stiffness))
    for rate in (100.0, 200.0, 400.0, 800.0):
        predicted = nominal + (1.0 - 2.0 * nominal**2) * natural / (2.0 * rate)
        measured = []
        for method in METHODS:
            matrix = step_matrix(law.mass, law.damping, law.stiffness, 1.0 / rate, method)
            poles = np.log(np.linalg.eigvals(matrix[np.ix_((0, 6), (0, 6))]).astype(complex))
            pole = complex(poles[0])
            measured.append(-pole.real / abs(pole))
        times = np.arange(round(0.6 * rate) + 1, dtype=np.float64) * (1.0 / rate)
        exact = analytic_step(times, force, *RINGING)
        errors = simulated_step(law, 0, force, len(times) - 1, Discretization.implicit_euler, rate) - exact
        rows.append(
            [f"{rate:g} Hz", f"{measured[1]:.3f}", f"{measured[0]:.3f}", f"{predicted:.3f}"]
            + [f"{1e3 * float(np.abs(errors).max()):.2f} mm"]
        )
    columns = ["rate", "zero-order hold", "implicit Euler", "zeta + (1 - 2 zeta^2) w dt / 2", "deviation"]
    table("Damping ratio of the under-damped axis in discrete time", columns, rows)


# ---------------------------------------------------------------------- contact


def tabulate_bounds() -> None:
    """Tabulate the bounds of the default law, both discretisations, and the rule of thumb."""
    rows = []
    for name, cutoff, delay in (
        ("no filter, no delay", None, 0.0),
        ("sensor 40 Hz", CUTOFF, 0.0),
        ("sensor 40 Hz, delay 5 ms", CUTOFF, 0.005),
        ("sensor 40 Hz, delay 10 ms", CUTOFF, 0.010),
    ):
        lag = delay + 0.5 * PERIOD + (0.0 if cutoff is None else 1.0 / (2.0 * pi * cutoff))
        values: list[Array] = [
            max_contact_stiffness(LAW, RATE, delay=delay, sensor_cutoff=cutoff, discretization=method)
            for method in METHODS
        ]
        values.append(np.diag(LAW.damping) / lag)
        row = [name]
        for axis, unit in ((0, 1e-3), (2, 1e-3), (3, 1.0)):
            row += [f"{unit * value[axis]:.3g}" if unit * value[axis] < 1000 else f"{unit * value[axis]:.0f}"
                    for value in values]  # fmt: skip
        rows.append(row)
    columns = ["loop"]
    for label in ("x, y [kN/m]", "z [kN/m]", "rotations [Nm/rad]"):
        columns += [f"{label}: implicit", "hold", "rule"]
    table("Largest stable contact stiffness", columns, rows)
    mass, damping, stiffness = (np.diag(matrix) for matrix in (LAW.mass, LAW.damping, LAW.stiffness))
    formula = 4.0 * mass / PERIOD**2 + 2.0 * damping / PERIOD + stiffness
    ratio = max_contact_stiffness(LAW, RATE) / formula
    print(f"\nFirst row, implicit: bound / (4 M / dt^2 + 2 D / dt + K) = {ratio.round(6)}")


def show_refusal() -> None:
    """Print the controller's error for a law that is unstable in the stated contact."""
    contact = ContactConfig([30e3] * 3 + [500.0] * 3, delay=0.010, sensor_cutoff=CUTOFF)
    try:
        AdmittanceController(LAW, RATE, contact=contact)
    except ValueError as error:
        print()
        say(f"ValueError: {error}")


def press(stiffness: float, delay: int, seconds: float) -> Array:
    """Contact forces [N] while the controller presses with 5 N along -x on a surface at x = 0.

    The loop is simulated here, independently of ``ContactLoop``: command held for a period, elastic surface
    that can only push, sensor filter, delay in periods.
    """
    controller = AdmittanceController(LAW, RATE, OPEN)
    keep = exp(-2.0 * pi * CUTOFF * PERIOD)
    filtered = 0.0
    under_way = deque([0.0] * (delay + 1), maxlen=delay + 1)
    forces = []
    for _ in range(round(seconds * RATE)):
        offset, _ = controller.step(along(0, under_way[0]), along(0, PRESS))
        force = max(0.0, -stiffness * offset[0])
        filtered = force + keep * (filtered - force)
        under_way.append(filtered)
        forces.append(force)
    return np.array(forces)


def plot_contact(path: Path) -> None:
    """Plot contact with a surface a little softer and a little stiffer than the predicted bound."""
    bound = float(max_contact_stiffness(LAW, RATE, delay=0.005, sensor_cutoff=CUTOFF)[0])
    figure = new_figure(10.0, 3.4)
    rows = []
    panels = iter(figure.subplots(1, 3, sharey=True))
    for factor, colour, verdict in (
        (0.25, GREEN, "calm"),
        (0.5, None, ""),
        (0.75, None, ""),
        (0.9, BLUE, "rings, settles"),
        (1.1, VERMILION, "bounces for ever"),
    ):
        forces = press(factor * bound, 1, 4.0)
        away = np.flatnonzero(np.abs(forces - PRESS) > 0.05 * PRESS)
        settled = f"{PERIOD * (away[-1] + 1):.2f}" if away[-1] + 1 < len(forces) else "never"
        rows.append([f"{factor:g}", f"{1e-3 * factor * bound:.1f}", f"{forces.max():.1f}", settled])
        if colour is None:
            continue
        axes = tidy(
            next(panels), "contact force [N]" if factor == 0.25 else "", "time since first contact [s]"
        )
        axes.plot(PERIOD * np.arange(len(forces)), forces, color=colour, linewidth=1.2)
        axes.axhline(PRESS, color=GREY, linewidth=1.0, linestyle="--")
        axes.set_title(f"{factor:g} of the bound: {verdict}", fontsize=10, color=INK)
        axes.set_xlim(0.0, 1.5)
        axes.set_ylim(0.0, 13.0)
        if factor == 0.25:
            axes.text(1.48, PRESS, "reference", color=GREY, fontsize=8, ha="right", va="bottom")
    save(figure, path)
    columns = ["share of the bound", "stiffness [kN/m]", "largest force [N]", "within 5 % after [s]"]
    table("Pressing with 5 N along x, delay 5 ms, sensor 40 Hz", columns, rows)


def tabulate_force_bound() -> None:
    """Print the bound of the default configuration on the wrench of a contact at rest."""
    bound = AdmittanceController(LAW, RATE).steady_wrench_bound
    force, moment = (", ".join(f"{value:.3g}" for value in part) for part in (bound[:3], bound[3:]))
    print("\nsteady_wrench_bound of the defaults")
    say(f"{force} N and {moment} Nm")


# ---------------------------------------------------------------------- gains that change


def cycle_gains(tank: float | None, seconds: float) -> tuple[Array, Array]:
    """Mechanical energy [J] and energy in the tank [J] while gains are cycled to drive the law.

    The law is stiff while the offset shrinks, soft while it grows: at the ends of a swing the loaded spring
    is stiffened. No wrench acts.
    """
    soft, stiff = one_axis(4.0, 4.0, 400.0), one_axis(4.0, 4.0, 2000.0)
    gains = GainConfig(tank=tank, stiffness_rate=[2e5] * 6)
    config = replace(OPEN, discretization=Discretization.zero_order_hold, gains=gains)
    controller = AdmittanceController(soft, RATE, config)
    controller.reset(along(0, 1e-5))  # far from the limits
    rows = []
    for _ in range(round(seconds * RATE)):
        offset, velocity, stiffness = (
            controller.offset[0],
            controller.velocity[0],
            controller.law.stiffness[0, 0],
        )
        mechanical = 0.5 * (stiffness * offset**2 + 4.0 * velocity**2)
        rows.append((mechanical, controller.energy))
        controller.request(stiff if offset * velocity < 0.0 else soft)
        controller.step([0.0] * 6)
    energy, stored = np.array(rows).T
    return energy, stored


def plot_gain_cycle(path: Path) -> None:
    """Plot the energy of the law under a policy that pumps, with and without the tank."""
    figure = new_figure(10.0, 3.6)
    both, closer = figure.subplots(1, 2)
    seconds = 2.0
    off, _ = cycle_gains(None, seconds)
    on, stored = cycle_gains(GainConfig().tank, seconds)
    times = PERIOD * np.arange(len(off))
    tidy(both, "energy of mass and spring [J]", "time [s]").set_title(
        "with and without the tank", fontsize=10
    )
    both.semilogy(times, off, color=VERMILION, linewidth=1.5, label="without: grows without end")
    both.semilogy(times, on, color=BLUE, linewidth=1.5, label="with: never more than there was")
    both.set_ylim(1e-9, 1e1)
    legend(both, columns=1)
    tidy(closer, "energy [nJ]", "time [s]").set_title("with the tank, closer", fontsize=10)
    closer.stackplot(
        times, 1e9 * on, 1e9 * stored, colors=(BLUE, ORANGE), alpha=0.8, labels=("mass and spring", "tank")
    )
    closer.set_ylim(0.0, 1.3e9 * on[0])
    legend(closer, columns=2)
    for axes in (both, closer):
        axes.set_xlim(0.0, seconds)
    save(figure, path)
    total = on + stored
    print()
    say(f"From {1e9 * off[0]:.3g} nJ, {seconds:g} s of pumping make {1e3 * off[-1]:.2g} mJ without the tank")
    say(f"{1e9 * on[-1]:.3g} nJ with it")
    print(f"largest rise of mass, spring and tank in a step: {float(np.diff(total).max()):.2g} J")


# ---------------------------------------------------------------------- no wrench


@dataclass
class Outage:
    """Record of a controller before, during and after an outage of the wrench."""

    offset: list[float] = field(default_factory=list)
    speed: list[float] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def lose_wrench(begin: float, end: float, seconds: float) -> Outage:
    """Push with 5 N in free space along x; the sensor is silent from begin to end [s]."""
    controller = AdmittanceController(LAW, RATE, AdmittanceConfig(offset_limit=OPEN.offset_limit))
    record, stamp = Outage(), -0.001
    for step in range(round(seconds * RATE)):
        now = step * PERIOD
        if not begin - 1e-9 < now < end:
            stamp = now - 0.001
        offset, faults = controller.step([0.0] * 6, along(0, -PRESS), time=now, stamp=stamp)
        record.offset.append(offset[0])
        record.speed.append(controller.velocity[0])
        record.faults.append(faults)
    return record


def plot_outage(path: Path) -> None:
    """Plot two outages, one that ends in time and one that does not, with the flags."""
    begin, seconds, safety = 0.1, 1.0, SafetyConfig()
    cases = ((inf, "away for good", VERMILION, 3.0), (begin + 0.25, "away for 0.25 s", BLUE, 1.4))
    figure = new_figure(8.5, 5.6)
    panels = figure.subplots(3, 1, sharex=True, height_ratios=(2.0, 2.0, 1.3))
    tidy(panels[0], "speed [mm/s]")
    tidy(panels[1], "offset [mm]")
    tidy(panels[2], "flags", "time [s]")
    times = PERIOD * np.arange(round(seconds * RATE))
    ticks = []
    for row, (end, label, colour, width) in enumerate(cases):
        record = lose_wrench(begin, end, seconds)
        panels[0].plot(times, 1e3 * np.array(record.speed), color=colour, linewidth=width, label=label)
        panels[1].plot(times, 1e3 * np.array(record.offset), color=colour, linewidth=width)
        for flag, height in ((Fault.STALE_WRENCH, 0.0), (Fault.STOPPED, 1.0)):
            raised = [now for now, faults in zip(times, record.faults, strict=True) if flag in faults]
            if raised:
                place = -(2.5 * row + height)
                span = (raised[0], raised[-1] - raised[0] + PERIOD)
                panels[2].broken_barh([span], (place - 0.4, 0.8), facecolor=colour, alpha=0.85)
                ticks.append((place, flag.name or ""))
                print(f"{label} from {begin:g} s: {flag} from {raised[0]:.3f} to {span[0] + span[1]:.3f} s")
                if row == 0 and flag is Fault.STALE_WRENCH:
                    stale = raised[0]
    panels[2].set_yticks([place for place, _ in ticks], [name for _, name in ticks], fontsize=8)
    panels[2].grid(visible=False, axis="y")
    phases = (
        (begin, stale, LIGHT),
        (stale, stale + safety.hold, "#f3c98b"),
        (stale + safety.hold, stale + safety.stop, "#f7ecd6"),
    )
    for axes in panels:
        for left, right, colour in phases:
            axes.axvspan(left, right, color=colour, alpha=0.7, linewidth=0.0, zorder=0.1)
        axes.set_xlim(0.0, seconds)
    panels[0].set_ylim(0.0, 46.0)
    for text, at, beside in (
        ("silent", 0.5 * (begin + stale), begin - 0.045),
        ("hold", stale + 0.5 * safety.hold, stale + 0.07),
    ):
        panels[0].annotate(
            text, (at, 40.0), (beside, 43.0), color=INK, fontsize=9, ha="center", va="center",
            arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.8},
        )  # fmt: skip
    panels[0].text(stale + 0.5 * safety.stop, 43.0, "fade", color=INK, fontsize=9, ha="center", va="center")
    panels[0].text(
        stale + safety.stop + 0.02, 43.0, "stopped until reset", color=VERMILION, fontsize=9, va="center"
    )
    legend(panels[0], columns=1, place="lower right")
    save(figure, path)


# ---------------------------------------------------------------------- change of frame


def show_transport() -> None:
    """Print the worked example: a diagonal stiffness seen 0.1 m away."""
    law = ComplianceLaw.from_diagonals([4.0] * 3 + [0.06] * 3, [100.0] * 6, [1000.0] * 3 + [20.0] * 3)
    moved = law.transport(((0.0, 0.0, 0.1), IDENTITY), "tip").stiffness
    print("\n" + "\n".join(" ".join(f"{value:6.0f}" for value in row) for row in moved))


# ---------------------------------------------------------------------- time


def measure_times() -> None:
    """Print the times of a step, and the delay with which time.sleep wakes a loop of 250 Hz."""
    wrench = (1.0, -2.0, 3.0, 0.1, -0.1, 0.05)
    controller, contact = AdmittanceController(LAW, RATE), ContactWrench(ToolConfig([0.0, 0.0, 0.1], 1.0))
    calls: dict[str, Callable[[], object]] = {
        "controller step": lambda: controller.step(wrench, time=0.0, stamp=0.0),
        "wrench to the tip": lambda: contact(wrench, IDENTITY),
    }
    for method, (label, _) in METHODS.items():
        calls[f"step matrix, {label}"] = partial(
            step_matrix, LAW.mass, LAW.damping, LAW.stiffness, PERIOD, method
        )
    for name, call in calls.items():
        print(f"{name}: {1e3 * min(timeit.repeat(call, number=1000, repeat=7)):.1f} us")
    period, late = 0.004, []
    due = time.monotonic()
    for _ in range(2500):
        due += period
        time.sleep(max(0.0, due - time.monotonic()))
        late.append(time.monotonic() - due)
        controller.step(contact(wrench, IDENTITY), time=due, stamp=due)
    middle, tail, worst = 1e3 * np.percentile(late, (50.0, 99.0, 100.0))
    print(f"250 Hz with time.sleep: late by {middle:.2f} ms (median), {tail:.2f} (p99), {worst:.2f} (most)")


if __name__ == "__main__":
    main()

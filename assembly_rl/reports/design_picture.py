"""Picture of a designed law: Nyquist curves, sensitivity, force after contact, and force of an impact."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from assembly_rl.controllers.design import Design
from assembly_rl.controllers.design.margins import law_response, unit_circle
from assembly_rl.controllers.design.motion import BAND, contact
from assembly_rl.controllers.design.plants import Plants
from assembly_rl.reports.style import BLUE, GREY, INK, ORANGE, VERMILION, legend, new_figure, save, tidy

SPEEDS = np.linspace(0.0, 0.05, 51)
"""Approach speeds [m/s]."""


def plot_design(found: Design, path: Path) -> None:
    """Draw a design, and write the picture."""
    figure = new_figure(11.0, 8.0)
    axes = figure.subplots(2, 2)
    plants = Plants.of(found.robot, found.softest, found.direct, found.stiffest)
    _frequencies(found, plants, axes[0, 0], axes[0, 1])
    _force(found, plants, axes[1, 0])
    force = [found.peak_force(speed, found.limits.reference) for speed in SPEEDS]
    _impact(found, tidy(axes[1, 1], "largest contact force [N]", "approach speed [mm/s]"), force)
    save(figure, path)


def _frequencies(found: Design, plants: Plants, nyquist: Axes, bode: Axes) -> None:
    points, dt = unit_circle(2000), 1.0 / found.robot.rate
    mass, damping, stiffness = (
        np.diag(getattr(found.law, name))[0] for name in ("mass", "damping", "stiffness")
    )
    response = law_response(mass, damping, stiffness, dt, points, found.robot.explicit) * plants.responses(
        points
    )
    limit, angles = found.limits.sensitivity, np.linspace(0.0, 2.0 * np.pi, 200)
    hertz = np.angle(points) / (2.0 * np.pi * dt)
    tidy(nyquist, "imaginary part of L", "real part of L, Nyquist curves")
    tidy(bode, "sensitivity |1 / (1 + L)|", "frequency [Hz]")
    for stiff, colour, name in ((found.softest, BLUE, "softest"), (found.stiffest, VERMILION, "stiffest")):
        for number, loop in enumerate(stiff * response):
            label = f"{name} contact, {stiff:.3g} N/m" if number == 0 else None
            nyquist.plot(loop.real, loop.imag, color=colour, linewidth=1.0, label=label)
            bode.plot(hertz, 1.0 / np.abs(1.0 + loop), color=colour, linewidth=1.0, label=label)
    nyquist.fill(-1.0 + np.cos(angles) / limit, np.sin(angles) / limit, color=ORANGE, alpha=0.3)
    nyquist.plot([-1.0], [0.0], "+", color=INK)
    nyquist.set(xlim=(-2.2, 0.8), ylim=(-2.0, 0.6))
    nyquist.set_aspect("equal", adjustable="box")
    bode.axhline(limit, color=ORANGE, linestyle="--")
    bode.set(xscale="log", yscale="log", ylim=(0.05, 1.3 * limit), xlim=(hertz[1], hertz[-1]))
    legend(nyquist, 1, "lower left")


def _force(found: Design, plants: Plants, axes: Axes) -> None:
    tidy(axes, "contact force / reference", "time after contact [s]")
    laws = np.array([np.diag(getattr(found.law, name))[0] for name in ("mass", "damping", "stiffness")])
    stiffness = np.array([found.softest, found.direct])
    duration = 1.3 * found.settling
    motion = contact(found.robot, plants.plants, stiffness, laws[:, None], duration, keep=True)
    assert motion.forces is not None
    times = np.arange(1, len(motion.forces) + 1) / found.robot.rate
    for column, colour in enumerate((BLUE, VERMILION)):
        curves = axes.plot(times, motion.forces[:, :, column, 0], color=colour, linewidth=1.0)
        curves[0].set_label(f"contact of {stiffness[column]:.3g} N/m")
    final = found.softest / (found.softest + laws[2])  # the virtual spring takes the rest
    axes.axhspan(float(final) - BAND, float(final) + BAND, color=GREY, alpha=0.2)
    axes.axvline(found.settling, color=GREY, linestyle="--", linewidth=1.0)
    axes.set_ylim(bottom=0.0)
    legend(axes, 1, "lower right")


def _impact(found: Design, axes: Axes, force: list[float]) -> None:
    axes.plot(1e3 * SPEEDS, force, color=VERMILION, label=f"reference {found.limits.reference:g} N")
    if found.limits.force is not None:
        axes.axhline(found.limits.force, color=ORANGE, linestyle="--", label="limit")
    axes.set(xlim=(0.0, 1e3 * SPEEDS[-1]), ylim=(0.0, None))
    legend(axes, 1)

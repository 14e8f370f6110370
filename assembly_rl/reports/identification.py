"""Picture of an identification: the response, measured and fitted, and its Bode diagram."""

from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.identification import Identification, MotionRecording
from assembly_rl.controllers.identification.channels import coordinates
from assembly_rl.controllers.identification.path import CommandPath
from assembly_rl.controllers.validation import AXES
from assembly_rl.reports.style import BLUE, GREY, VERMILION, legend, new_figure, save, tidy

Array = NDArray[np.float64]
SHOWN = 1.5
"""Time that is shown at the beginning and at the end of the motion [s]."""
SMALLEST_SHARE = 0.02
"""Share of the largest amplitude of a command below which a frequency is not drawn."""


def transfer(found: Identification, frequencies: Array) -> NDArray[np.complex128]:
    """Compute the frequency response of the identified robot at frequencies [Hz]."""
    s = 2j * np.pi * frequencies
    zeta, lag = found.damping_ratio.value, found.lag.value
    second = (0.5 * lag / zeta) ** 2 if isfinite(zeta) else 0.0
    return np.exp(-(found.total.value - lag) * s) / (1.0 + lag * s + second * s * s)


def plot_identification(found: Identification, recording: MotionRecording, output: Path) -> None:
    """Draw the motion in free space with its fit, and both frequency responses.

    Args:
        found: Identification.
        recording: Its recording.
        output: File of the picture.
    """
    used = np.isin(recording.phases, ("rest", "free"))
    origin = recording.poses[0]
    commands, poses = coordinates(recording.commands, origin), coordinates(recording.poses, origin)
    axis = int(np.argmax(np.ptp(commands[:, used], axis=1) / np.repeat([1.0, 10.0], 3)))
    path = CommandPath(recording.times, commands[axis], recording.period, found.interpolated, 0.002)
    response = transfer(found, np.array(path.laplace.imag / 2.0 / np.pi, dtype=np.float64))
    fitted = path.responses(response[None], path.rows(recording.times))[0]
    fitted += np.mean(poses[axis, used] - fitted[used])
    changes = np.flatnonzero((np.abs(np.diff(commands[axis])) > 1e-6 * np.ptp(commands[axis])) & used[1:])
    first, last = recording.times[changes[0]], recording.times[changes[-1]]
    scale, unit = (1e3, "mm") if axis < 3 else (1e3, "mrad")
    figure = new_figure(9.0, 6.0)
    for column, begin in enumerate((first, max(first, last - SHOWN))):
        axes = tidy(figure.add_subplot(2, 2, 1 + column), f"{AXES[axis]} [{unit}]", "time [s]")
        shown = (recording.times >= begin) & (recording.times <= begin + SHOWN)
        moments = recording.times[shown]
        axes.plot(moments, scale * commands[axis, shown], color=GREY, label="command")
        axes.plot(moments, scale * poses[axis, shown], ".", color=BLUE, markersize=3, label="measured")
        axes.plot(moments, scale * fitted[shown], color=VERMILION, linewidth=1.0, label="fitted")
        if column == 0:
            legend(axes, place="lower right", columns=1)
    near = (recording.times >= first - 0.5) & (recording.times <= last + 1.0)
    frequencies, measured = _measured(recording.times[near], commands[axis, near], poses[axis, near])
    shift = recording.period if found.interpolated else 0.5 * recording.period
    measured = measured * np.exp(2j * np.pi * frequencies * shift)  # of the path, not of its samples
    grid = np.geomspace(0.1, min(30.0, 0.5 / recording.period), 300)
    curve = transfer(found, grid)
    upper = tidy(figure.add_subplot(2, 2, 3), "gain [dB]", "frequency [Hz]")
    lower = tidy(figure.add_subplot(2, 2, 4), "phase [degrees]", "frequency [Hz]")
    for axes, function in ((upper, _decibel), (lower, _degrees)):
        axes.plot(frequencies, function(measured), ".", color=BLUE, markersize=4, label="measured")
        axes.plot(grid, function(curve), color=VERMILION, label="fitted")
        axes.set_xscale("log")
        legend(axes, place="lower left", columns=1)
    upper.axhline(-3.0, color=GREY, linewidth=0.7, linestyle="--")
    save(figure, output)


def _measured(times: Array, command: Array, pose: Array) -> tuple[Array, NDArray[np.complex128]]:
    """Ratio of the smoothed spectra, in bands that are equally wide in the logarithm."""
    step = float(np.median(np.diff(times)))
    grid = np.arange(times[0], times[-1], step)
    u, y = (np.fft.rfft(np.interp(grid, times, own - own[0])) for own in (command, pose))
    frequencies = np.fft.rfftfreq(len(grid), step)
    edges = np.geomspace(0.15, 0.4 / step, 60)
    found = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        band = (frequencies >= low) & (frequencies < high)
        if not band.any() or np.abs(u[band]).max() < SMALLEST_SHARE * np.abs(u).max():
            continue
        found.append((frequencies[band].mean(), np.vdot(u[band], y[band]) / np.vdot(u[band], u[band])))
    return np.array([own[0] for own in found]).real, np.array([own[1] for own in found])


def _decibel(response: NDArray[np.complex128]) -> Array:
    return 20.0 * np.log10(np.maximum(np.abs(response), 1e-6))


def _degrees(response: NDArray[np.complex128]) -> Array:
    return np.degrees(np.unwrap(np.angle(response)))

"""Record of one episode, and its picture."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegInHoleEnv, make_environment
from assembly_rl.evaluation import Policy, Scenario
from assembly_rl.reports.style import (
    BLUE,
    GREY,
    INK,
    PURPLE,
    VERMILION,
    XYZ,
    legend,
    new_figure,
    save,
    tidy,
)

Array = NDArray[np.float64]

CONTACT_FORCE = 1.0
"""Least force [N] of a contact."""

ENTRY_DEPTH = 0.001
"""Least depth [m] of a peg in the hole."""

FREE, RIM, INSIDE = "no contact", "contact on the rim", "in the hole"
"""Names of the phases of an insertion."""

PHASES = {FREE: "#eceff3", RIM: "#fbe3b5", INSIDE: "#dcecf8"}
"""Name and background colour of the phases."""


BOUNDS = {
    FREE: f" (force up to {CONTACT_FORCE:g} N)",
    RIM: f" (force above {CONTACT_FORCE:g} N)",
    INSIDE: f" (deeper than {1e3 * ENTRY_DEPTH:g} mm)",
}
"""Bounds of the phases in words."""


def phase(depth: float, peak_force: float) -> str:
    """Return the phase of a policy step, which follows from depth and force alone.

    Args:
        depth: Depth of the tip at its end [m].
        peak_force: Largest force in it [N].
    """
    if depth > ENTRY_DEPTH:
        return INSIDE
    return RIM if peak_force > CONTACT_FORCE else FREE


@dataclass(frozen=True)
class Trace:
    """Record of an episode at the policy rate; row 0 is the reset, where wrench and action are zero.

    Attributes:
        part: Label of the part.
        seed: Seed of the episode.
        time: (N,) time since the start [s].
        wrench: (N, 6) mean wrench over the policy step [N, Nm], nominal axes.
        pose: (N, 6) pose of the tip in the nominal frame [m, rad].
        depth: (N,) true depth of the tip below the mouth [m].
        lateral: (N,) true distance of the tip from the hole axis [m].
        angle: (N,) true angle between the peg and the hole [rad].
        peak_force: (N,) largest force within the policy step [N].
        action: (N, 6) action in [-1, 1].
        result: End of the episode, a value of ``Result``.
        penetration: Largest penetration of the simulated contacts [m].
        hole_depth: Thickness of the plate [m].
        goal_depth: Depth that counts as success [m].
        rate: Policy rate [Hz].
        frames: N pictures (H, W, 3) uint8; empty unless requested.
    """

    part: str
    seed: int
    time: Array
    wrench: Array
    pose: Array
    depth: Array
    lateral: Array
    angle: Array
    peak_force: Array
    action: Array
    result: str
    penetration: float
    hole_depth: float
    goal_depth: float
    rate: float
    frames: list[NDArray[np.uint8]]

    @property
    def phases(self) -> list[tuple[str, float, float]]:
        """Name, start and end [s] of the phases."""
        found, start = [], 0
        for name, group in groupby(map(phase, self.depth[1:], self.peak_force[1:])):
            end = start + len(list(group))
            found.append((name, float(self.time[start]), float(self.time[end])))
            start = end
        return found

    @property
    def title(self) -> str:
        """Result and time, for a title."""
        return f"{self.result.replace('_', ' ')} after {self.time[-1]:.2f} s"


def record_episode(environment: PegInHoleEnv, policy: Policy, seed: int, frames: bool) -> Trace:
    """Run the episode of a seed.

    Args:
        environment: Environment, with ``render_mode="rgb_array"`` for pictures.
        policy: Policy that chooses the actions.
        seed: Seed of the episode.
        frames: True to render every step.

    Raises:
        ValueError: Frames are requested from an environment that does not render.
    """
    if frames and environment.render_mode != "rgb_array":
        raise InputError("frames need an environment made with render_mode='rgb_array'")
    observation, info = environment.reset(seed=seed)
    rows: list[dict[str, Any]] = [{**info, "peak_force": 0.0, "action": np.zeros(6)}]
    pictures = [environment.render()] if frames else []
    while "result" not in info:
        action = policy.act(observation, info)
        observation, _, _, _, info = environment.step(action)
        rows.append({**info, "peak_force": info["force"].max(), "action": np.clip(action, -1.0, 1.0)})
        if frames:
            pictures.append(environment.render())
    names = ("time", "wrench", "pose", "depth", "lateral", "angle", "peak_force", "action")
    return Trace(
        **{name: np.array([row[name] for row in rows], dtype=np.float64) for name in names},
        part=environment.part.label,
        seed=seed,
        result=info["result"],
        penetration=info["certificate"]["penetration"],
        hole_depth=environment.part.hole_depth,
        goal_depth=environment.part.hole_depth - environment.task.limits.goal_margin,
        rate=environment.task.policy_rate,
        frames=[picture for picture in pictures if picture is not None],
    )


def record_scenario(scenario: Scenario, policy: Policy, seed: int) -> Trace:
    """Run the episode of a seed, with pictures if the physics engine of the scenario draws any."""
    with closing(make_environment(scenario.part, scenario.task)) as environment:
        if "rgb_array" not in environment.metadata["render_modes"]:
            return record_episode(environment, policy, seed, frames=False)
    with closing(make_environment(scenario.part, scenario.task, render_mode="rgb_array")) as environment:
        return record_episode(environment, policy, seed, frames=True)


def plot_trace(trace: Trace, path: Path) -> None:
    """Draw depth, alignment, wrench and action over time.

    Args:
        trace: Record of the episode.
        path: File of the picture; its suffix selects the format.
    """
    figure = new_figure(10.0, 7.6)
    title = trace.title.capitalize()
    figure.suptitle(f"{title}: {trace.part}, episode {trace.seed}", color=INK, fontsize=13, fontweight="bold")
    grid: list[list[Axes]] = figure.subplots(3, 2, sharex=True).tolist()
    draw_depth(grid[0][0], trace)
    _draw_alignment(grid[0][1], trace)
    _draw_components(grid[1][0], trace, trace.wrench[:, :3], "force [N]", ("$F_x$", "$F_y$", "$F_z$"))
    grid[1][0].plot(trace.time, trace.peak_force, color=GREY, linewidth=1.0, linestyle=":", label="peak |F|")
    _draw_components(grid[1][1], trace, trace.wrench[:, 3:], "moment [Nm]", ("$M_x$", "$M_y$", "$M_z$"))
    _draw_components(grid[2][0], trace, trace.action[:, :3], "action, linear [1]", ("x", "y", "z"))
    _draw_components(grid[2][1], trace, trace.action[:, 3:], "action, angular [1]", ("rx", "ry", "rz"))
    for row in grid:
        for axes in row:
            shade_phases(axes, trace)
    for axes in grid[1]:
        _headroom(axes)
    for axes in grid[2]:
        axes.set_ylim(-1.1, 1.6)
        axes.set_yticks([-1.0, 0.0, 1.0])
        axes.set_xlabel("time [s]", color=INK)
    for axes in (*grid[1], *grid[2]):
        legend(axes, columns=4)
    patches = phase_patches(trace, BOUNDS)
    figure.legend(handles=patches, loc="outside lower center", ncols=3, frameon=False, fontsize=10)
    figure.align_ylabels()
    save(figure, path)


def draw_depth(axes: Axes, trace: Trace) -> None:
    """Draw depth over time, downwards, with the mouth, the goal and the bottom."""
    tidy(axes, "depth of the tip [mm]")
    axes.plot(trace.time, 1e3 * trace.depth, color=BLUE, linewidth=2.0)
    deepest = 1e3 * trace.hole_depth
    axes.axhline(0.0, color=GREY, linewidth=1.0)
    axes.axhline(deepest, color=GREY, linewidth=1.0)
    axes.axhline(1e3 * trace.goal_depth, color=PURPLE, linewidth=1.2, linestyle="--")
    end = trace.time[-1]
    axes.text(0.97 * end, -0.02 * deepest, "mouth", color=GREY, ha="right", va="bottom", fontsize=8)
    axes.text(0.01 * end, 1.02 * deepest, "bottom of the hole", color=GREY, va="top", fontsize=8)
    goal = 1e3 * trace.goal_depth - 0.02 * deepest
    axes.text(0.01 * end, goal, "goal", color=PURPLE, va="bottom", fontsize=8)
    axes.set_ylim(1.16 * deepest, 1e3 * min(0.0, trace.depth.min()) - 0.12 * deepest)
    axes.set_xlim(0.0, 1.03 * end)


def _draw_alignment(axes: Axes, trace: Trace) -> None:
    tidy(axes, "lateral offset [mm]")
    axes.plot(trace.time, 1e3 * trace.lateral, color=BLUE, linewidth=1.8)
    axes.yaxis.label.set_color(BLUE)
    tilt = tidy(axes.twinx(), "tilt [deg]")
    tilt.plot(trace.time, np.degrees(trace.angle), color=VERMILION, linewidth=1.8, linestyle="--")
    tilt.grid(visible=False)
    tilt.yaxis.label.set_color(VERMILION)
    for each, values in ((axes, 1e3 * trace.lateral), (tilt, np.degrees(trace.angle))):
        each.set_ylim(0.0, 1.25 * max(float(values.max()), 0.1))


def _draw_components(
    axes: Axes, trace: Trace, values: Array, ylabel: str, names: tuple[str, str, str]
) -> None:
    tidy(axes, ylabel)
    for column, name, colour in zip(values.T, names, XYZ, strict=True):
        axes.plot(trace.time, column, color=colour, linewidth=1.5, label=name)
    axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)


def _headroom(axes: Axes) -> None:
    """Leave room for the legend above the curves."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.22 * (high - low))


def shade_phases(axes: Axes, trace: Trace) -> list[Rectangle]:
    """Colour the background by phase, and return what was drawn."""
    return [
        axes.axvspan(start, end, color=PHASES[name], linewidth=0.0, zorder=0)
        for name, start, end in trace.phases
    ]


def phase_patches(trace: Trace, notes: Mapping[str, str] | None = None) -> list[Patch]:
    """Return the legend entries of the phases that occur, with what a mapping says about them."""
    occur = {name for name, _, _ in trace.phases}
    return [
        Patch(color=colour, label=name + (notes or {}).get(name, ""))
        for name, colour in PHASES.items()
        if name in occur
    ]

"""Picture of a recording beside its replay through a bundle."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from assembly_rl.controllers import Recording
from assembly_rl.reports.style import GREY, INK, XYZ, legend, new_figure, save, tidy

Array = NDArray[np.float64]


def plot_replay(recorded: Recording, own: Recording, path: Path) -> None:
    """Draw recorded commands (thick), commands of the bundle (thin) in hole axes, and below them the wrench.

    Args:
        recorded: Recording with or without commands.
        own: Same recording with the commands of the bundle.
        path: File of the picture; its suffix selects the format.
    """
    figure = new_figure(9.0, 8.0)
    panels = figure.subplots(4, 1, sharex=True, height_ratios=[1.2, 1.0, 0.8, 0.8])
    time = recorded.times - recorded.times[0]
    sources = [("bundle", own, {"linewidth": 1.2, "linestyle": (0, (4, 2))})]
    if len(recorded.commands):
        sources.insert(0, ("recorded", recorded, {"linewidth": 3.5, "alpha": 0.35}))
    for name, source, look in sources:
        moved, turned = in_hole(source)
        for axis, colour in enumerate(XYZ):
            label = f"{'xyz'[axis]}, {name}"
            panels[0].plot(time, 1e3 * (moved[:, axis] - moved[0, axis]), color=colour, label=label, **look)
            panels[1].plot(time, np.degrees(turned[:, axis]), color=colour, **look)
    wrenches = recorded.wrenches - np.array(recorded.bias)
    for axis, colour in enumerate(XYZ):
        panels[2].plot(time, wrenches[:, axis], color=colour, linewidth=1.0)
        panels[3].plot(time, wrenches[:, 3 + axis], color=colour, linewidth=1.0)
    tidy(panels[0], "commanded flange,\nfrom its start [mm]")
    tidy(panels[1], "its rotation [deg]")
    tidy(panels[2], "force read [N]")
    tidy(panels[3], "moment read [Nm]", "time [s]")
    legend(panels[0], columns=2, place="lower left")
    ends = next((k for k, state in enumerate(own.states) if state != "running"), None)
    if ends is not None:
        for panel in panels:
            panel.axvline(time[ends], color=GREY, linewidth=1.0)
        panels[0].annotate(
            str(own.states[ends]), (time[ends], 0.03), xycoords=("data", "axes fraction"), color=INK,
            xytext=(-4, 0), textcoords="offset points", fontsize=9, ha="right",
        )  # fmt: skip
    figure.suptitle("Commands recorded and replayed, in the axes of the hole", color=INK)
    save(figure, path)


def in_hole(recording: Recording) -> tuple[Array, Array]:
    """Express the n commands of a recording in the frame of the estimated hole.

    Returns:
        Positions (n, 3) [m] and rotation vectors (n, 3) [rad].
    """
    position, orientation = recording.hole
    hole = Rotation.from_quat(orientation)
    moved = hole.inv().apply(recording.commands[:, :3] - np.array(position))
    return moved, (hole.inv() * Rotation.from_quat(recording.commands[:, 3:])).as_rotvec()

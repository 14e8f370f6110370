"""Recording of a robot beside its replay through a bundle, in Rerun, in the frame of the estimated hole."""

from pathlib import Path

import numpy as np

from assembly_rl.controllers import Recording
from assembly_rl.controllers.se3 import IDENTITY, Pose, compose, invert
from assembly_rl.envs import PegHole
from assembly_rl.envs.geometry import hole_parts, peg_parts
from assembly_rl.reports.rerun_parts import (
    MM,
    TRANSLUCENT,
    import_rerun,
    layout,
    mesh,
    name_series,
    open_stream,
    transform,
)
from assembly_rl.reports.style import BLUE, PEG, PLATE, XYZ

CURVES = {
    "measured": "measured tip [mm]",
    "recorded": "commanded tip, recorded [mm]",
    "bundle": "commanded tip, bundle [mm]",
    "force": "force read, less its bias [N]",
    "moment": "moment read, less its bias [Nm]",
}
SERIES = dict.fromkeys(CURVES, (("x", "y", "z"), XYZ))


def show_replay(recorded: Recording, replayed: Recording, part: PegHole, path: Path | None) -> None:
    """Show measured and commanded poses of the peg, and the wrench.

    The peg is drawn where it was measured, and translucent where the bundle commands it. Poses and readings
    that are not finite are left out.

    Args:
        recorded: Recording with or without commands.
        replayed: Same recording with the commands of the bundle.
        part: Part of the bundle.
        path: File to write; None to open the viewer.

    Raises:
        ValueError: Rerun is not installed.
        RunError: The file cannot be written.
    """
    rr = import_rerun()
    curves = {name: title for name, title in CURVES.items() if name != "recorded" or len(recorded.commands)}
    stream = open_stream(path, layout("peg as measured; blue: as the bundle commands [mm]", curves))
    name_series(stream, {name: SERIES[name] for name in curves})
    stream.log("scene/plate", mesh(hole_parts(part), PLATE, TRANSLUCENT), static=True)
    stream.log("scene/peg", mesh(peg_parts(part), PEG), static=True)
    stream.log("scene/bundle", mesh(peg_parts(part), BLUE, TRANSLUCENT), static=True)
    to_hole, to_tip = invert(recorded.hole), ((0.0, 0.0, -part.peg_length), IDENTITY)

    def tip(row: np.ndarray) -> Pose:
        x, y, z, a, b, c, d = row.tolist()
        return compose(compose(to_hole, ((x, y, z), (a, b, c, d))), to_tip)

    wrenches = recorded.wrenches - np.array(recorded.bias)
    for number, time in enumerate(recorded.times - recorded.times[0]):
        if not np.isfinite(time):
            continue
        stream.set_time("time", duration=float(time))
        for name, rows, shown in (
            ("measured", recorded.poses, "scene/peg"),
            ("recorded", recorded.commands, None),
            ("bundle", replayed.commands, "scene/bundle"),
        ):
            if len(rows) and np.isfinite(rows[number]).all():
                pose = tip(rows[number])
                stream.log(name, rr.Scalars(MM * np.array(pose[0])))
                if shown:
                    stream.log(shown, transform(pose))
        if np.isfinite(wrenches[number]).all():
            stream.log("force", rr.Scalars(wrenches[number, :3]))
            stream.log("moment", rr.Scalars(wrenches[number, 3:]))
    stream.flush()
    stream.disconnect()

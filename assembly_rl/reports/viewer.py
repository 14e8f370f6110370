"""Episodes in Rerun: its viewer, or a file that it opens later."""

import importlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.insertion.phases import Attempt, Phase
from assembly_rl.controllers.recognition import load_recognizer
from assembly_rl.envs import PegHole, PegInHoleEnv, Result
from assembly_rl.envs.geometry import hole_parts, peg_parts
from assembly_rl.reports.rerun_parts import (
    MM,
    TRANSLUCENT,
    import_rerun,
    layout,
    mesh,
    name_series,
    open_stream,
    rgb,
    transform,
)
from assembly_rl.reports.style import BLUE, GREEN, GREY, PEG, PHASE_COLOURS, PLATE, VERMILION, XYZ
from assembly_rl.reports.trace import PHASES, phase

Array = NDArray[np.float64]

PAUSE = 0.5
"""Time [s] between two episodes."""

GAP = 1e-3
"""Time [s] after the end of an episode at which its curves end."""

RECOGNISED, SUPERVISED, ATTEMPT = "recognised", "supervisor/phase", "supervisor/attempt"
"""Entities: contact state that the shipped recogniser sees, phase of the supervisor, and its attempt."""

SERIES = {
    "depth": (("depth", "goal"), (BLUE, GREY)),
    "alignment": (("lateral", "tilt"), (BLUE, VERMILION)),
    "force": (("Fx", "Fy", "Fz", "largest |F|"), (*XYZ, GREY)),
    "moment": (("Mx", "My", "Mz"), XYZ),
    "action/linear": (("x", "y", "z"), XYZ),
    "action/angular": (("rx", "ry", "rz"), XYZ),
    "pose/position": (("x", "y", "z"), XYZ),
    "pose/rotation": (("rx", "ry", "rz"), XYZ),
}
"""Entity -> names and colours of its curves."""


def attempt(ended: Sequence[Attempt]) -> str:
    """Return the number of an attempt, and why the one before it ended.

    Args:
        ended: Attempts before it.
    """
    after = f", after {ended[-1].reason.value}" if ended else ""
    return f"attempt {len(ended) + 1}{after}"


class Viewer:
    """Sequence of episodes on one time line, in Rerun.

    Lengths are in millimetres and angles in degrees, forces in newtons, moments in newton metres.

    Args:
        path: File to write; None to open the viewer.

    Raises:
        ValueError: Rerun is not installed.
        RunError: The file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._rr = rr = import_rerun()
        self._start = self._time = 0.0
        self._part: PegHole | None = None
        self._labels: list[str] = []
        self._stream = open_stream(path, self._layout())
        name_series(self._stream, SERIES)
        states = rr.StateConfiguration(values=list(PHASES), labels=list(PHASES), colors=rgb(PHASES.values()))
        self._stream.log("phase", states, static=True)
        names, colours = [phase.value for phase in Phase], [PHASE_COLOURS[phase] for phase in Phase]
        states = rr.StateConfiguration(values=names, labels=names, colors=rgb(colours))
        self._stream.log(SUPERVISED, states, static=True)
        self._recognizer, self._sees = load_recognizer(), False

    def _layout(self) -> Any:
        views = importlib.import_module("rerun.blueprint")
        curves = {
            "depth": "depth of the tip, and goal [mm]",
            "alignment": "lateral offset [mm], tilt [deg]",
            "force": "force on the tool [N]",
            "moment": "moment on the tool [Nm]",
            "action": "action [1]",
        }
        shown = [f"/{name}" for name in ("phase", RECOGNISED, SUPERVISED, ATTEMPT, "episode")]
        states = views.StateTimelineView(contents=shown, name="phase, episode")
        return layout("peg and plate [mm], true hole", curves, states)

    def begin(self, label: str, part: PegHole) -> None:
        """Begin an episode after those before.

        Args:
            label: Name of the episode: controller, condition, seed.
            part: Part.
        """
        self._start = self._time + (PAUSE if self._part is not None else 0.0)
        self._at(0.0)
        self._recognizer.reset()
        self._sees = False
        rr, stream = self._rr, self._stream
        self._labels.append(label)
        results = [str(result).replace("_", " ") for result in Result]
        colours = [GREY] * len(self._labels) + [GREEN if name == "success" else VERMILION for name in results]
        names = [*self._labels, *results]
        states = rr.StateConfiguration(values=names, labels=names, colors=rgb(colours))
        stream.log("episode", states, static=True)
        stream.log("episode", rr.StateChange(state=label))
        if part != self._part:
            self._part = part
            stream.log("scene/plate", mesh(hole_parts(part), PLATE, TRANSLUCENT))
            stream.log("scene/peg", mesh(peg_parts(part), PEG))

    def _at(self, time: float) -> None:
        self._time = self._start + time
        self._stream.set_time("time", duration=self._time)

    def update(self, wrench: Sequence[float], pose: Array, command: Array) -> None:
        """Recognise the contact state, which the next steps then show; a ``watch`` of ``PegInHoleEnv``.

        Args:
            wrench: Measured wrench (6,) [N, Nm], nominal axes.
            pose: Measured pose of the tip (6,) [m, rad].
            command: Commanded pose of the tip (6,) [m, rad].
        """
        self._recognizer.update(wrench, pose, command)
        self._sees = True

    def log(self, environment: PegInHoleEnv, info: Mapping[str, Any], action: NDArray[np.float32]) -> None:
        """Log a step of the episode; a ``Watch`` of ``run_episode``.

        Args:
            environment: Environment.
            info: Info of the step.
            action: (6,) action before it.
        """
        rr, stream, scene = self._rr, self._stream, environment.scene()
        self._at(info["time"])
        wrench, pose = info["wrench"], info["pose"]
        peak = float(np.max(info.get("force", 0.0)))
        goal = environment.part.hole_depth - environment.task.limits.goal_margin
        stream.log("scene/peg", transform(scene.tip))
        stream.log("scene/estimated_hole", transform(scene.nominal), rr.TransformAxes3D(8.0))
        stream.log("scene/contacts", rr.Points3D(MM * scene.contacts, colors=rgb([VERMILION]), radii=0.4))
        for path, values in (
            ("depth", (MM * info["depth"], MM * goal)),
            ("alignment", (MM * info["lateral"], np.degrees(info["angle"]))),
            ("force", (*wrench[:3], peak)),
            ("moment", wrench[3:]),
            ("action/linear", np.clip(action[:3], -1.0, 1.0)),
            ("action/angular", np.clip(action[3:], -1.0, 1.0)),
            ("pose/position", MM * pose[:3]),
            ("pose/rotation", np.degrees(pose[3:])),
        ):
            stream.log(path, rr.Scalars(np.asarray(values, dtype=np.float64)))
        stream.log("phase", rr.StateChange(state=phase(info["depth"], peak)))
        if self._sees:
            stream.log(RECOGNISED, rr.StateChange(state=self._recognizer.read().state))
        if "phase" in info:
            stream.log(SUPERVISED, rr.StateChange(state=info["phase"]))
            stream.log(ATTEMPT, rr.StateChange(state=attempt(info["attempts"])))
        if "result" in info:
            stream.log("episode", rr.StateChange(state=info["result"].replace("_", " ")))
            stream.set_time("time", duration=self._time + GAP)  # no line leads to the next episode
            for path, (names, _) in SERIES.items():
                stream.log(path, rr.Scalars([math.nan] * len(names)))
            for path in ("phase", RECOGNISED, SUPERVISED, ATTEMPT):
                stream.log(path, rr.StateChange.cleared())

    def close(self) -> None:
        """Write what is left."""
        self._stream.flush()
        self._stream.disconnect()

"""Episodes in Rerun: its viewer, or a file that it opens later."""

import importlib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.se3 import Pose
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegHole, PegInHoleEnv, Result
from assembly_rl.envs.geometry import ConvexPart, hole_parts, peg_parts
from assembly_rl.reports.style import BLUE, GREEN, GREY, PEG, PLATE, VERMILION, XYZ
from assembly_rl.reports.trace import PHASES, phase
from assembly_rl.runs.files import writing

Array = NDArray[np.float64]

PAUSE = 0.5
"""Time [s] between two episodes."""

GAP = 1e-3
"""Time [s] after the end of an episode at which its curves end."""

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

EYE = (45.0, -120.0, 75.0)
"""Place from which the scene is seen at first [mm]."""

MM = 1e3
"""Scale of the scene: Rerun cuts off what is nearer to the eye than a hundredth of a unit."""


def import_rerun() -> Any:
    """Return the module ``rerun``.

    Raises:
        ValueError: Rerun is not installed.
    """
    try:
        return importlib.import_module("rerun")
    except ImportError:
        raise InputError("watching in Rerun needs it: pip install 'assembly_rl[watch]'") from None


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
        self._stream = rr.RecordingStream("assembly_rl")
        self._start = self._time = 0.0
        self._part: PegHole | None = None
        self._labels: list[str] = []
        if path is None:
            self._stream.spawn(default_blueprint=self._layout())
        else:
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                self._stream.save(path, default_blueprint=self._layout())
        self._name_series()

    def _layout(self) -> Any:
        views = importlib.import_module("rerun.blueprint")
        curves = [
            views.TimeSeriesView(origin=name, name=title, plot_legend=views.Corner2D.RightBottom)
            for name, title in (
                ("depth", "depth of the tip, and goal [mm]"),
                ("alignment", "lateral offset [mm], tilt [deg]"),
                ("force", "force on the tool [N]"),
                ("moment", "moment on the tool [Nm]"),
                ("action", "action [1]"),
            )
        ]
        states = views.StateTimelineView(contents=["/phase", "/episode"], name="phase, episode")
        eye = views.EyeControls3D(position=EYE, look_target=(0.0, 0.0, 0.0), eye_up=(0.0, 0.0, 1.0))
        scene = views.Spatial3DView(origin="scene", name="peg and plate [mm], true hole", eye_controls=eye)
        return views.Blueprint(
            views.Horizontal(views.Vertical(scene, states, row_shares=[4, 1]), views.Vertical(*curves)),
            views.TimePanel(timeline="time", state="collapsed"),
            views.BlueprintPanel(state="collapsed"),
            views.SelectionPanel(state="collapsed"),
        )

    def _name_series(self) -> None:
        rr = self._rr
        for path, (names, colours) in SERIES.items():
            self._stream.log(path, rr.SeriesLines(names=list(names), colors=_rgb(colours)), static=True)
        states = rr.StateConfiguration(values=list(PHASES), labels=list(PHASES), colors=_rgb(PHASES.values()))
        self._stream.log("phase", states, static=True)

    def begin(self, label: str, part: PegHole) -> None:
        """Begin an episode after those before.

        Args:
            label: Name of the episode: controller, condition, seed.
            part: Part.
        """
        self._start = self._time + (PAUSE if self._part is not None else 0.0)
        self._at(0.0)
        rr, stream = self._rr, self._stream
        self._labels.append(label)
        results = [str(result).replace("_", " ") for result in Result]
        colours = [GREY] * len(self._labels) + [GREEN if name == "success" else VERMILION for name in results]
        names = [*self._labels, *results]
        states = rr.StateConfiguration(values=names, labels=names, colors=_rgb(colours))
        stream.log("episode", states, static=True)
        stream.log("episode", rr.StateChange(state=label))
        if part != self._part:
            self._part = part
            stream.log("scene/plate", self._mesh(hole_parts(part), PLATE, 110))
            stream.log("scene/peg", self._mesh(peg_parts(part), PEG, 255))

    def _at(self, time: float) -> None:
        self._time = self._start + time
        self._stream.set_time("time", duration=self._time)

    def _mesh(self, parts: list[ConvexPart], colour: str, opacity: int) -> Any:
        """Return a mesh in which each triangle has corners of its own, so that edges are sharp."""
        corners = np.concatenate([part.vertices[np.array(part.triangles)].reshape(-1, 3) for part in parts])
        a, b, c = corners.reshape(-1, 3, 3).swapaxes(0, 1)
        normals = np.cross(b - a, c - a)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return self._rr.Mesh3D(
            vertex_positions=MM * corners,
            vertex_normals=np.repeat(normals, 3, axis=0),
            albedo_factor=[*_rgb([colour])[0], opacity],
        )

    def _pose(self, pose: Pose) -> Any:
        position, orientation = pose
        return self._rr.Transform3D(
            translation=MM * np.array(position), quaternion=self._rr.Quaternion(xyzw=orientation)
        )

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
        stream.log("scene/peg", self._pose(scene.tip))
        stream.log("scene/estimated_hole", self._pose(scene.nominal), rr.TransformAxes3D(8.0))
        stream.log("scene/contacts", rr.Points3D(MM * scene.contacts, colors=_rgb([VERMILION]), radii=0.4))
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
        if "result" in info:
            stream.log("episode", rr.StateChange(state=info["result"].replace("_", " ")))
            stream.set_time("time", duration=self._time + GAP)  # no line leads to the next episode
            for path, (names, _) in SERIES.items():
                stream.log(path, rr.Scalars([math.nan] * len(names)))
            stream.log("phase", rr.StateChange.cleared())

    def close(self) -> None:
        """Write what is left."""
        self._stream.flush()
        self._stream.disconnect()


def _rgb(colours: Iterable[str]) -> list[list[int]]:
    """Return red, green and blue, 0 to 255, of colours such as ``#0072b2``."""
    return [[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in colours]

"""Parts of what is shown in Rerun: streams, layouts, meshes, poses and colours; lengths in millimetres."""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assembly_rl.controllers.se3 import Pose
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry import ConvexPart
from assembly_rl.runs.files import writing

MM = 1e3
"""Scale of the scene: Rerun cuts off what is nearer to the eye than a hundredth of a unit."""

EYE = (45.0, -120.0, 75.0)
"""Place from which the scene is seen at first [mm]."""

OPAQUE, TRANSLUCENT = 255, 110
"""Opacity of a mesh, 0 to 255."""

Series = Mapping[str, tuple[Sequence[str], Sequence[str]]]
"""Entity -> names and colours of its curves."""


def import_rerun() -> Any:
    """Return the module ``rerun``.

    Raises:
        ValueError: Rerun is not installed.
    """
    try:
        return importlib.import_module("rerun")
    except ImportError:
        raise InputError("watching in Rerun needs it: pip install 'assembly_rl[watch]'") from None


def open_stream(path: Path | None, blueprint: Any) -> Any:
    """Open a ``rerun.RecordingStream``.

    Args:
        path: File to write; None to open the viewer.
        blueprint: Layout of the views.

    Raises:
        RunError: The file cannot be written.
    """
    stream = import_rerun().RecordingStream("assembly_rl")
    if path is None:
        stream.spawn(default_blueprint=blueprint)
    else:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            stream.save(path, default_blueprint=blueprint)
    return stream


def layout(scene: str, curves: Mapping[str, str], below: Any = None) -> Any:
    """Return a blueprint with the entities in ``scene`` on the left and curves on the right.

    Args:
        scene: Title of the scene.
        curves: Entity -> title of its curves.
        below: View below the scene; None without one.
    """
    views = importlib.import_module("rerun.blueprint")
    eye = views.EyeControls3D(position=EYE, look_target=(0.0, 0.0, 0.0), eye_up=(0.0, 0.0, 1.0))
    left = views.Spatial3DView(origin="scene", name=scene, eye_controls=eye)
    corner = views.Corner2D.RightBottom
    right = [
        views.TimeSeriesView(origin=name, name=title, plot_legend=corner) for name, title in curves.items()
    ]
    return views.Blueprint(
        views.Horizontal(
            left if below is None else views.Vertical(left, below, row_shares=[4, 1]), views.Vertical(*right)
        ),
        views.TimePanel(timeline="time", state="collapsed"),
        views.BlueprintPanel(state="collapsed"),
        views.SelectionPanel(state="collapsed"),
    )


def name_series(stream: Any, series: Series) -> None:
    """Give the curves of entities names and colours."""
    rr = import_rerun()
    for path, (names, colours) in series.items():
        stream.log(path, rr.SeriesLines(names=list(names), colors=rgb(colours)), static=True)


def mesh(parts: Iterable[ConvexPart], colour: str, opacity: int = OPAQUE) -> Any:
    """Return a ``rerun.Mesh3D`` in which each triangle has corners of its own, so that edges are sharp."""
    corners = np.concatenate([part.vertices[np.array(part.triangles)].reshape(-1, 3) for part in parts])
    a, b, c = corners.reshape(-1, 3, 3).swapaxes(0, 1)
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return import_rerun().Mesh3D(
        vertex_positions=MM * corners,
        vertex_normals=np.repeat(normals, 3, axis=0),
        albedo_factor=[*rgb([colour])[0], opacity],
    )


def transform(pose: Pose) -> Any:
    """Return a ``rerun.Transform3D`` of a pose [m, xyzw]."""
    rr, (position, orientation) = import_rerun(), pose
    return rr.Transform3D(translation=MM * np.array(position), quaternion=rr.Quaternion(xyzw=orientation))


def rgb(colours: Iterable[str]) -> list[list[int]]:
    """Return red, green and blue, 0 to 255, of colours such as ``#0072b2``."""
    return [[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in colours]

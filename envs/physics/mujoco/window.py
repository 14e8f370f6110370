"""MuJoCo's window on a world: on copies of model and data, so that the physics stay as they are."""

import importlib
import threading
from copy import copy
from typing import Any

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics.connection import NotCopied
from assembly_rl.envs.physics.mujoco.library import import_mujoco

PEG_COLOUR, PLATE_COLOUR = (0.93, 0.55, 0.15, 1.0), (0.55, 0.62, 0.70, 0.35)
"""Colours; one sees the peg through the plate."""

AZIMUTH, ELEVATION = 114.0, -24.0
"""Direction of the view [deg]."""


class MujocoWindow(NotCopied):
    """Implementation of ``Window``.

    There can be one in a process: MuJoCo's library for windows does not stand a second one.

    Args:
        model: The ``mujoco.MjModel`` of the world.
        data: The ``mujoco.MjData`` of the world.
        part: Geometry of peg and hole.

    Raises:
        ValueError: The process has a window.
    """

    _present: "MujocoWindow | None" = None

    def __init__(self, model: Any, data: Any, part: PegHole) -> None:
        if MujocoWindow._present is not None:
            raise InputError("MuJoCo has one window in a process: close the other environment first")
        self._mujoco, self._source = import_mujoco(), data
        viewer = importlib.import_module("mujoco.viewer")
        self._model = model = copy(model)
        self._data = self._mujoco.MjData(model)
        plate = self._mujoco.mj_name2id(model, self._mujoco.mjtObj.mjOBJ_BODY, "plate")
        for geom, body in enumerate(model.geom_bodyid.tolist()):
            model.geom_rgba[geom] = PLATE_COLOUR if body == plate else PEG_COLOUR
        model.vis.headlight.ambient[:], model.vis.headlight.diffuse[:] = 0.5, 0.5
        before = set(threading.enumerate())
        self._viewer = viewer.launch_passive(model, self._data, show_left_ui=False, show_right_ui=False)
        (self._thread,) = set(threading.enumerate()) - before
        top, bottom = part.peg_length, -part.hole_depth - part.floor
        with self._viewer.lock():
            self._viewer.opt.sitegroup[:] = 0
            camera = self._viewer.cam
            camera.lookat[:] = (0.0, 0.0, 0.5 * (top + bottom))
            camera.distance, camera.azimuth, camera.elevation = 2.1 * (top - bottom), AZIMUTH, ELEVATION
        MujocoWindow._present = self
        self.show()

    @property
    def is_open(self) -> bool:
        """False once somebody has closed it."""
        return bool(self._viewer.is_running())

    def show(self) -> None:
        """Show the world as it is now."""
        with self._viewer.lock():
            self._data.qpos[:] = self._source.qpos
            self._data.time = self._source.time
            self._mujoco.mj_forward(self._model, self._data)
        self._viewer.sync()

    def close(self) -> None:
        """Close the window; closing twice is harmless."""
        if MujocoWindow._present is self:
            MujocoWindow._present = None
            self._viewer.close()
            self._thread.join()

"""Import of MuJoCo, which is optional, when it is needed."""

import importlib
from typing import Any

from assembly_rl.controllers.validation import InputError


def import_mujoco() -> Any:
    """Return the module ``mujoco``.

    Raises:
        ValueError: MuJoCo is not installed.
    """
    try:
        return importlib.import_module("mujoco")
    except ImportError:
        raise InputError(
            "the physics engine 'mujoco' needs MuJoCo: pip install 'assembly_rl[mujoco]'"
        ) from None

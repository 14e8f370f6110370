"""Teach a compliance controller to insert pegs with tight clearance.

``import assembly_rl as arl`` gives the Python API: ``train``, ``load``, ``load_model``, ``evaluate``,
``transfer``, ``deploy``, ``export``, ``make_env``, ``make_config``, ``open_run`` and the classes that they
return; see ``assembly_rl.api``. It is loaded when it is first used, so that a robot program that imports
``assembly_rl.controllers`` loads neither torch nor pybullet nor gymnasium.

Imports run one way: ``assembly_rl`` (learning) -> ``assembly_rl.envs`` (simulation) ->
``assembly_rl.controllers`` (control).
"""

import importlib
import os
from pathlib import Path
from typing import Any

# Where torch_npu is installed without the driver, its autoload would make every "import torch" fail; it is
# loaded when an NPU is asked for (assembly_rl.accelerators).
os.environ.setdefault("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")

__version__ = "0.2.0"

__all__ = [
    "Deployment",
    "Evaluation",
    "ExportedController",
    "Policy",
    "Run",
    "TrainingInterrupted",
    "TransferResult",
    "deploy",
    "evaluate",
    "export",
    "load",
    "load_model",
    "make_config",
    "make_env",
    "open_run",
    "train",
    "transfer",
]

# In an uninstalled checkout the folders envs/, controllers/, conf/ and examples/ stand beside this package.
_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "setup.py").is_file() and (_checkout / "envs").is_dir():
    __path__.append(str(_checkout))
del _checkout


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("assembly_rl.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

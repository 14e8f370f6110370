"""assembly_rl: teach a compliance controller to insert pegs with tight clearance.

Packages import in one direction: ``assembly_rl`` (learning) -> ``assembly_rl.envs`` (simulation) ->
``assembly_rl.controllers`` (control). This file imports little, so that a robot program that imports
``assembly_rl.controllers`` loads neither torch nor pybullet nor gymnasium.
"""

import os
from pathlib import Path

# Where torch_npu is installed without the driver, its autoload would make every "import torch" fail; it is
# loaded when an NPU is requested (assembly_rl.accelerators).
os.environ.setdefault("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")

__version__ = "0.1.0"

# In an uninstalled checkout the folders envs/, controllers/ and conf/ stand beside this package.
_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "setup.py").is_file() and (_checkout / "envs").is_dir():
    __path__.append(str(_checkout))
del _checkout

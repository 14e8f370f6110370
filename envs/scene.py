"""State of an environment as a viewer shows it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.se3 import Pose


@dataclass(frozen=True)
class Scene:
    """Poses in the frame of the true hole, and contacts; only the simulator knows them.

    Attributes:
        tip: Pose of the tip [m, xyzw].
        nominal: Pose of the estimated hole [m, xyzw].
        contacts: Points (n, 3) [m] where the peg touches the plate; empty if the engine does not tell.
    """

    tip: Pose
    nominal: Pose
    contacts: NDArray[np.float64]

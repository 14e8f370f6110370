"""State that only the simulator knows, as an observation for the critics of a learner."""

from functools import lru_cache

import gymnasium
import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.insertion.observation_terms import LIMIT
from assembly_rl.controllers.insertion.symmetry import symmetries
from assembly_rl.controllers.validation import AXES
from assembly_rl.envs.conditions import Conditions
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.geometry.descriptor import DIRECTIONS, support_function

Observation = NDArray[np.float32]

SCALES = {"friction": 0.3, "clearance": 1e-4, "chamfer": 3e-4, "lag": 0.02, "delay": 0.01}
"""Conditions that are observed, and their scales: 1, m, m, s, s."""

EXTENT = 0.02
"""Scale of the section's extents [m]."""

PRIVILEGED_NAMES = (
    *(f"true_{axis}" for axis in AXES),
    *SCALES,
    *(f"extent_{number}" for number in range(DIRECTIONS)),
)
"""Names of the components of ``privileged_state``."""

PRIVILEGED_SYMMETRIES = symmetries(PRIVILEGED_NAMES)
"""Turns and reflections of ``privileged_state``."""


def privileged_state(
    pose: NDArray[np.float64], pose_scale: list[float], conditions: Conditions, part: PegHole
) -> NDArray[np.float64]:
    """Compute the components that only the simulator knows, within +-5: see ``PRIVILEGED_NAMES``.

    Args:
        pose: True pose of the tip in the hole frame (6,) [m, rad].
        pose_scale: Scale of the pose (6,) [m, rad].
        conditions: Conditions of the episode.
        part: Part.
    """
    clearance = part.clearance if conditions.clearance is None else conditions.clearance
    response = conditions.response
    known = (conditions.friction, clearance, part.chamfer, response.lag, response.delay)
    scaled = np.array(known) / list(SCALES.values())
    return np.clip(np.concatenate((pose / pose_scale, scaled, _extents(part))), -LIMIT, LIMIT)


@lru_cache(maxsize=1024)
def _extents(part: PegHole) -> NDArray[np.float64]:
    return np.asarray(support_function(part) / EXTENT)


class PrivilegedObservation(gymnasium.ObservationWrapper[Observation, Observation, Observation]):
    """Wrapper that appends the environment's ``privileged_state`` to the observation.

    Critics may see it, since a robot needs the actor alone. Source: L. Pinto et al., "Asymmetric actor critic
    for image-based robot learning", 2018.

    Args:
        env: ``PegInHoleEnv`` or ``MultiPartEnv``.

    Attributes:
        observed: Number of first components, those of the environment itself.
    """

    def __init__(self, env: gymnasium.Env[Observation, Observation]) -> None:
        super().__init__(env)
        own = env.observation_space
        assert isinstance(own, gymnasium.spaces.Box)
        self.observed = own.shape[0]
        bounds = np.concatenate((own.high, np.full(len(PRIVILEGED_NAMES), LIMIT, np.float32)))
        self.observation_space = gymnasium.spaces.Box(-bounds, bounds)

    def observation(self, observation: Observation) -> Observation:
        """Append the components to an observation."""
        hidden = self.env.get_wrapper_attr("privileged_state")()
        return np.concatenate((observation, hidden), dtype=np.float32)

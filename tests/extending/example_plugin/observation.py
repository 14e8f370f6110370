"""An observation term: the force, averaged over the latest policy steps."""

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers import ObservationTerm, Signals, register_observation_term
from assembly_rl.controllers.insertion import ObservationConfig


class MeanForce(ObservationTerm):
    """Mean of the force over this policy step and the ``history`` before it: three components."""

    inputs = ("wrench", "past_wrenches")

    def components(self, config: ObservationConfig) -> list[tuple[str, float]]:
        return [("mean_fx", 3.0), ("mean_fy", 3.0), ("mean_fz", 3.0)]

    def scale(self, config: ObservationConfig) -> NDArray[np.float64]:
        return np.array(config.wrench_scale[:3])

    def value(
        self, config: ObservationConfig, signals: Signals, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        forces = np.array([signals.wrench, *signals.past_wrenches])[:, :3]
        return forces.mean(axis=0) / self.scale(config)


register_observation_term("mean_force", MeanForce())

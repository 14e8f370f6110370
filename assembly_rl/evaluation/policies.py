"""Policies that can be evaluated: trained ones, and guidance without learning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.guidance import Guidance
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.validation import InputError


class Policy(Protocol):
    """Interface of a policy, which can be pickled for a worker process."""

    def act(
        self, observation: NDArray[np.float32], info: Mapping[str, Any] | None = None
    ) -> NDArray[np.float32]:
        """Return the action in [-1, 1]^6 for an observation.

        Args:
            observation: Observation of the environment.
            info: Info of the same step.
        """
        ...


@dataclass
class LearnedPolicy:
    """Deterministic policy from a training.

    Attributes:
        actor: Network from observations to actions before the clip to [-1, 1].
    """

    actor: MLP

    def act(
        self, observation: NDArray[np.float32], info: Mapping[str, Any] | None = None
    ) -> NDArray[np.float32]:
        """Return the action in [-1, 1]^6 for an observation; ``info`` is not used."""
        return np.clip(self.actor(observation), -1.0, 1.0)


@dataclass
class GuidedPolicy:
    """Guidance in an environment whose actions are wrench set-points.

    Attributes:
        guidance: Rule that chooses the wrench set-point.
        scale: (6,) wrench of an action of one [N, Nm]; larger wrenches are clipped.
    """

    guidance: Guidance
    scale: list[float]

    def act(
        self, observation: NDArray[np.float32], info: Mapping[str, Any] | None = None
    ) -> NDArray[np.float32]:
        """Return the action for the time, wrench and pose of ``info``; the observation is not used.

        Raises:
            ValueError: There is no info.
        """
        if info is None:
            raise InputError("guidance needs the info that came with the observation, got None")
        push = self.guidance.push(info["time"], info["wrench"].tolist(), info["pose"].tolist())
        return np.clip(np.array(push) / self.scale, -1.0, 1.0).astype(np.float32)

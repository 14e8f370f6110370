"""What can be evaluated: a trained policy, or guidance without learning."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.guidance import Guidance
from assembly_rl.controllers.mlp import MLP


class Agent(Protocol):
    """Chooses actions; may go to a worker process."""

    def act(self, observation: NDArray[np.float32], info: dict[str, Any]) -> NDArray[np.float32]:
        """Action in [-1, 1]^6 for an observation and the info that came with it."""
        ...


@dataclass
class LearnedAgent:
    """The deterministic action of a trained policy.

    Attributes:
        actor: Of the policy; see ``assembly_rl.learners.extract_actor``.
    """

    actor: MLP

    def act(self, observation: NDArray[np.float32], info: dict[str, Any]) -> NDArray[np.float32]:
        """See ``Agent.act``."""
        return np.clip(self.actor(observation), -1.0, 1.0)


@dataclass
class GuidedAgent:
    """Guidance in an environment whose actions are wrench set-points.

    Attributes:
        guidance: Gives the wrench to push with.
        scale: (6,) wrench that an action of one stands for [N, Nm]; larger wrenches are cut off.
    """

    guidance: Guidance
    scale: list[float]

    def act(self, observation: NDArray[np.float32], info: dict[str, Any]) -> NDArray[np.float32]:
        """See ``Agent.act``."""
        push = self.guidance.push(info["time"], info["wrench"].tolist(), info["pose"].tolist())
        return np.clip(np.array(push) / self.scale, -1.0, 1.0).astype(np.float32)

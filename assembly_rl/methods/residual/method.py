"""Residual reinforcement learning, as a method of a training.

The actions of the policy are added to those of ``task.base``. At first they are zero, and a penalty on their
squares keeps them small while the critics learn what the base is worth: distillation of a teacher whose
action is the base's (WDPD with equal weights), written for the residual. Sources: T. Johannink et al.,
"Residual reinforcement learning for robot control", 2019; T. Silver et al., "Residual policy learning", 2018.
"""

from collections.abc import Sequence
from math import log
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor

from assembly_rl.learners.layers import actors_with_targets
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.residual.config import ResidualConfig
from assembly_rl.training.method import Dense, Phases, TrainingContext

SMALL = 0.01
"""Factor on the initial weights of the output layers."""


class Penalty:
    """Loss of an actor: a weight times the mean over rows of the squared norm of its actions.

    Args:
        device: Device of the actor.

    Attributes:
        critic_weight: () factor on the actor's loss from the critics.
        weight: () weight of the penalty.
    """

    def __init__(self, device: torch.device) -> None:
        self.critic_weight = torch.ones((), device=device)
        self.weight = torch.zeros((), device=device)

    def action_gradient(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Return the gradient (rows, actions) by the actions of a deterministic actor."""
        return 2.0 / len(actions) * self.weight * actions

    def gaussian_gradients(
        self, observations: Tensor, mean: Tensor, log_std: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the gradients (rows, actions) by mean and log_std; the penalty is on tanh(mean)."""
        actions = mean.tanh()
        slope = self.action_gradient(observations, actions) * (1.0 - actions * actions)
        return slope, torch.zeros_like(log_std)


class Residual(Dense):
    """Residual policy on the base of the task.

    Args:
        config: Configuration.
    """

    def __init__(self, config: ResidualConfig) -> None:
        self._config: ResidualConfig = config

    def build(self, model: BaseAlgorithm) -> None:
        """Begin with actions near zero."""
        with torch.no_grad():
            for actor in actors_with_targets(model.policy):
                for layer in actor.outputs:
                    layer.weight.mul_(SMALL)
                    layer.bias.zero_()
                if isinstance(actor.log_std, torch.nn.Linear):
                    actor.log_std.bias.fill_(log(self._config.deviation))

    def phases(self, context: TrainingContext) -> Phases:
        """Return the actions of the method during a training."""
        return ResidualPhases(self._config, context)


class ResidualPhases(Phases):
    """Schedule of the penalty and of the actor's learning rate, and the steps back to the base.

    Args:
        config: Configuration.
        context: Training.
    """

    def __init__(self, config: ResidualConfig, context: TrainingContext) -> None:
        assert isinstance(context.model, Learner)
        self._config, self._model = config, context.model
        self._penalty = Penalty(self._model.device)
        self._model.further_loss = self._penalty
        self._model.bind()

    def before_rollout(self) -> None:
        """Set the weight of the penalty, and whether the actor learns."""
        own, step = self._config, self._model.num_timesteps
        self._penalty.weight.fill_(max(own.floor, own.strength * (1.0 - step / own.anneal)))
        self._model.actor_rate = own.actor_rate if step >= own.warm_up else 0.0

    def after_step(self, infos: Sequence[dict[str, Any]]) -> None:
        """Come nearer to the base for each episode that ended without success."""
        failed = sum("result" in info and not info["is_success"] for info in infos)
        if failed and self._config.retreat < 1.0:
            self._model.scale_actions(self._config.retreat**failed)

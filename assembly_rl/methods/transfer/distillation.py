"""WDPD, weighted dimension-wise policy distillation, during the student's training."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor

from assembly_rl.controllers.validation import AXES
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.methods.transfer.teacher import Teacher
from assembly_rl.runs.checks import require_list, require_number

PASSES = 4
"""Distillation passes over a rollout of PPO."""


class DistillationLoss:
    """Weighted divergence of a student from its teacher; see ``learners.updates.ActorLoss``.

    Args:
        teacher: Teacher.
        weights: (1, actions) weight of each component's divergence; changed in place.
        critic_weight: () factor on the actor's loss from the critics; changed in place.
    """

    def __init__(self, teacher: Teacher, weights: Tensor, critic_weight: Tensor) -> None:
        self.teacher, self.weights, self.critic_weight = teacher, weights, critic_weight

    def action_gradient(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Return the gradient of the mean of ``sum_j w_j (a - a_teacher)_j^2`` by the actions."""
        difference = actions - self.teacher(observations)[0].tanh()
        return difference.mul_(self.weights).mul_(2.0 / len(actions))

    def gaussian_gradients(
        self, observations: Tensor, mean: Tensor, log_std: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the gradients of the mean of ``sum_j w_j KL_j``, from teacher to student.

        The divergence of two Gaussians is log s - log t + (t^2 + (m - n)^2) / (2 s^2) - 1/2.
        """
        target, log_target = self.teacher(observations)
        assert log_target is not None
        precision = (-2.0 * log_std).exp_()
        difference = mean - target
        scale = self.weights / len(mean)
        spread = torch.addcmul((2.0 * log_target).exp_(), difference, difference).mul_(precision)
        return difference.mul_(precision).mul_(scale), (1.0 - spread).mul_(scale)


class Distillation:
    """Distillation of a teacher into a model during its training, with a weight that decreases to 0.

    The loss is ``c L_RL + lambda sum_j w_j D_j`` over the student's states, where D is the squared
    difference of actions (DDPG, TD3) or the KL divergence of Gaussians (SAC, PPO). During the warm-up c is 0
    and lambda is ``strength``: the critics learn the value of the teacher's actions. Then c is 1, and lambda
    decreases to 0.

    Args:
        model: Student; call ``Learner.bind`` afterwards.
        teacher: Teacher.
        weights: (actions,) weights w, which sum to their number.
        strength: Initial lambda.
        warm_up: Policy steps in which the actor only imitates the teacher.
        anneal: Subsequent policy steps in which lambda decreases to 0.
    """

    def __init__(
        self,
        model: BaseAlgorithm,
        teacher: Teacher,
        weights: NDArray[np.float64],
        strength: float,
        warm_up: int,
        anneal: int,
    ) -> None:
        self._model, self._teacher = model, teacher.to(model.device)
        self._strength, self._warm_up, self._anneal = strength, warm_up, anneal
        self._weights = torch.from_numpy(weights.astype(np.float32)).to(self._model.device)[None]
        if isinstance(model, Learner):
            ones = torch.ones((), device=model.device)
            self._loss = DistillationLoss(teacher, torch.zeros_like(self._weights), ones)
            model.further_loss = self._loss
            self.update()

    @property
    def warming_up(self) -> bool:
        """True while the actor only imitates the teacher."""
        return self._model.num_timesteps < self._warm_up

    @property
    def coefficient(self) -> float:
        """Lambda at the present step."""
        beyond = max(0, self._model.num_timesteps - self._warm_up)
        left = 1.0 - beyond / self._anneal if self._anneal else float(self.warming_up)
        return self._strength * max(0.0, left)

    def update(self) -> None:
        """Set the loss of the present step; for PPO do nothing."""
        model = self._model
        if not isinstance(model, Learner) or model.further_loss is None:
            return
        if (
            not self.warming_up and self.coefficient == 0.0
        ):  # from now on an update costs no more than without
            model.further_loss = None
            model.bind()
            return
        self._loss.weights.copy_(self.coefficient * self._weights)
        self._loss.critic_weight.fill_(float(not self.warming_up))

    def distil_rollout(self) -> None:
        """Take gradient steps on a rollout of PPO, with the divergence as the only loss."""
        model = self._model
        if not isinstance(model, PPO) or self.coefficient == 0.0:
            return
        if self.warming_up:
            model.rollout_buffer.advantages[:] = 0.0
        policy: Any = model.policy
        observations = torch.as_tensor(model.rollout_buffer.observations, device=model.device)
        observations = observations.flatten(0, 1)
        for _ in range(PASSES):
            for rows in torch.randperm(len(observations)).split(model.batch_size):
                states = observations[rows]
                mean = policy.action_net(policy.mlp_extractor.forward_actor(states))
                target, log_target = self._teacher(states)
                loss = self.coefficient * divergence(mean, policy.log_std, target, log_target, self._weights)
                policy.optimizer.zero_grad()
                loss.backward()
                policy.optimizer.step()


class DistillationPhases:
    """Distillation from the first step of a training.

    Args:
        model: Student.
        teacher: Teacher.
        weights: (actions,) weights.
        config: Strength, warm-up and anneal.
    """

    def __init__(
        self,
        model: BaseAlgorithm,
        teacher: Teacher,
        weights: NDArray[np.float64],
        config: TransferConfig,
    ) -> None:
        self._distillation = Distillation(
            model, teacher, weights, config.strength, config.warm_up, config.anneal
        )
        if isinstance(model, Learner):
            model.bind()

    def before_rollout(self) -> None:
        """Set the loss of the present step."""
        self._distillation.update()

    def after_rollout(self) -> None:
        """Distil on a rollout of PPO."""
        self._distillation.distil_rollout()


def require_weights(place: str, weights: Any) -> None:
    """Raise a RunError unless a value is a list of a finite weight for each action component."""
    for weight in require_list(place, weights, len(AXES)):
        require_number(place, weight)


def divergence(
    mean: torch.Tensor,
    log_std: torch.Tensor,
    target: torch.Tensor,
    log_target: torch.Tensor | None,
    weights: torch.Tensor,
) -> torch.Tensor:
    """Return the mean over rows of ``sum_j w_j KL_j``, from the teacher's Gaussian to the student's.

    Args:
        mean: (rows, actions) mean of the student.
        log_std: (actions,) logarithm of the student's standard deviation.
        target: (rows, actions) mean of the teacher.
        log_target: (rows, actions) logarithm of the teacher's standard deviation.
        weights: (1, actions) weights w.
    """
    assert log_target is not None
    squares = torch.exp(2.0 * log_target) + (mean - target) ** 2
    each = log_std - log_target + 0.5 * squares * torch.exp(-2.0 * log_std) - 0.5
    return (each @ weights.t()).mean()

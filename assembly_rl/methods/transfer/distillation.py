"""Distillation while a policy learns: first the teacher's word, then less and less of it."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from assembly_rl.learners.off_policy import Learner
from assembly_rl.learners.updates import Lesson
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.methods.transfer.evidence import RULES, by_evidence
from assembly_rl.methods.transfer.teacher import Teacher
from assembly_rl.runs.files import read_json, write_json

PASSES = 4
"""Over a rollout of PPO, for the teacher's sake."""


class Coach:
    """Gives a model a teacher, and takes it away.

    The loss is ``c L_RL + lambda sum_j w_j D_j`` over states that the student visits, with D the squared
    difference of actions (DDPG, TD3) or the divergence of Gaussians (SAC, PPO). During the warm-up c is 0 and
    lambda its strength: the critics learn what following the teacher is worth. Then c is 1, and lambda goes
    to 0.

    Args:
        model: The student; after this a ``Learner`` has to ``bind``.
        teacher: Whom to follow.
        weights: w (actions,), which sum to their number.
        strength: Lambda at first.
        warm_up: Policy steps in which only the teacher has a say.
        anneal: Policy steps after them until it has none.
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
        self._strength, self._begins, self._anneal = strength, warm_up, anneal
        self.weigh(weights)
        if isinstance(model, Learner):
            device = self._model.device
            model.lesson = Lesson(teacher, torch.zeros_like(self._own), torch.ones((), device=device))
            self.set()

    def weigh(self, weights: NDArray[np.float64]) -> None:
        """Use these weights from now on."""
        self._own = torch.from_numpy(weights.astype(np.float32)).to(self._model.device)[None]

    @property
    def alone(self) -> bool:
        """Whether only the teacher has a say."""
        return self._model.num_timesteps < self._begins

    @property
    def say(self) -> float:
        """Lambda now."""
        beyond = max(0, self._model.num_timesteps - self._begins)
        left = 1.0 - beyond / self._anneal if self._anneal else float(self.alone)
        return self._strength * max(0.0, left)

    def set(self) -> None:
        """Before a rollout: what holds in the updates after it."""
        model = self._model
        if not isinstance(model, Learner) or model.lesson is None:
            return
        if not self.alone and self.say == 0.0:  # for good: do without the teacher's part of an update
            model.lesson = None
            model.bind()
            return
        model.lesson.weights.copy_(self.say * self._own)
        model.lesson.critics.fill_(float(not self.alone))

    def teach(self) -> None:
        """After a rollout of PPO: steps on what it visited, by the divergence alone."""
        model = self._model
        if not isinstance(model, PPO) or self.say == 0.0:
            return
        if self.alone:
            model.rollout_buffer.advantages[:] = 0.0
        policy: Any = model.policy
        observations = torch.as_tensor(model.rollout_buffer.observations, device=model.device)
        observations = observations.flatten(0, 1)
        for _ in range(PASSES):
            for rows in torch.randperm(len(observations)).split(model.batch_size):
                states = observations[rows]
                mean = policy.action_net(policy.mlp_extractor.forward_actor(states))
                target, log_target = self._teacher(states)
                loss = self.say * divergence(mean, policy.log_std, target, log_target, self._own)
                policy.optimizer.zero_grad()
                loss.backward()
                policy.optimizer.step()


class Coaching(BaseCallback):
    """A coach from the first step of a training.

    Args:
        teacher: Whom to follow.
        weights: (actions,), until the warm-up is over.
        config: See there.
        kept: File for the weights from then on.
        seed: Of what they are estimated with.
    """

    def __init__(
        self,
        teacher: Teacher,
        weights: NDArray[np.float64],
        config: TransferConfig,
        kept: Path | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._teacher, self._weights, self._config = teacher, weights, config
        self._kept, self._seed = kept, seed

    def _on_training_start(self) -> None:
        own = self._config
        self._coach = Coach(self.model, self._teacher, self._weights, own.strength, own.warm_up, own.anneal)
        if isinstance(self.model, Learner):
            self.model.bind()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self._kept is not None and not self._coach.alone:
            self._settle(self._kept)
            self._kept = None
        self._coach.set()

    def _on_rollout_end(self) -> None:
        self._coach.teach()

    def _settle(self, path: Path) -> None:
        """The weights from the end of the warm-up on, from what it has visited, if the rule wants them so."""
        if not path.is_file():
            weights = self._weights
            if self._config.weights in RULES and isinstance(self.model, OffPolicyAlgorithm):
                weights = by_evidence(self._config.weights, self.model, self.num_timesteps, self._seed)
            write_json(path, {"format": 1, "weights": weights.tolist()})
        self._coach.weigh(np.array(read_json(path, 1)["weights"]))


def divergence(
    mean: torch.Tensor,
    log_std: torch.Tensor,
    target: torch.Tensor,
    log_target: torch.Tensor | None,
    weights: torch.Tensor,
) -> torch.Tensor:
    """Mean over rows of ``sum_j w_j KL_j``, from the teacher's Gaussian to the student's."""
    assert log_target is not None
    squares = torch.exp(2.0 * log_target) + (mean - target) ** 2
    each = log_std - log_target + 0.5 * squares * torch.exp(-2.0 * log_std) - 0.5
    return (each @ weights.t()).mean()

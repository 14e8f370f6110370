"""A student that follows a teacher: to it, with any weights, and away from it again."""

from typing import Any

import numpy as np
import pytest
import torch
from quick_task import QUICK_TASK
from stable_baselines3.common.callbacks import BaseCallback

from assembly_rl.envs import PegHole
from assembly_rl.learners.actor import ActorWeights
from assembly_rl.learners.config import DDPGConfig, PPOConfig, SACConfig, TD3Config
from assembly_rl.learners.environments import make_environments
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.methods.transfer.distillation import (
    Distillation,
    DistillationLoss,
    DistillationPhases,
    divergence,
)
from assembly_rl.methods.transfer.teacher import Teacher
from assembly_rl.training.model import make_model

torch.set_num_threads(1)
QUICK = {"batch_size": 32, "network": [24, 24], "learning_rate": 3e-3}
ALGORITHMS: dict[str, Any] = {
    "sac": SACConfig(**QUICK, learning_starts=20),
    "td3": TD3Config(**QUICK, learning_starts=20),
    "ddpg": DDPGConfig(**QUICK, learning_starts=20, actor_learning_rate=3e-3),
    "ppo": PPOConfig(**QUICK, rollout=128, epochs=2),
}


def model(name: str, seed: int, **options: Any) -> Any:
    return make_model(ALGORITHMS[name], make_environments(PegHole(), QUICK_TASK, 1), seed, **options)


def guide(name: str) -> Teacher:
    """Someone who knows what to do: far from what a new policy would."""
    teacher = model(name, 7)
    with torch.no_grad():
        for layer in (of for of in teacher.policy.modules() if isinstance(of, torch.nn.Linear)):
            if layer.out_features == 6:
                layer.weight *= 100.0 if name == "ppo" else 2.0
    return teacher_of(teacher)


def teacher_of(trained: Any) -> Teacher:
    return Teacher(ActorWeights.from_state(trained.policy.state_dict()))


class Phases(BaseCallback):
    """Runs the phases of a distillation, as a training does."""

    def __init__(self, phases: DistillationPhases) -> None:
        super().__init__()
        self._phases = phases

    def _on_rollout_start(self) -> None:
        self._phases.before_rollout()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._phases.after_rollout()


def distil(student: Any, teacher: Teacher, weights: np.ndarray, steps: int, config: TransferConfig) -> None:
    phases = DistillationPhases(student, teacher, weights, config)
    student.learn(steps, callback=Phases(phases))


def taught(name: str, weights: np.ndarray, steps: int, config: TransferConfig) -> Any:
    teacher, student = guide(name), model(name, 1)
    distil(student, teacher, weights, steps, config)
    return student, teacher


def apart(student: Any, teacher: Teacher) -> np.ndarray:
    """Mean difference (actions,) of deterministic actions on states that the student visited."""
    buffer = getattr(student, "rollout_buffer", None) or student.replay_buffer
    states = torch.from_numpy(buffer.observations.reshape(-1, 18)[:100])
    own, other = (actor(states)[0].clamp(-1.0, 1.0) for actor in (teacher_of(student), teacher))
    return (own - other).abs().mean(0).numpy()


ALWAYS = TransferConfig(warm_up=10_000, anneal=1)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_student_reaches_its_teacher(name: str) -> None:
    student, teacher = taught(name, np.ones(6), 4000 if name == "ppo" else 1000, ALWAYS)
    fresh = model(name, 1)
    student_apart = apart(student, teacher).mean()
    fresh.policy, student.policy = student.policy, fresh.policy  # a new policy on the same states
    assert student_apart < 0.2 * apart(student, teacher).mean()


def test_a_component_without_weight_is_not_taught() -> None:
    student, teacher = taught("td3", np.array([1.2, 1.2, 1.2, 1.2, 1.2, 0.0]), 1000, ALWAYS)
    difference = apart(student, teacher)
    assert difference[5] > 3.0 * difference[:5].max()


@pytest.mark.parametrize("name", ["sac", "td3"])
def test_equal_weights_are_plain_distillation_and_the_gradient_is_that_of_the_loss(name: str) -> None:
    """Against autograd: ``lambda sum_j D_j`` and nothing else while the critics have no say."""
    student, teacher = model(name, 1), teacher_of(model(name, 7))
    student.further_loss = DistillationLoss(teacher, torch.full((1, 6), 0.7), torch.zeros(()))
    student.learn(40)
    student.replay_buffer.gather(student._batch.whole)
    states = student._batch.observations.clone()
    free = {key: value.detach().clone().requires_grad_() for key, value in student.actor.named_parameters()}
    hidden = states
    for layer in ["latent_pi.0", "latent_pi.2"] if name == "sac" else ["mu.0", "mu.2"]:
        hidden = torch.relu(hidden @ free[f"{layer}.weight"].t() + free[f"{layer}.bias"])
    heads = ["mu", "log_std"] if name == "sac" else ["mu.4"]
    found = [hidden @ free[f"{head}.weight"].t() + free[f"{head}.bias"] for head in heads]
    if name == "sac":
        loss = 0.7 * divergence(*found, *teacher(states), torch.ones(1, 6))
        normal = torch.distributions.Normal
        (mean, log_std), (target, log_target) = found, teacher(states)
        plain = torch.distributions.kl_divergence(
            normal(target, log_target.exp()), normal(mean, log_std.exp())
        )
        torch.testing.assert_close(loss, 0.7 * plain.sum(1).mean())
    else:
        loss = 0.7 * ((found[0].tanh() - teacher(states)[0].tanh()) ** 2).sum(1).mean()
    loss.backward()
    student._update(*(((0.0, 0.0),) if name == "sac" else ((0.0, 0.0), True)))
    for key, parameter in student.actor.named_parameters():
        torch.testing.assert_close(parameter.grad, free[key].grad, rtol=2e-4, atol=1e-7)


def test_without_a_say_the_teacher_changes_nothing() -> None:
    """As it is at the end of the schedule."""
    plain = model("sac", 1)
    plain.learn(80)
    over = TransferConfig(warm_up=0, anneal=0, strength=0.0)
    student, _ = taught("sac", np.ones(6), 80, over)
    for one, other in zip(plain.policy.parameters(), student.policy.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_schedule_ends() -> None:
    student = model("td3", 1)
    distillation = Distillation(student, teacher_of(model("td3", 7)), np.ones(6), 2.0, 300, 1000)
    loss = student.further_loss
    said = []
    for step in (0, 299, 300, 800, 1300, 5000):
        student.num_timesteps = step
        distillation.update()
        said.append((distillation.coefficient, float(loss.critic_weight)))
        assert (student.further_loss is None) == (step >= 1300)  # then an update costs no more than without
        if student.further_loss is not None:
            np.testing.assert_allclose(loss.weights, distillation.coefficient)
    assert said == [(2, 0), (2, 0), (2, 1), (1, 1), (0, 1), (0, 1)]


def test_a_teacher_with_connections_teaches_a_student_without() -> None:
    connected = model("sac", 7, method=LCRLConfig(head=[4, 4], edges="all"))
    student = model("sac", 1)
    assert isinstance(student, Learner)
    teacher = teacher_of(connected)
    distil(student, teacher, np.ones(6), 800, ALWAYS)
    after = apart(student, teacher).mean()
    student.policy = model("sac", 1).policy
    assert after < 0.3 * apart(student, teacher).mean()

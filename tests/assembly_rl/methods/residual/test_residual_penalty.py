"""Penalty of a residual policy, its initial networks, and the schedule of a training."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import DummyVecEnv

from assembly_rl.controllers.guidance import GuidanceConfig
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.learners.actor import extract_actor
from assembly_rl.learners.config import DDPGConfig, PPOConfig, SACConfig, TD3Config
from assembly_rl.learners.environments import make_environments
from assembly_rl.learners.layers import actors_with_targets
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.residual.config import ResidualConfig
from assembly_rl.methods.residual.method import Penalty, ResidualPhases
from assembly_rl.runs import RunDirectory
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import TrainingContext
from assembly_rl.training.model import make_model

BASED = TaskConfig(base=GuidanceConfig("reflex"))


def test_the_gradients_are_those_of_autograd() -> None:
    penalty = Penalty(torch.device("cpu"))
    penalty.weight.fill_(3.0)
    mean = torch.randn(32, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (3.0 * mean.tanh().square().sum(1).mean()).backward()
    assert mean.grad is not None
    log_std = torch.zeros(32, 6)
    by_mean, by_log_std = penalty.gaussian_gradients(torch.zeros(32, 1), mean.detach(), log_std)
    torch.testing.assert_close(by_mean, mean.grad)
    assert not by_log_std.any()
    actions = mean.detach().tanh().requires_grad_()
    (3.0 * actions.square().sum(1).mean()).backward()
    torch.testing.assert_close(penalty.action_gradient(torch.zeros(32, 1), actions.detach()), actions.grad)


@pytest.mark.parametrize("algo", [SACConfig(critics=3), TD3Config(), DDPGConfig()])
def test_it_begins_as_the_base(algo: SACConfig | TD3Config | DDPGConfig) -> None:
    own = ResidualConfig(deviation=0.1)
    environments = DummyVecEnv([lambda: PegInHoleEnv(task=BASED)])
    model = make_model(algo, environments, 0, method=own)
    observations = np.random.default_rng(0).uniform(-1.0, 1.0, (50, 42)).astype(np.float32)
    actor = extract_actor(model.policy)
    assert max(np.abs(actor(observation)).max() for observation in observations) < 0.05
    for found in actors_with_targets(model.policy):
        if isinstance(found.log_std, torch.nn.Linear):
            torch.testing.assert_close(found.log_std.bias, torch.full((6,), math.log(0.1)))
    networks = len(model.policy.critic.q_networks)
    assert networks == {"sac": 3, "td3": 2, "ddpg": 1}[algo.name]
    environments.close()


def test_a_training_needs_a_base() -> None:
    with pytest.raises(ValueError, match="method=residual needs a controller whose actions it adds to"):
        TrainConfig(method=ResidualConfig())


def test_it_learns_from_a_replay_buffer() -> None:
    with pytest.raises(ValueError, match="algo=sac, td3 or ddpg, not with algo=ppo"):
        TrainConfig(task=BASED, method=ResidualConfig(), algo=PPOConfig())


def test_the_penalty_does_not_grow() -> None:
    with pytest.raises(ValueError, match="method.floor=2.0 must be <= method.strength=1.0"):
        ResidualConfig(strength=1.0, floor=2.0)


@pytest.mark.parametrize("algo", [SACConfig(averaged_over=50), TD3Config(averaged_over=50), DDPGConfig()])
def test_after_an_episode_that_fails_it_comes_nearer_to_the_base(
    algo: SACConfig | TD3Config | DDPGConfig, tmp_path: Path
) -> None:
    config = TrainConfig(
        task=BASED, method=ResidualConfig(retreat=0.25), algo=replace(algo, learning_starts=0)
    )
    model = make_model(config.algo, make_environments(PegHole(), BASED, 1), 0, method=config.method)
    assert isinstance(model, Learner)
    model.learn(40)
    phases = ResidualPhases(
        config.method, TrainingContext(RunDirectory(tmp_path, {}), config, model, (), lambda text: None)
    )
    observation = np.random.default_rng(0).uniform(-1.0, 1.0, 42).astype(np.float32)

    def before_tanh() -> list[np.ndarray]:
        own = np.arctanh(extract_actor(model.policy)(observation))
        with model.averaged():
            return [own, np.arctanh(extract_actor(model.policy)(observation))]

    before = before_tanh()
    phases.after_step([{}, {"result": "success", "is_success": True}])
    np.testing.assert_array_equal(before_tanh(), before)
    phases.after_step([{"result": "timeout", "is_success": False}, {}])
    np.testing.assert_allclose(before_tanh(), 0.25 * np.array(before), rtol=1e-3)
    assert np.abs(before).min() > 1e-5
    phases.after_step(2 * [{"result": "timeout", "is_success": False}])
    np.testing.assert_allclose(before_tanh(), 0.25**3 * np.array(before), rtol=1e-3, atol=1e-7)

import numpy as np
import pytest
import stable_baselines3
import torch
from stable_baselines3.common.vec_env import DummyVecEnv

from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.learners.actor import extract_actor, require_readable
from assembly_rl.learners.config import ALGORITHMS
from assembly_rl.learners.environments import make_environments
from assembly_rl.training.model import make_model


@pytest.fixture(scope="module")
def environments() -> DummyVecEnv:
    return make_environments(PegHole(), TaskConfig(), 1)


@pytest.mark.parametrize("name", ALGORITHMS.names())
def test_actor_without_torch_acts_as_the_policy(environments: DummyVecEnv, name: str) -> None:
    model = make_model(ALGORITHMS.get(name)(network=[32, 16]), environments, seed=1)
    actor = extract_actor(model.policy)
    rng = np.random.default_rng(0)
    for _ in range(50):
        observation = rng.uniform(-3.0, 3.0, 42).astype(np.float32)
        expected, _ = model.policy.predict(observation, deterministic=True)
        assert np.clip(actor(observation), -1.0, 1.0) == pytest.approx(expected, abs=2e-6)


def test_ddpg_actor_has_its_own_learning_rate(environments: DummyVecEnv) -> None:
    rates = {"actor_learning_rate": 1e-4, "learning_rate": 5e-4}
    config = ALGORITHMS.get("ddpg")(network=[8], batch_size=8, learning_starts=8, **rates)
    model = make_model(config, environments, seed=1)
    model.learn(12)
    assert [group["lr"] for group in model.actor.optimizer.param_groups] == [1e-4]
    assert [group["lr"] for group in model.critic.optimizer.param_groups] == [5e-4]


def test_as_many_gradient_steps_as_asked_for_each_policy_step() -> None:
    config = ALGORITHMS.get("sac")(network=[8], batch_size=8, learning_starts=4, gradient_steps=3)
    environments = make_environments(PegHole(), TaskConfig(), 2)
    model = make_model(config, environments, seed=1)
    model.learn(10)
    environments.close()
    assert model._n_updates == 3 * (10 - 4)


def test_unknown_policy_is_refused(environments: DummyVecEnv) -> None:
    model = make_model(ALGORITHMS.get("td3")(network=[8]), environments, seed=1)
    with pytest.raises(TypeError, match="no actor is known for Actor"):
        extract_actor(model.policy.actor)


def test_activations_that_weights_do_not_tell_are_refused(environments: DummyVecEnv) -> None:
    other = stable_baselines3.PPO("MlpPolicy", environments, policy_kwargs={"activation_fn": torch.nn.ReLU})
    with pytest.raises(TypeError, match="keep the policy's defaults"):
        require_readable(other.policy)
    require_readable(stable_baselines3.PPO("MlpPolicy", environments).policy)

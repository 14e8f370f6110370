"""The best policy of a run as a model of stable-baselines3, beside the policy itself."""

import random
import re
from pathlib import Path

import numpy as np
import pytest
import stable_baselines3
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.evaluation import evaluate_policy

import assembly_rl as arl
from assembly_rl.runs.checkpoint import read_policy
from assembly_rl.training.config import EvaluationConfig

OFF_POLICY = ["algo.learning_starts=20", "algo.batch_size=16", "algo.network=[16,8]"]
ON_POLICY = ["algo.rollout=40", "algo.batch_size=20", "algo.epochs=2", "algo.network=[16,8]"]
TRAININGS = {
    "sac": ("SAC", ["algo=sac", *OFF_POLICY]),
    "sac_asymmetric": ("SAC", ["algo=sac", "algo.asymmetric=true", *OFF_POLICY]),
    "sac_symmetrized": ("SAC", ["algo=sac", "algo.symmetric=true", "algo.symmetrized=true", *OFF_POLICY]),
    "td3": ("TD3", ["algo=td3", *OFF_POLICY]),
    "ddpg": ("DDPG", ["algo=ddpg", *OFF_POLICY]),
    "ppo": ("PPO", ["algo=ppo", *ON_POLICY]),
}


@pytest.fixture(scope="module", params=TRAININGS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> arl.Run:
    config = arl.make_config(
        *TRAININGS[request.param][1],
        "task.limits.time=0.5",
        steps=80,
        evaluation=EvaluationConfig(every=80, episodes=1, held_out=1),
        pictures=False,
    )
    return arl.train(config, run_dir=tmp_path_factory.mktemp("runs") / request.param, processes=1)


def largest_difference(policy: arl.Policy, model: BaseAlgorithm) -> float:
    """Largest difference of an action over an episode that the policy drives."""
    environment = arl.make_env(policy.config)
    observation, info = environment.reset(seed=7)
    differences = []
    while "result" not in info:
        action = policy.act(observation)
        predicted, _ = model.predict(observation, deterministic=True)
        assert predicted.shape == action.shape and predicted.dtype == action.dtype
        differences.append(float(np.abs(predicted - action).max()))
        observation, _, _, _, info = environment.step(action)
    environment.close()
    assert len(differences) == 10 and np.abs(action).max() > 0.01
    return max(differences)


def test_the_model_acts_as_the_policy_does(run: arl.Run, tmp_path: Path) -> None:
    policy, model = run.policy(), arl.load_model(run.path)
    kind = getattr(stable_baselines3, TRAININGS[run.path.name][0])
    assert type(model) is kind
    assert largest_difference(policy, model) < 1e-6
    model.save(tmp_path / "model.zip")
    assert largest_difference(policy, kind.load(tmp_path / "model.zip")) < 1e-6
    rewards, lengths = evaluate_policy(model, model.get_env(), 1, return_episode_rewards=True)
    assert lengths == [10] and np.isfinite(rewards).all()


def test_the_spread_of_its_actions_is_that_of_the_training(run: arl.Run) -> None:
    state = arl.load_model(run.path).policy.state_dict()
    trained = read_policy(run.path / "checkpoints" / "best")
    names = [name for name in trained if "log_std" in name]
    assert bool(names) == (run.path.name in ("sac", "sac_asymmetric", "sac_symmetrized", "ppo"))
    if run.path.name == "sac_symmetrized":  # its average is equal in x and y, and about them
        x, y, z, rx, ry, rz = trained["actor.log_std.bias"]
        force, moment = (x + y) / 2.0, (rx + ry) / 2.0
        averaged = torch.stack([force, force, z, moment, moment, rz])
        torch.testing.assert_close(state["actor.log_std.bias"], averaged)
        return
    for name in names:
        assert torch.equal(state[name], trained[name]), name


def test_random_generators_stay_as_they_are(run: arl.Run) -> None:
    before = random.getstate(), np.random.get_state(legacy=False), torch.get_rng_state()
    arl.load_model(run.path)
    assert random.getstate() == before[0]
    assert str(np.random.get_state(legacy=False)) == str(before[1])
    assert torch.equal(torch.get_rng_state(), before[2])


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape("is not a run: a run is a folder with a run.json")):
        arl.load_model(tmp_path)

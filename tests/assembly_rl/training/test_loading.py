"""Policies come from files alone: the same function, no simulator, and no random number drawn."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import VecEnv

from assembly_rl.configuration.composition import train_config
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.learners.actor import ActorWeights, extract_actor
from assembly_rl.learners.config import AlgorithmConfig, DDPGConfig, PPOConfig, SACConfig, TD3Config
from assembly_rl.learners.environments import make_environments
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.lcrl.connections import connect
from assembly_rl.methods.lcrl_pead.config import LCRLPEADConfig
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.methods.pead.grouping import parse
from assembly_rl.methods.pead.policy import start
from assembly_rl.runs import RunDirectory, RunError, save_policy
from assembly_rl.runs.checkpoint import read_policy
from assembly_rl.training.create import create_run, prepare
from assembly_rl.training.loading import load_actor, load_policy, read_config
from assembly_rl.training.method import DenseConfig, MethodConfig
from assembly_rl.training.model import make_model
from assembly_rl.training.trainer import train_run

torch.set_num_threads(1)
QUICK: dict[str, Any] = {"batch_size": 16, "network": [12, 8]}
ALGORITHMS: dict[str, AlgorithmConfig] = {
    "ddpg": DDPGConfig(**QUICK, learning_starts=20),
    "td3": TD3Config(**QUICK, learning_starts=20),
    "sac": SACConfig(**QUICK, learning_starts=20),
    "ppo": PPOConfig(**QUICK, rollout=32, epochs=2),
}
METHODS: dict[str, MethodConfig] = {
    "dense": DenseConfig(),
    "masks": LCRLConfig(head=[5, 4]),
    "groups": PEADConfig(),
    "masks and groups": LCRLPEADConfig(head=[5, 4]),
}
EDGES = np.random.default_rng(0).random((42, 6)) < 0.4
GROUPS = parse(["x -y", "rx ry rz"], None)


@pytest.fixture(scope="module")
def environments() -> Iterator[VecEnv]:
    made = make_environments(PegHole(), TaskConfig(), 1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    config, methods = prepare(
        train_config(
            "algo=td3", "algo.network=[8]", "algo.batch_size=16", "algo.learning_starts=20", "steps=40",
            "checkpoint_every=40", "evaluation.every=40", "evaluation.episodes=1", "evaluation.held_out=1",
            "pictures=false", "task.limits.time=0.5",
        )
    )  # fmt: skip
    run = create_run(config, methods, tmp_path_factory.mktemp("loading") / "run")
    train_run(run, config, processes=1)
    return run


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_actor_in_a_file_is_that_of_the_policy(
    environments: VecEnv, name: str, method: str, tmp_path: Path
) -> None:
    model: Any = make_model(ALGORITHMS[name], environments, 0, method=METHODS[method])
    if "groups" in method:
        start(model, GROUPS)
    if "masks" in method:
        edges = EDGES.copy()
        edges[:, 1], edges[:, 4], edges[:, 5] = EDGES[:, 0], EDGES[:, 3], EDGES[:, 3]
        connect(model, edges if "groups" in method else EDGES)
    if isinstance(model, Learner):
        model.bind()
    model.learn(64)
    save_policy(model.policy, tmp_path / "best")
    expected = extract_actor(model.policy)
    for state in (model.policy.state_dict(), read_policy(tmp_path / "best")):
        found = ActorWeights.from_state(state).network()
        assert len(found.layers) == len(expected.layers)
        for own, other in zip(found.layers, expected.layers, strict=True):
            np.testing.assert_array_equal(own[0], other[0])
            np.testing.assert_array_equal(own[1], other[1])
            assert own[2] == other[2]
    observation = np.random.default_rng(1).uniform(-2.0, 2.0, 42).astype(np.float32)
    action, _ = model.policy.predict(observation, deterministic=True)
    assert np.clip(found(observation), -1.0, 1.0) == pytest.approx(action, abs=2e-6)


def test_another_policy_is_refused() -> None:
    with pytest.raises(TypeError, match=r"no actor is known in a policy with q_net\.weight, \.\.\."):
        ActorWeights.from_state({"q_net.weight": torch.zeros(2, 2)})


def test_a_run_gives_the_policy_that_was_kept(run: RunDirectory, environments: VecEnv) -> None:
    model = make_model(read_config(run).algo, environments, 5)
    model.policy.load_state_dict(read_policy(run.best))
    expected = extract_actor(model.policy)
    for loaded in (load_policy(run), load_policy(run.path), load_policy(str(run.path))):
        for own, other in zip(loaded.actor.layers, expected.layers, strict=True):
            np.testing.assert_array_equal(own[0], other[0])


def test_loading_leaves_random_numbers_alone(run: RunDirectory) -> None:
    random.seed(3)
    np.random.seed(3)
    torch.manual_seed(3)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    load_policy(run)
    load_actor(run)
    read_config(run)
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert after == before


def test_loading_makes_no_environment_and_connects_to_no_simulator(run: RunDirectory) -> None:
    code = f"""
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.envs.physics.bullet.library import pybullet
from assembly_rl.training import loading

def refuse(*arguments, **options):
    raise AssertionError("something is simulated")

pybullet.connect = PegInHoleEnv.__init__ = refuse
loading.load_policy({str(run.path)!r})
loading.load_actor(loading.RunDirectory.open({str(run.path)!r}))
loading.read_config(loading.RunDirectory.open({str(run.path)!r}))
assert not any(pybullet.isConnected(number) for number in range(10))
print("loaded")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=1800)
    assert done.stdout.strip() == "loaded", done.stderr


def test_a_run_without_a_policy_says_so(run: RunDirectory, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "best")
    with pytest.raises(RunError, match="has no best policy yet: let its training come to a validation"):
        load_policy(tmp_path / "run")
    with pytest.raises(RunError, match="nowhere is not a run"):
        load_policy(tmp_path / "nowhere")

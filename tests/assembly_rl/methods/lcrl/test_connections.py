"""Action components do not depend on what they are not connected with, before, during and after learning."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from quick_task import QUICK_TASK

from assembly_rl.envs import PegHole
from assembly_rl.learners.actor import extract_actor
from assembly_rl.learners.config import DDPGConfig, PPOConfig, SACConfig, TD3Config
from assembly_rl.learners.environments import make_environments
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.lcrl.connections import connect
from assembly_rl.runs import load_policy, save_policy
from assembly_rl.training.model import make_model

torch.set_num_threads(1)
QUICK = {"batch_size": 16, "network": [8]}
ALGORITHMS = {
    "sac": SACConfig(**QUICK, learning_starts=20),
    "td3": TD3Config(**QUICK, learning_starts=20),
    "ddpg": DDPGConfig(**QUICK, learning_starts=20),
    "ppo": PPOConfig(**QUICK, rollout=32, epochs=2),
}
METHOD = LCRLConfig(head=[5, 4])
EDGES = np.random.default_rng(0).random((18, 6)) < 0.4


def model(name: str) -> Any:
    made = make_model(ALGORITHMS[name], make_environments(PegHole(), QUICK_TASK, 1), 0, method=METHOD)
    connect(made, EDGES)
    return made


def sensitivity(policy: Any) -> np.ndarray:
    """(states, actions) derivatives of the deterministic action, largest over states."""
    states = torch.randn(20, 18, requires_grad=True)
    if hasattr(policy, "actor_target"):
        actions = policy.actor(states)
    elif hasattr(policy, "actor"):
        actions = policy.actor(states, deterministic=True)
    else:
        actions = policy.get_distribution(states).mode()
    columns = [torch.autograd.grad(actions[:, k].sum(), states, retain_graph=True)[0] for k in range(6)]
    return torch.stack([column.abs().amax(0) for column in columns], 1).numpy()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_action_ignores_what_it_is_not_connected_with(name: str) -> None:
    learner = model(name)
    before = sensitivity(learner.policy)
    learner.learn(96)
    after = sensitivity(learner.policy)
    for found in (before, after):
        assert not found[~EDGES].any()  # exactly zero
        assert (found[EDGES] > 0.0).mean() > 0.9
    assert np.abs(after - before)[EDGES].max() > 1e-4
    actor = extract_actor(learner.policy)
    inputs = np.zeros((18, 18), dtype=np.float32)
    np.fill_diagonal(inputs, 1.0)
    changed = np.array([actor(row) for row in inputs]) - actor(np.zeros(18, dtype=np.float32))
    assert not changed[~EDGES].any()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_saved_policy_has_its_connections(name: str, tmp_path: Path) -> None:
    learner = model(name)
    learner.learn(64)
    save_policy(learner.policy, tmp_path / "best")
    fresh = make_model(ALGORITHMS[name], make_environments(PegHole(), QUICK_TASK, 1), 1, method=METHOD)
    load_policy(fresh.policy, tmp_path / "best")
    np.testing.assert_array_equal(sensitivity(fresh.policy) > 0.0, sensitivity(learner.policy) > 0.0)
    fresh.learn(64)
    assert not sensitivity(fresh.policy)[~EDGES].any()


def test_a_new_graph_takes_edges_away_for_good() -> None:
    """Adam's momentum must not bring them back."""
    learner = model("sac")
    learner.learn(64)
    fewer = EDGES & (np.random.default_rng(1).random(EDGES.shape) < 0.5)
    connect(learner, fewer)
    learner.bind()
    learner.learn(32, reset_num_timesteps=False)
    assert not sensitivity(learner.policy)[~fewer].any()


@pytest.mark.parametrize("name", ["sac", "td3", "ddpg"])
def test_the_averaged_actor_has_only_the_edges_of_the_graph(name: str) -> None:
    """It is an average over steps of which some were before the graph."""
    algo = replace(ALGORITHMS[name], averaged_over=50)
    learner: Any = make_model(algo, make_environments(PegHole(), QUICK_TASK, 1), 0, method=METHOD)
    learner.learn(64)
    connect(learner, EDGES)
    learner.bind()
    for _ in range(2):
        with learner.averaged():
            found = sensitivity(learner.policy)
        assert not found[~EDGES].any()  # exactly zero
        assert (found[EDGES] > 0.0).mean() > 0.9
        learner.learn(16, reset_num_timesteps=False)


def test_a_graph_of_other_states_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a network of 18 inputs .* does not fit a graph of \(12, 6\)"):
        connect(model("td3"), EDGES[:12])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_critics_see_what_an_action_component_sees(name: str, tmp_path: Path) -> None:
    edges = EDGES.copy()
    edges[[2, 7, 17]] = False
    unseen = ~edges.any(1)

    def slopes(policy: Any) -> list[np.ndarray]:
        states, actions = torch.randn(20, 18, requires_grad=True), torch.randn(20, 6)
        if name == "ppo":
            values = [policy.predict_values(states)]
        else:
            values = [of for part in (policy.critic, policy.critic_target) for of in part(states, actions)]
        return [
            torch.autograd.grad(value.sum(), states, retain_graph=True)[0].abs().amax(0).numpy()
            for value in values
        ]

    learner: Any = make_model(ALGORITHMS[name], make_environments(PegHole(), QUICK_TASK, 1), 0, method=METHOD)
    learner.learn(64)  # its momentum must not bring the connections back
    connect(learner, edges, critics="seen")
    if name != "ppo":
        learner.bind()
    learner.learn(64, reset_num_timesteps=False)
    save_policy(learner.policy, tmp_path / "best")
    fresh: Any = make_model(ALGORITHMS[name], make_environments(PegHole(), QUICK_TASK, 1), 1, method=METHOD)
    load_policy(fresh.policy, tmp_path / "best")
    for policy in (learner.policy, fresh.policy):
        for slope in slopes(policy):
            assert not slope[unseen].any()  # exactly zero
            assert (slope[~unseen] > 0.0).all()
        assert not sensitivity(policy)[~edges].any()

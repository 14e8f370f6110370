"""A policy with action groups is one of fewer dimensions; an extension changes what it can become, only."""

from typing import Any

import numpy as np
import pytest
import torch
from quick_task import QUICK_TASK

from assembly_rl.envs import PegHole
from assembly_rl.learners.action_groups import action_groups
from assembly_rl.learners.actor import extract_actor
from assembly_rl.learners.config import DDPGConfig, PPOConfig, SACConfig, TD3Config
from assembly_rl.learners.environments import make_environments
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.lcrl.connections import (
    connect,
    connected,
    leading_components,
    shared_by_groups,
    split,
)
from assembly_rl.methods.lcrl_pead.config import LCRLPEADConfig
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.methods.pead.grouping import FULL, Grouping, parse
from assembly_rl.methods.pead.policy import penalise, redraw, regroup, start
from assembly_rl.training.model import make_model

torch.set_num_threads(1)
QUICK = {"batch_size": 16, "network": [12, 8]}
ALGORITHMS = {
    "sac": SACConfig(**QUICK, learning_starts=20),
    "td3": TD3Config(**QUICK, learning_starts=20),
    "ddpg": DDPGConfig(**QUICK, learning_starts=20),
    "ppo": PPOConfig(**QUICK, rollout=32, epochs=2),
}
SCALES = [5.0, 5.0, 8.0, 0.15, 0.15, 0.15]
FIRST, SECOND = parse(["x -y", "rx ry rz"], SCALES), parse(["x", "y", "z", "rx ry", "rz"], SCALES)
STATES = np.random.default_rng(0).normal(size=(40, 18)).astype(np.float32)


def learner(name: str, grouping: Grouping = FIRST) -> Any:
    model = make_model(ALGORITHMS[name], make_environments(PegHole(), QUICK_TASK, 1), 0, method=PEADConfig())
    start(model, grouping)
    return model


def actions(model: Any) -> np.ndarray:
    actor = extract_actor(model.policy)
    return np.array([actor(state) for state in STATES])


def values(model: Any, taken: np.ndarray) -> np.ndarray:
    """Of the critics (critics, rows), or of PPO's value network."""
    with torch.no_grad():
        if name_of(model) == "PPO":
            return model.policy.predict_values(torch.from_numpy(STATES)).numpy().T
        found = model.critic(torch.from_numpy(STATES), torch.from_numpy(taken.astype(np.float32)))
        return torch.stack(found).numpy()[..., 0]


def name_of(model: Any) -> str:
    return type(model).__name__


def extend(model: Any, grouping: Grouping) -> None:
    regroup(model, grouping)
    if isinstance(model, Learner):
        model.bind()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_grouped_components_move_as_one_while_they_learn(name: str) -> None:
    model = learner(name)
    before = actions(model)
    model.learn(96)
    after = actions(model)
    assert np.abs(after - before).max() > 1e-3
    weight, bias, _ = extract_actor(model.policy).layers[-1]
    for own in (weight, bias[:, None]):  # to the last bit
        np.testing.assert_array_equal(own[1], -own[0])
        np.testing.assert_array_equal(own[2], 0.0)
        np.testing.assert_array_equal(own[[4, 5]], own[[3, 3]])
    for found in (before, after):  # to rounding: a matrix product may sum its rows in different orders
        np.testing.assert_allclose(found[:, 1], -found[:, 0], rtol=0.0, atol=1e-6)
        np.testing.assert_array_equal(found[:, 2], 0.0)
        np.testing.assert_allclose(found[:, [4, 5]], found[:, [3, 3]], rtol=0.0, atol=1e-6)
    if name != "ppo":  # what was tried lies in the subspace, too
        tried = model.replay_buffer.actions[:96, 0]
        np.testing.assert_allclose(tried @ FIRST.projection, tried, atol=1e-6)
        assert (np.abs(tried[:, 2]) == 0.0).all() and np.ptp(tried[:, 0]) > 0.1


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_extension_changes_neither_actions_nor_values(name: str) -> None:
    model = learner(name)
    model.learn(96)
    reachable = np.random.default_rng(1).uniform(-1.0, 1.0, (40, 2)) @ FIRST.matrix.T
    before = actions(model), values(model, reachable)
    for grouping in (SECOND, FULL):
        extend(model, grouping)
        np.testing.assert_array_equal(actions(model), before[0])
        np.testing.assert_array_equal(values(model, reachable), before[1])
    if name != "ppo":  # of what could not be reached the critics know nothing
        offset = np.random.default_rng(2).uniform(-0.3, 0.3, (40, 6)) @ (np.eye(6) - FIRST.projection)
        np.testing.assert_allclose(values(model, reachable + offset), before[1], atol=2e-5)
    model.learn(96, reset_num_timesteps=False)
    found = actions(model)
    assert np.abs(found[:, 1] + found[:, 0]).max() > 1e-4
    assert np.abs(found[:, 2]).max() > 1e-4
    assert np.abs(found[:, 4] - found[:, 5]).max() > 1e-4


@pytest.mark.parametrize("name", ["sac", "td3"])
def test_the_gradient_is_that_of_a_policy_in_these_dimensions(name: str) -> None:
    """Against autograd, with the outputs as functions of those of each dimension's first component."""
    model = learner(name, parse(["x -y", "z", "rx ry rz"], SCALES))
    model.learn(40)
    before = parse(["x -y z", "ry rz"], SCALES)
    penalise(model, before, 0.7)
    groups = action_groups(model.policy)
    assert groups is not None
    follow, shares = groups.leaders, groups.shares
    generator = torch.get_rng_state()
    model.replay_buffer.gather(model._batch.whole)
    states = model._batch.observations.clone()
    free = {key: value.detach().clone() for key, value in model.actor.named_parameters()}
    torch.set_rng_state(generator)
    layers = ["latent_pi.0", "latent_pi.2"] if name == "sac" else ["mu.0", "mu.2"]
    outputs = {"mu": follow, "log_std": follow.abs()} if name == "sac" else {"mu.4": follow}
    for value in free.values():
        value.requires_grad_()
    hidden = states
    for layer in layers:
        hidden = torch.relu(hidden @ free[f"{layer}.weight"].t() + free[f"{layer}.bias"])
    found = []
    for layer, matrix in outputs.items():
        rest = free[f"{layer}.bias"].detach() * (matrix.abs().sum(1) == 0)
        found.append(hidden @ (matrix @ free[f"{layer}.weight"]).t() + matrix @ free[f"{layer}.bias"] + rest)
    if name == "sac":
        noise = torch.randn(states.shape[0], 6) @ follow.t()
        mean, log_std = found
        taken = torch.tanh(mean + log_std.exp() * noise)
        density = -0.5 * noise**2 - log_std - 0.5 * np.log(2 * np.pi) - torch.log(1 - taken**2 + 1e-6)
        cost = 0.02 * density @ shares
        loss = (cost - torch.min(*model.critic(states, taken))).mean()
    else:
        loss = -model.critic.q1_forward(states, torch.tanh(found[0])).mean()
    beyond = torch.from_numpy(np.eye(6, dtype=np.float32) - before.projection)
    loss = loss + 0.7 * ((found[0] @ beyond) ** 2).sum(1).mean()
    loss.backward()

    torch.set_rng_state(generator)
    model._update(*(((0.0, 0.0),) if name == "sac" else ((0.0, 0.0), True)))
    leaders = np.unique(parse(["x -y", "z", "rx ry rz"], SCALES).leaders)
    for key, parameter in model.actor.named_parameters():
        expected, actual = free[key].grad, parameter.grad
        if key.rpartition(".")[0] in outputs:
            expected, actual = expected[leaders], actual[leaders]
        torch.testing.assert_close(actual, expected, rtol=2e-4, atol=1e-7)


def test_a_restart_draws_everything_anew() -> None:
    for name in ("td3", "ppo"):
        model = learner(name)
        model.learn(64)
        before = actions(model)
        redraw(model)
        start(model, FULL)
        assert np.abs(actions(model) - before).max() > 1e-3
        if name == "td3":
            assert not model.actor.optimizer.state
            for own, target in zip(model.critic.parameters(), model.critic_target.parameters(), strict=True):
                torch.testing.assert_close(own, target)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_heads_that_were_shared_are_copied_when_they_part(name: str) -> None:
    method = LCRLPEADConfig(head=[5, 4], edges="physics")
    model: Any = make_model(ALGORITHMS[name], make_environments(PegHole(), QUICK_TASK, 1), 0, method=method)
    edges = np.random.default_rng(3).random((18, 6)) < 0.3
    start(model, FIRST)
    seen = shared_by_groups(edges, model.policy)
    np.testing.assert_array_equal(seen[:, 0], edges[:, 0] | edges[:, 1])
    np.testing.assert_array_equal(seen[:, 2], edges[:, 2])
    connect(model, seen)
    np.testing.assert_array_equal(connected(model), seen)
    model.learn(96)
    before, moments = actions(model), _moments(model)
    np.testing.assert_array_equal(before[:, 1], -before[:, 0])
    for grouping in (SECOND, FULL):
        old = leading_components(model.policy)
        regroup(model, grouping)
        split(model, old, leading_components(model.policy))
        connect(model, seen)
        np.testing.assert_allclose(actions(model), before, rtol=1e-5, atol=1e-6)
    assert _moments(model) > moments  # copied, too
    if isinstance(model, Learner):
        model.bind()
    model.learn(96, reset_num_timesteps=False)
    after = actions(model)
    assert np.abs(after[:, 1] + after[:, 0]).max() > 1e-5
    inputs = torch.eye(18, requires_grad=False).numpy()
    actor = extract_actor(model.policy)
    changed = np.array([actor(row) for row in inputs]) - actor(np.zeros(18, np.float32))
    assert not changed[~seen].any()


def _moments(model: Any) -> float:
    optimizer = getattr(model.policy, "optimizer", None) or model.policy.actor.optimizer
    return float(sum(state["exp_avg_sq"].sum() for state in optimizer.state.values()))


@pytest.mark.parametrize("name", ["sac", "td3"])
def test_what_begins_to_move_learns_at_the_pace_of_the_rest(name: str) -> None:
    """Where Adam's second moments are still zero, its steps would be several times its learning rate."""
    model = learner(name)
    model.learn(520)
    extend(model, SECOND)
    key = {"sac": "actor.mu.weight", "td3": "actor.mu.4.weight"}[name]
    before = {of: value.detach().clone() for of, value in model.policy.named_parameters()}
    model.learn(12, reset_num_timesteps=False)
    moved = {of: (value.detach() - before[of]).abs() for of, value in model.policy.named_parameters()}
    print(name, moved[key].amax(1), moved["critic.qf0.0.weight"][:, 18:].amax(0))
    assert 0.0 < moved[key][2].max() < 2.0 * moved[key][[0, 1, 3]].max()
    columns = moved["critic.qf0.0.weight"][:, 18:].amax(0)
    assert 0.0 < columns[2] < 2.0 * columns[[0, 1, 3, 4, 5]].max()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_penalty_holds_back_what_is_new_and_nothing_else(name: str) -> None:
    beyond = np.eye(6) - FIRST.projection
    moved = {}
    for strength in (0.0, 100.0):
        model = learner(name)
        model.learn(96)
        before = actions(model)
        extend(model, FULL)
        penalise(model, FIRST, strength)
        model.learn(192, reset_num_timesteps=False)
        change = actions(model) - before
        moved[strength] = np.abs(change @ beyond).mean(), np.abs(change @ FIRST.projection).mean()
    assert moved[100.0][0] < 0.5 * moved[0.0][0]
    assert moved[100.0][1] > 0.3 * moved[0.0][1]

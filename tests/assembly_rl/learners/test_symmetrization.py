"""An actor averaged over the symmetries: equivariant, an MLP of all views, learned through the average."""

from typing import Any

import numpy as np
import pytest
import torch

from assembly_rl.controllers.insertion import ObservationConfig, Observer
from assembly_rl.controllers.insertion.symmetry import symmetries
from assembly_rl.controllers.validation import AXES
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.learners.actor import ActorWeights, extract_actor
from assembly_rl.learners.config import DDPGConfig, PPOConfig, SACConfig, TD3Config
from assembly_rl.learners.environments import make_environments
from assembly_rl.learners.networks import Flat, Network, Pass, size_of
from assembly_rl.learners.symmetrization import Symmetrization, SymmetrizedPass
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.model import make_model
from assembly_rl.training.validation import policy_of

OBSERVATION = ObservationConfig(groups=["wrench", "pose", "last_action", "wrench_history", "time"], history=2)
NAMES = Observer(OBSERVATION).names
TASK = TaskConfig(observation=OBSERVATION)
COMMON: dict[str, Any] = {
    "network": [24, 16], "batch_size": 16, "learning_starts": 20, "symmetric": True, "symmetrized": True,
}  # fmt: skip
ALGORITHMS = (SACConfig(**COMMON), TD3Config(**COMMON), DDPGConfig(**COMMON))
SEEN = list(zip(symmetries(NAMES), symmetries(AXES), strict=True))


def trained(algo: SACConfig | TD3Config | DDPGConfig, asymmetric: bool = False) -> Any:
    environments = make_environments(PegHole(), TASK, 1, asymmetric)
    model = make_model(algo, environments, seed=1)
    model.learn(60)
    environments.close()
    return model


def observations(count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-2.0, 2.0, (count, len(NAMES))).astype(np.float32)


@pytest.mark.parametrize("algo", ALGORITHMS, ids=lambda algo: algo.name)
def test_the_policy_is_the_average_over_eight_views(algo: SACConfig | TD3Config | DDPGConfig) -> None:
    model = trained(algo)
    policy, own = policy_of(model).actor, extract_actor(model.policy)
    assert [len(bias) for _, bias, _ in policy.layers] == [8 * 24, 8 * 16, 6]
    for observation in observations(20):
        inner = [act.inverse()(np.arctanh(own(see(observation)))) for see, act in SEEN]
        np.testing.assert_allclose(policy(observation), np.tanh(np.mean(inner, 0)), atol=1e-6)
        assert np.abs(own(observation) - policy(observation)).max() > 1e-3


@pytest.mark.parametrize("number", range(8))
def test_the_action_turns_with_the_observation(number: int) -> None:
    model = trained(ALGORITHMS[0])
    policy, own = policy_of(model).actor, extract_actor(model.policy)
    see, act = SEEN[number]
    for observation in observations(20):
        np.testing.assert_allclose(policy(see(observation)), act(policy(observation)), atol=1e-6)
        assert number == 0 or np.abs(own(see(observation)) - act(own(observation))).max() > 1e-3


@pytest.mark.parametrize("algo", ALGORITHMS, ids=lambda algo: algo.name)
def test_in_training_it_acts_as_it_is_validated(algo: SACConfig | TD3Config | DDPGConfig) -> None:
    model, seen = trained(algo), observations(9)
    model.noise_scale = 0.0
    expected = [policy_of(model).actor(observation) for observation in seen]
    np.testing.assert_allclose(model._act(seen), expected, atol=1e-6)


def test_critics_may_see_more_than_the_averaged_actor() -> None:
    model = trained(SACConfig(**COMMON, asymmetric=True), asymmetric=True)
    policy = policy_of(model).actor
    assert policy.layers[0][0].shape == (8 * 24, len(NAMES))
    see, act = SEEN[5]
    observation = observations(1)[0]
    np.testing.assert_allclose(policy(see(observation)), act(policy(observation)), atol=1e-6)


def test_a_distribution_keeps_its_spread_and_turns_with_the_observation() -> None:
    model = trained(ALGORITHMS[0])
    actor = ActorWeights.from_state(model.policy.state_dict()).symmetrized(NAMES)
    assert isinstance(actor.log_std, tuple)
    values = torch.from_numpy(observations(1))
    own = []
    for see, act in (SEEN[0], SEEN[3]):
        hidden = torch.from_numpy(see(values.numpy()))
        for weight, bias in actor.hidden:
            hidden = torch.relu(hidden @ weight.t() + bias)
        spread = (hidden @ actor.log_std[0].t() + actor.log_std[1])[0].detach().numpy()
        own.append(spread[act.inverse().source])
    np.testing.assert_allclose(own[0], own[1], atol=1e-6)
    assert np.abs(own[0] + 3.0).max() < 10.0 and np.ptp(own[0]) > 0.0


@pytest.mark.parametrize("stochastic", [False, True])
def test_the_gradients_are_those_of_autograd_through_the_average(stochastic: bool) -> None:
    torch.manual_seed(0)
    outputs = 12 if stochastic else 6
    modules = [torch.nn.Linear(len(NAMES), 16), torch.nn.Linear(16, outputs)]
    layers = [[[module]] for module in modules]
    network = Network(layers, Flat(size_of(layers), torch.device("cpu")))
    symmetrization = Symmetrization(NAMES, stochastic)
    inputs, slope = torch.randn(10, len(NAMES)), torch.randn(7, outputs)
    own = SymmetrizedPass(symmetrization, network, inputs, learns=7)
    with torch.no_grad():
        own.forward()
        own.slope[0] = slope
        own.backward()
    found = network.flat.gradients.clone()

    total = torch.zeros(10, outputs)
    for see, act in SEEN:
        view = modules[1](torch.relu(modules[0](torch.from_numpy(see(inputs.numpy())))))
        back = act.inverse()
        source, signs = torch.from_numpy(back.source), torch.from_numpy(back.signs)
        parts = [view[:, :6][:, source] * signs, view[:, 6:][:, source] if stochastic else view[:, 6:]]
        total = total + torch.cat(parts, 1) / 8.0
    torch.testing.assert_close(own.outputs[0], total.detach())
    gradients = torch.autograd.grad(
        (total[:7] * slope).sum(), [*modules[0].parameters(), *modules[1].parameters()]
    )
    torch.testing.assert_close(found, torch.cat([gradient.ravel() for gradient in gradients]))


def test_all_rows_learn_by_default() -> None:
    layers = [[[torch.nn.Linear(len(NAMES), 6)]]]
    network = Network(layers, Flat(size_of(layers), torch.device("cpu")))
    own = SymmetrizedPass(Symmetrization(NAMES, False), network, torch.zeros(5, len(NAMES)))
    assert own.slope.shape == (1, 5, 6) and Pass(network, torch.zeros(5, len(NAMES))).slope.shape == (1, 5, 6)


def test_it_goes_with_symmetric_batches_and_dense_actors() -> None:
    with pytest.raises(ValueError, match="symmetrized=true needs algo.symmetric=true"):
        SACConfig(symmetrized=True)
    with pytest.raises(
        ValueError, match="algo.symmetrized=true goes with method=dense or residual, not with"
    ):
        TrainConfig(algo=SACConfig(symmetric=True, symmetrized=True), method=LCRLConfig())
    assert not PPOConfig().is_symmetrized


def test_an_observation_without_the_symmetry_is_refused() -> None:
    with pytest.raises(ValueError, match="no symmetry is known"):
        Symmetrization(["second_x#1"], True)

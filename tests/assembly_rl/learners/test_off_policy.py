"""The learners give the numbers of stable-baselines3: updates, actions, and what others read of them."""

from collections import Counter
from typing import Any

import gymnasium
import numpy as np
import pytest
import stable_baselines3
import torch
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import DummyVecEnv
from torch.utils._python_dispatch import TorchDispatchMode

from assembly_rl.learners import off_policy
from assembly_rl.learners.asymmetric import AsymmetricSACPolicy, AsymmetricTD3Policy
from assembly_rl.learners.networks import Flat, Network, Pass, one_dnn_width, size_of

torch.set_num_threads(1)
WIDE = one_dnn_width() or 128
ALGORITHMS = ("SAC", "TD3", "DDPG")


class Drift(gymnasium.Env):
    """Random observations; episodes end or are cut off at random."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (5,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        return self._observe(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        ends, cut = self.np_random.random(2) < 0.1
        return self._observe(), -float(np.square(action).sum()), bool(ends), bool(cut), {}

    def _observe(self) -> np.ndarray:
        return self.np_random.uniform(-1.0, 1.0, 5).astype(np.float32)


def make(
    source: Any,
    name: str,
    environments: int = 1,
    width: int = 16,
    observed: int | None = None,
    **options: Any,
) -> Any:
    policy: Any = "MlpPolicy"
    seen: dict[str, int] = {}
    if observed is not None:
        policy = AsymmetricSACPolicy if name == "SAC" else AsymmetricTD3Policy
        seen = {"observed": observed}
    noise = NormalActionNoise(np.zeros(3), np.full(3, 0.1))
    own = {"ent_coef": 0.05} if name == "SAC" else {"action_noise": noise}
    model = getattr(source, name)(
        policy, DummyVecEnv([Drift] * environments), seed=3, batch_size=24, learning_rate=3e-3,
        learning_starts=60, buffer_size=150, gamma=0.9, policy_kwargs={"net_arch": [width, width], **seen},
        train_freq=1, gradient_steps=-1, device="cpu", **own | options,
    )  # fmt: skip
    if name == "DDPG" and source is off_policy:
        model.actor_learning_rate = 3e-3  # as stock has it
    model.set_logger(Logger(None, []))
    return model


def pair(name: str, steps: int, **options: Any) -> tuple[Any, Any]:
    """Stock and ours after as many steps, each from the same state of the global generators."""
    models = []
    for source in (stable_baselines3, off_policy):
        model = make(source, name, **options)
        models.append(model.learn(steps))
    return models[0], models[1]


def weights(model: Any) -> dict[str, np.ndarray]:
    return {key: value.numpy().copy() for key, value in model.policy.state_dict().items()}


@pytest.mark.parametrize("environments, observed", [(1, None), (3, None), (2, 3)])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_training_has_the_numbers_of_stable_baselines3(
    name: str, environments: int, observed: int | None
) -> None:
    """Warm-up, then learning: all actions, all transitions and all weights, with the same random streams.

    The numbers differ by rounding, which a training amplifies: after 40 updates they still agree to 1e-3.
    """
    stock, fast = pair(name, 102, environments=environments, observed=observed)
    for column in ("observations", "next_observations", "rewards", "dones", "timeouts", "actions"):
        ours, theirs = (getattr(model.replay_buffer, column) for model in (fast, stock))
        np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=2e-4, err_msg=column)
    assert stock._n_updates == fast._n_updates >= 39
    ours, theirs, untrained = (
        weights(fast),
        weights(stock),
        weights(make(off_policy, name, observed=observed)),
    )
    for key, value in theirs.items():
        np.testing.assert_allclose(ours[key], value, rtol=0.0, atol=1e-3, err_msg=key)
        assert np.abs(ours[key] - untrained[key]).max() > 2e-3, f"{key} has not learned"


@pytest.mark.parametrize("width", [16, WIDE])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_one_update_is_equal_to_rounding(name: str, width: int) -> None:
    stock, fast = pair(name, 60, width=width)
    for model in (stock, fast):
        np.random.seed(5)
        torch.manual_seed(5)
        model.train(2, 24)
    ours, theirs = weights(fast), weights(stock)
    for key, value in theirs.items():
        np.testing.assert_allclose(ours[key], value, rtol=1e-4, atol=2e-5, err_msg=key)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_optimizers_hold_the_parameters_of_the_policy_and_their_state(name: str) -> None:
    stock, fast = pair(name, 70)
    for part in ("actor", "critic"):
        module = getattr(fast.policy, part)
        held = [p for group in module.optimizer.param_groups for p in group["params"]]
        assert {id(p) for p in held} == {id(p) for p in module.parameters()}
        ours, theirs = (
            getattr(model.policy, part).optimizer.state_dict()["state"] for model in (fast, stock)
        )
        assert set(ours) == set(theirs)
        for index, state in theirs.items():
            assert set(ours[index]) == set(state)
            for key, value in state.items():
                np.testing.assert_allclose(ours[index][key], value, rtol=2e-2, atol=1e-5, err_msg=key)


class Recorder(TorchDispatchMode):
    """Counts operators and the dtypes that they give."""

    def __init__(self) -> None:
        super().__init__()
        self.operators: Counter[str] = Counter()
        self.dtypes: set[torch.dtype] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        self.operators[function.overloadpacket.__name__] += 1
        for value in result if isinstance(result, tuple | list) else (result,):
            if isinstance(value, torch.Tensor):
                self.dtypes.add(value.dtype)
        return result


FALLBACK = {
    "inverse", "linalg_inv", "cholesky", "linalg_cholesky", "linalg_solve", "linalg_eigh", "huber_loss",
    "lgamma", "_standard_gamma", "log_normal_", "threshold_backward",
}  # fmt: skip
"""Without a kernel on an NPU: they would go through the CPU, silently."""

SYNCHRONISING = ("_local_scalar_dense", "item", "nonzero", "equal", "is_nonzero")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_hundred_updates_wait_once_and_use_no_operator_that_falls_back(name: str) -> None:
    model = make(off_policy, name)
    model.learn(60)
    model.train(1)
    with Recorder() as recorder:
        model.train(100)
    waits = sum(recorder.operators[operator] for operator in SYNCHRONISING)
    assert waits <= 2
    assert recorder.operators["_fused_adam_"] > 100  # the gate sees what is done
    assert not FALLBACK & set(recorder.operators)
    assert torch.float64 not in recorder.dtypes


def gradients(inputs: torch.Tensor, heads: list[list[Any]]) -> list[torch.Tensor]:
    """Of the sum of squared outputs, by autograd."""
    total = torch.zeros(())
    leaf = inputs.clone().requires_grad_()
    for linears in heads:
        values = leaf
        for number, linear in enumerate(linears):
            weight = linear.weight * getattr(linear, "mask", 1.0)
            values = torch.nn.functional.linear(values, weight, linear.bias)
            values = values.relu() if number < len(linears) - 1 else values
        total = total + values.square().sum()
    parameters = [p for linears in heads for linear in linears for p in linear.parameters()]
    return [*torch.autograd.grad(total, [*parameters, leaf])]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("heads", [1, 3])
@pytest.mark.parametrize("width", [8, WIDE])
@pytest.mark.parametrize("size", [6, WIDE + 7])
def test_written_out_gradients_are_those_of_autograd(size: int, heads: int, width: int, masked: bool) -> None:
    torch.manual_seed(0)
    modules = [
        [torch.nn.Linear(size, width), torch.nn.Linear(width, width), torch.nn.Linear(width, 2)]
        for _ in range(heads)
    ]
    if masked:
        for linears in modules:
            linears[1].register_buffer("mask", torch.randint(0, 2, (width, width)).float())
    layers = [[[linear] for linear in of] for of in zip(*modules, strict=True)]
    inputs = torch.randn(20, size + 3)[:, :size]  # a part of a batch, as in training
    with torch.no_grad():
        network = Network(layers, Flat(size_of(layers), torch.device("cpu")))
        through = Pass(network, inputs, learns=20, through=slice(0, size))
        through.slope.copy_(2.0 * through.forward())
        through.backward()
    found = [p.grad for linears in modules for linear in linears for p in linear.parameters()]
    for ours, theirs in zip([*found, through.input_slope], gradients(inputs, modules), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
    if masked:
        for linears in modules:
            assert not linears[1].weight[linears[1].mask == 0].any()
            assert linears[1].weight.any()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_connections_that_are_masked_stay_away(name: str) -> None:
    model = make(off_policy, name)
    first = next(module for module in model.policy.actor.modules() if isinstance(module, torch.nn.Linear))
    mask = torch.ones_like(first.weight)
    mask[:, 1] = 0.0
    mask[2:5, 3] = 0.0
    for part in (model.policy.actor, getattr(model.policy, "actor_target", None)):
        if part is not None:
            next(m for m in part.modules() if isinstance(m, torch.nn.Linear)).register_buffer("mask", mask)
    model.learn(60)
    before = first.weight.detach().clone()
    model.learn(40, reset_num_timesteps=False)
    assert not first.weight[mask == 0].any()
    assert (first.weight != before)[mask == 1].all()

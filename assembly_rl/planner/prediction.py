"""Prediction of a training's time, memory and utilisation of a device before it runs."""

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.learners.config import AlgorithmConfig, HiddenLayers
from assembly_rl.learners.environments import make_environments
from assembly_rl.learners.off_policy import Learner
from assembly_rl.planner.kernels import Kernel, record
from assembly_rl.planner.profile import Profile

COLLECTED, ROUNDS = 200, 5
"""Policy steps in a measurement of the collection time, and number of measurements."""

NEARLY = 0.05
"""Least relative gain that justifies more environments: they take memory, and learn from older samples."""

UPDATES = 2
"""Updates that are recorded: TD3's actor learns in every second one."""


@dataclass(frozen=True)
class Work:
    """Computational work of the updates of a training.

    Attributes:
        kernels: Kernels of ``count`` updates.
        count: Number of updates.
        how: Implementation of the updates: ``learner`` (this package) or ``autograd``.
        parameters: Number of trained parameters of actor and critics.
        row: Size of a transition in the replay buffer [byte].
    """

    kernels: tuple[Kernel, ...]
    count: int
    how: str
    parameters: int
    row: int

    @property
    def flops(self) -> float:
        """Floating-point operations of the matrix products of an update."""
        products = [kernel.flops for kernel in self.kernels if kernel.kind in ("matrix", "wide")]
        return sum(products) / self.count


@dataclass(frozen=True)
class Prediction:
    """Prediction for one configuration on one device; a policy step is one step of one environment.

    Attributes:
        profile: Profile of the device.
        algo: Algorithm and sizes.
        environments: Number of environments stepped together.
        collecting: Time of environment, action selection and replay buffer per policy step [s].
        update: Time of an update [s].
        updates: Updates per policy step.
        flops: Floating-point operations of the matrix products of an update.
        memory: Memory on the device [byte].
        launching: Share of launches in the time of an update.
    """

    profile: Profile
    algo: AlgorithmConfig
    environments: int
    collecting: float
    update: float
    updates: float
    flops: float
    memory: float
    launching: float

    @property
    def updating(self) -> float:
        """Time of the updates per policy step [s]."""
        return self.update * self.updates

    @property
    def utilisation(self) -> float:
        """Share of the device's peak reached by the matrix products of an update."""
        return self.flops / self.update / self.profile.peak

    @property
    def step(self) -> float:
        """Time per policy step [s]."""
        return self.collecting + self.updating


class IdleEnv(gymnasium.Env):
    """Environment that never moves, for models whose updates are counted."""

    def __init__(self, observation_space: gymnasium.Space, action_space: gymnasium.Space) -> None:
        self.observation_space, self.action_space = observation_space, action_space

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        """Return an observation of zeros."""
        super().reset(seed=seed)
        return np.zeros(self.observation_space.shape or (), np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Return an observation of zeros and no reward."""
        return np.zeros(self.observation_space.shape or (), np.float32), 0.0, False, False, {}


class ModelFactory(Protocol):
    """Builder of a model; see ``training.model.make_model``."""

    def __call__(
        self, config: AlgorithmConfig, environments: VecEnv, seed: int, device: str = "cpu"
    ) -> BaseAlgorithm:
        """Build a model of an algorithm for environments."""


def dense_model(
    config: AlgorithmConfig, environments: VecEnv, seed: int, device: str = "cpu"
) -> BaseAlgorithm:
    """Build a model with the hidden layers of the algorithm's configuration."""
    return config.create(environments, HiddenLayers(config.network, config.network), seed, device)


def learner(
    algo: AlgorithmConfig,
    observation_space: Any,
    action_space: Any,
    device: str = "cpu",
    make: ModelFactory = dense_model,
) -> Any:
    """Build a model with transitions to learn from, without a simulation.

    Args:
        algo: Algorithm and sizes.
        observation_space: Space of the observations.
        action_space: Space of the actions.
        device: Torch device.
        make: Builder of the model.
    """
    environments = DummyVecEnv([lambda: IdleEnv(observation_space, action_space)])
    model: Any = make(algo.for_one_update(), environments, 0, device)
    model.set_logger(Logger(None, []))
    if algo.off_policy:
        buffer, names = model.replay_buffer, ("observations", "actions", "next_observations", "rewards")
    else:
        buffer, names = model.rollout_buffer, ("observations", "actions", "advantages", "returns")
    rng = np.random.default_rng(0)
    for name in names:
        array = getattr(buffer, name)
        array[:] = rng.uniform(-1.0, 1.0, array.shape)
    buffer.full = True
    return model


def count(
    algo: AlgorithmConfig, observation_space: Any, action_space: Any, make: ModelFactory = dense_model
) -> Work:
    """Record the kernels of updates of an algorithm and method."""
    model = learner(algo, observation_space, action_space, make=make)
    update = update_of(model)
    update()
    kernels = [kernel for _ in range(UPDATES) for kernel in record(update)]
    policy = model.policy
    parameters = sum(p.numel() for name, p in policy.named_parameters() if "target" not in name)
    row = 4 * (2 * observation_space.shape[0] + action_space.shape[0] + 3)
    how = "learner" if isinstance(model, Learner) else "autograd"
    return Work(tuple(kernels), UPDATES, how, parameters, row)


def update_of(model: Any) -> Callable[[], None]:
    """Return a function that runs one update of a model from ``learner``."""
    return functools.partial(model.train, 1) if isinstance(model, Learner) else model.train


def collecting_times(
    algo: AlgorithmConfig,
    part: PegHole,
    task: TaskConfig,
    environments: Sequence[int],
    make: ModelFactory = dense_model,
) -> dict[int, float]:
    """Measure the time per policy step without updates [s], for several numbers of environments.

    The time is that of the environment, action selection and storage. The measurements alternate, so that a
    disturbance of the machine affects all numbers of environments.

    Returns:
        Number of environments -> time per policy step [s].
    """
    with ExitStack() as stack:
        collect = {}
        for number in environments:
            venv = stack.enter_context(closing(make_environments(part, task, number)))
            collect[number] = _collector(algo, venv, make)
        rounds = [{number: measure() for number, measure in collect.items()} for _ in range(1 + ROUNDS)]
    # Not the first, in which there is something to set up.
    return {number: float(np.median([of[number] for of in rounds[1:]])) for number in environments}


def _collector(algo: AlgorithmConfig, venv: VecEnv, make: ModelFactory) -> Callable[[], float]:
    """Return a function that measures the time per policy step without updates [s]."""
    each = -(-COLLECTED // venv.num_envs)
    model: Any = make(algo.for_collecting(each, venv.num_envs), venv, 0)
    if algo.off_policy:
        model.gradient_steps = 0
    model.set_logger(Logger(None, []))
    watch, steps = _Watch(), each * venv.num_envs

    def measure() -> float:
        start = time.perf_counter()
        model.learn(steps, watch)
        return (watch.ended - start) / steps

    return measure


class _Watch(BaseCallback):
    """Callback that records the end time of the last rollout."""

    ended = 0.0

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.ended = time.perf_counter()


def spaces_of(part: PegHole, task: TaskConfig) -> tuple[Any, Any]:
    """Return the spaces of the observations and of the actions of a task."""
    probe = make_environments(part, task, 1)
    try:
        return probe.observation_space, probe.action_space
    finally:
        probe.close()


def predict(
    profile: Profile,
    algo: AlgorithmConfig,
    work: Work,
    environments: int,
    collecting: float = float("nan"),
) -> Prediction:
    """Predict time, memory and utilisation of a device for one configuration.

    Args:
        profile: Profile of the device.
        algo: Algorithm and sizes.
        work: Work of the updates; see ``count``.
        environments: Number of environments.
        collecting: Time per policy step without updates [s], nan if unknown; see ``collecting_times``.
    """
    on_device = sum(map(profile.seconds, work.kernels)) / work.count
    launching = sum(profile.costs(kernel)[0] for kernel in work.kernels) / work.count
    calls = len(work.kernels) / work.count
    if profile.device == "cpu":
        factor, host = profile.context[work.how]
        update = factor * on_device + host * calls
        launching = factor * launching + host * calls
    else:
        captured = profile.captures and work.how == "learner"
        host = profile.launch * (1.0 if captured else calls)
        update = max(on_device, host) + 2.0 * profile.copy  # a new transition, and the batch's indices
        launching += max(0.0, host - on_device)
    # Of a parameter: value, gradient, two moments, the target's value, 4 bytes each; and the largest kernel.
    memory = 4.0 * work.parameters * 5 + max((kernel.bytes for kernel in work.kernels), default=0.0)
    memory += algo.replay_size * work.row
    return Prediction(
        profile=profile,
        algo=algo,
        environments=environments,
        collecting=collecting,
        update=update,
        updates=algo.updates_per_step(),
        flops=work.flops,
        memory=memory,
        launching=min(1.0, launching / update),
    )


def predictions(
    part: PegHole,
    task: TaskConfig,
    algos: Sequence[AlgorithmConfig],
    environments: Sequence[int],
    profiles: Sequence[Profile],
    make: ModelFactory = dense_model,
) -> Iterator[Prediction]:
    """Yield the predictions of all combinations; the algorithms are one algorithm in several sizes."""
    spaces = spaces_of(part, task)
    collecting = collecting_times(algos[0], part, task, environments, make)
    for algo in algos:
        work = count(algo, *spaces, make)
        for profile in profiles:
            for number in environments:
                yield predict(profile, algo, work, number, collecting[number])


def choose(rows: Sequence[Prediction]) -> Prediction:
    """Return the fastest prediction; among nearly equal ones that with the fewest environments."""
    fastest = min(row.step for row in rows)
    near = [row for row in rows if row.step <= (1.0 + NEARLY) * fastest]
    return min(near, key=lambda row: (row.environments, row.step))

"""What a training would cost, predicted before it runs: time, memory and use of a device."""

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.training.model import make_model
from assembly_rl.learners.config import AlgorithmConfig, OffPolicyConfig, PPOConfig
from assembly_rl.learners.off_policy import Learner
from assembly_rl.planner.kernels import Kernel, record
from assembly_rl.planner.profile import Profile
from assembly_rl.training.environments import make_environments
from assembly_rl.training.method import LearningMethod

COLLECTED, ROUNDS = 200, 5
"""Policy steps of which the collecting is timed, and how often."""

NEARLY = 0.05
"""More environments have to gain more than this share: they take memory, and learn from older samples."""

UPDATES = 2
"""Updates that are counted: TD3's actor learns in every second."""


@dataclass(frozen=True)
class Work:
    """Of one update.

    Attributes:
        kernels: On average.
        count: How many updates they are of.
        how: They are made by the ``learner`` of this package or by ``autograd``.
        parameters: Trained numbers of actor and critics.
        row: Bytes of a transition in the replay buffer.
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
    """Of one configuration on one device; a policy step is one of one environment.

    Attributes:
        profile: Of the device.
        algo: Algorithm and sizes.
        environments: That are stepped together.
        collecting: Environment, acting, replay buffer; seconds for a policy step.
        update: Seconds for an update.
        updates: For a policy step.
        flops: Floating-point operations of the matrix products of an update.
        memory: On the device [byte].
        launching: Share of an update's time that is spent on launches.
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
        """Seconds for the updates of a policy step."""
        return self.update * self.updates

    @property
    def utilisation(self) -> float:
        """Share of the device's peak that the matrix products of an update use."""
        return self.flops / self.update / self.profile.peak

    @property
    def step(self) -> float:
        """Seconds for a policy step."""
        return self.collecting + self.updating


class Still(gymnasium.Env):
    """Never moves: a place for models whose updates are to be counted."""

    def __init__(self, observation_space: gymnasium.Space, action_space: gymnasium.Space) -> None:
        self.observation_space, self.action_space = observation_space, action_space

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        """See ``gymnasium.Env``."""
        super().reset(seed=seed)
        return np.zeros(self.observation_space.shape or (), np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """See ``gymnasium.Env``."""
        return np.zeros(self.observation_space.shape or (), np.float32), 0.0, False, False, {}


def learner(
    algo: AlgorithmConfig,
    observation_space: Any,
    action_space: Any,
    device: str = "cpu",
    method: LearningMethod | None = None,
) -> Any:
    """A model with something to learn from, at rest."""
    if isinstance(algo, OffPolicyConfig):
        algo = replace(algo, buffer_size=4 * algo.batch_size, learning_starts=0)
    if isinstance(algo, PPOConfig):
        algo = replace(algo, rollout=algo.batch_size, epochs=1)
    environments = DummyVecEnv([lambda: Still(observation_space, action_space)])
    model: Any = make_model(algo, environments, seed=0, device=device, method=method)
    model.set_logger(configure(None, []))
    if isinstance(algo, OffPolicyConfig):
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
    algo: AlgorithmConfig, observation_space: Any, action_space: Any, method: LearningMethod | None = None
) -> Work:
    """The kernels of an update of this algorithm and method at these sizes."""
    model = learner(algo, observation_space, action_space, method=method)
    update = update_of(model)
    update()
    kernels = [kernel for _ in range(UPDATES) for kernel in record(update)]
    policy = model.policy
    parameters = sum(p.numel() for name, p in policy.named_parameters() if "target" not in name)
    row = 4 * (2 * observation_space.shape[0] + action_space.shape[0] + 3)
    how = "learner" if isinstance(model, Learner) else "autograd"
    return Work(tuple(kernels), UPDATES, how, parameters, row)


def update_of(model: Any) -> Callable[[], None]:
    """One update of a model that ``learner`` made."""
    return functools.partial(model.train, 1) if isinstance(model, Learner) else model.train


def collecting_times(
    algo: AlgorithmConfig,
    part: PegHole,
    task: TaskConfig,
    environments: Sequence[int],
    method: LearningMethod | None = None,
) -> dict[int, float]:
    """Measured seconds for a policy step without updates, by number of environments: step, acting, storing.

    They take turns: what disturbs the machine meanwhile disturbs all of them.
    """
    with ExitStack() as stack:
        collect = {}
        for number in environments:
            venv = stack.enter_context(closing(make_environments(part, task, number)))
            collect[number] = _collector(algo, venv, method)
        rounds = [{number: measure() for number, measure in collect.items()} for _ in range(1 + ROUNDS)]
    # Not the first, in which there is something to set up.
    return {number: float(np.median([of[number] for of in rounds[1:]])) for number in environments}


def _collector(algo: AlgorithmConfig, venv: VecEnv, method: LearningMethod | None) -> Callable[[], float]:
    """Measures seconds for a policy step without updates."""
    each = -(-COLLECTED // venv.num_envs)
    if isinstance(algo, PPOConfig):
        algo = replace(algo, rollout=each, batch_size=each * venv.num_envs, epochs=1)
    elif isinstance(algo, OffPolicyConfig):
        algo = replace(algo, learning_starts=0)
    model: Any = make_model(algo, venv, seed=0, method=method)
    if isinstance(algo, OffPolicyConfig):
        model.gradient_steps = 0
    model.set_logger(configure(None, []))
    watch, steps = _Watch(), each * venv.num_envs

    def measure() -> float:
        start = time.perf_counter()
        model.learn(steps, watch)
        return (watch.ended - start) / steps

    return measure


class _Watch(BaseCallback):
    """Notes when the last rollout ended."""

    ended = 0.0

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.ended = time.perf_counter()


def predict(
    profile: Profile,
    algo: AlgorithmConfig,
    work: Work,
    environments: int,
    collecting: float = float("nan"),
) -> Prediction:
    """Time, memory and use of a device for one configuration.

    Args:
        profile: The device.
        algo: Algorithm and sizes.
        work: Of an update; see ``count``.
        environments: How many.
        collecting: Seconds of a policy step without updates, if they are known; see ``collecting_times``.
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
    updates = 1.0
    # Of a parameter: value, gradient, two moments, the target's value, 4 bytes each; and the largest kernel.
    memory = 4.0 * work.parameters * 5 + max((kernel.bytes for kernel in work.kernels), default=0.0)
    if isinstance(algo, OffPolicyConfig):
        memory += algo.buffer_size * work.row
        updates = float(algo.gradient_steps)
    elif isinstance(algo, PPOConfig):
        updates = algo.epochs / algo.batch_size
    return Prediction(
        profile=profile,
        algo=algo,
        environments=environments,
        collecting=collecting,
        update=update,
        updates=updates,
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
    method: LearningMethod | None = None,
) -> Iterator[Prediction]:
    """Predictions of all combinations, as they are made; the algorithms are one, in several sizes."""
    probe = make_environments(part, task, 1)
    spaces = probe.observation_space, probe.action_space
    probe.close()
    collecting = collecting_times(algos[0], part, task, environments, method)
    for algo in algos:
        work = count(algo, *spaces, method)
        for profile in profiles:
            for number in environments:
                yield predict(profile, algo, work, number, collecting[number])


def choose(rows: Sequence[Prediction]) -> Prediction:
    """The fastest; of those that are nearly as fast the one with the fewest environments."""
    fastest = min(row.step for row in rows)
    near = [row for row in rows if row.step <= (1.0 + NEARLY) * fastest]
    return min(near, key=lambda row: (row.environments, row.step))

"""Algorithms and their hyperparameters, whose defaults are tuned for the default task (docs/results.md).

Only building a model imports torch and stable-baselines3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from assembly_rl.controllers.registry import Registry
from assembly_rl.controllers.validation import (
    InputError,
    require_at_most,
    require_count,
    require_not_negative,
    require_positive,
)

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.policies import BasePolicy
    from stable_baselines3.common.vec_env import VecEnv

    from assembly_rl.learners.off_policy import Learner


WIDEST = 16_384
"""Largest width of a hidden layer."""
LARGEST_BATCH = 10**6
LARGEST_REPLAY = 10**8
MOST_CRITICS = 64
LOG_STD = (-20.0, 2.0)
"""Range of the logarithm of the standard deviation of an action, as in SAC."""
LARGEST_WEIGHT = 1e6
"""Largest weight of a term of a loss; beyond it float32 overflows."""


def require_widths(label: str, widths: Sequence[int]) -> None:
    """Raise a ValueError unless there is at least one width of a layer, and each is a usable whole number.

    Args:
        label: Name of the field, such as ``method.head``.
        widths: Widths of hidden layers.
    """
    if not widths or not all(type(width) is int and 1 <= width <= WIDEST for width in widths):
        most = "" if not widths or min(widths) < 1 else f" and <= {WIDEST}"
        raise InputError(f"{label} must be one or more widths >= 1{most}, got {list(widths)}")


@dataclass(frozen=True)
class HiddenLayers:
    """Widths of hidden layers.

    Attributes:
        actor: Widths of the actor's layers.
        critic: Widths of the layers of each critic, or of the value function.
    """

    actor: list[int]
    critic: list[int]


@dataclass
class AlgorithmConfig:
    """Hyperparameters common to all algorithms.

    An algorithm is a subclass that implements ``create``, registered by ``register_algorithm``.

    Attributes:
        name: Name of the algorithm.
        network: Widths of the hidden layers of actor and critic.
        learning_rate: Learning rate of Adam.
        batch_size: Transitions in a gradient step.
        gamma: Discount factor per policy step.
    """

    name: str = "???"
    network: list[int] = field(default_factory=lambda: [64, 64])
    learning_rate: float = 1e-3
    batch_size: int = 256
    gamma: float = 0.98

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate")
        require_at_most(self, 1.0, "learning_rate")
        require_count(self, "batch_size", most=LARGEST_BATCH)
        if not 0.0 < self.gamma <= 1.0:
            raise InputError(f"{type(self).__name__}.gamma must be in (0, 1], got {self.gamma}")
        require_widths(f"{type(self).__name__}.network", self.network)

    @property
    def off_policy(self) -> bool:
        """True if the algorithm learns from a replay buffer."""
        return False

    @property
    def sees_privileged(self) -> bool:
        """True if the learner observes what only the simulator knows."""
        return False

    @property
    def is_symmetrized(self) -> bool:
        """True if the actor is averaged over the symmetries of an insertion."""
        return False

    @property
    def steps_in_processes(self) -> bool:
        """True if even a single environment needs a process of its own."""
        return False

    def rollout_steps(self, environments: int) -> int:
        """Return the policy steps between two phases of learning."""
        return environments

    def updates_per_step(self) -> float:
        """Return the gradient steps per policy step."""
        return 1.0

    @property
    def replay_size(self) -> int:
        """Capacity of the replay buffer in transitions; 0 without one."""
        return 0

    def for_one_update(self) -> AlgorithmConfig:
        """Return the algorithm with the fewest transitions that one update needs."""
        return self

    def for_collecting(self, steps: int, environments: int) -> AlgorithmConfig:
        """Return the algorithm with rollouts of ``steps`` steps per environment, and few updates."""
        return self

    def create(
        self, environments: VecEnv, layers: HiddenLayers, seed: int, device: str = "cpu"
    ) -> BaseAlgorithm:
        """Build a model that is ready to learn.

        Args:
            environments: Environments to learn in; they are seeded as well.
            layers: Widths of the hidden layers.
            seed: Seed of all random generators.
            device: Torch device.
        """
        raise NotImplementedError

    def model_arguments(
        self, environments: VecEnv, layers: HiddenLayers, seed: int, device: str, critic: str = "qf"
    ) -> dict[str, Any]:
        """Return the arguments common to all models of stable-baselines3."""
        return {
            "policy": "MlpPolicy",
            "env": environments,
            "learning_rate": self.learning_rate,
            "batch_size": self.batch_size,
            "gamma": self.gamma,
            "seed": seed,
            "device": device,
            "policy_kwargs": {"net_arch": {"pi": list(layers.actor), critic: list(layers.critic)}},
        }


@dataclass
class OffPolicyConfig(AlgorithmConfig):
    """Hyperparameters common to DDPG, TD3 and SAC.

    Attributes:
        learning_starts: Policy steps with uniformly random actions before learning.
        tau: Coefficient of the soft update of the target networks at each gradient step.
        buffer_size: Capacity of the replay buffer in transitions; the oldest are overwritten.
        gradient_steps: Gradient steps per policy step.
        update_every: Policy steps for which these gradient steps are taken once; divides the number of
            environments, which take that many policy steps together.
        averaged_over: Policy steps of the exponential average of the actor's weights, which is validated and
            kept (Polyak averaging); 0 for the latest weights.
        overlapped: Update while the environments step in processes of their own.
        symmetric: Turn and reflect the transitions of each batch about the insertion's axis; for parts that
            are drawn in all orientations, see ``symmetry``.
        symmetrized: Average the actor over these turns and reflections, in training and in the policy that is
            kept; with ``symmetric``, see ``symmetrization``.
        asymmetric: The critics observe what only the simulator knows, too; see ``PrivilegedObservation``.
        critics: Number of critics, of whose values the least one counts; by default two, one with DDPG.
    """

    learning_starts: int = 1500
    tau: float = 0.005
    buffer_size: int = 100_000
    gradient_steps: int = 1
    update_every: int = 1
    averaged_over: int = 0
    overlapped: bool = False
    symmetric: bool = False
    symmetrized: bool = False
    asymmetric: bool = False
    critics: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "tau")
        require_at_most(self, 1.0, "tau")
        require_count(self, "buffer_size", most=LARGEST_REPLAY)
        require_count(self, "gradient_steps", "update_every")
        require_count(self, "learning_starts", "averaged_over", least=0)
        if self.critics is not None:
            require_count(self, "critics", most=MOST_CRITICS)
        if self.symmetrized and not self.symmetric:
            raise InputError("algo.symmetrized=true needs algo.symmetric=true: set both, or neither")

    @property
    def off_policy(self) -> bool:
        """True: the algorithm learns from a replay buffer."""
        return True

    @property
    def sees_privileged(self) -> bool:
        """True if the critics observe what only the simulator knows."""
        return self.asymmetric

    @property
    def is_symmetrized(self) -> bool:
        """True if the actor is averaged over the symmetries of an insertion."""
        return self.symmetrized

    @property
    def steps_in_processes(self) -> bool:
        """True if the updates overlap with the steps of the environments."""
        return self.overlapped

    @property
    def replay_size(self) -> int:
        """Capacity of the replay buffer in transitions."""
        return self.buffer_size

    def updates_per_step(self) -> float:
        """Return the gradient steps per policy step."""
        return self.gradient_steps / self.update_every

    def _asymmetric_policy(self) -> type[BasePolicy]:
        """Return the class of a policy whose actor sees the first components of an observation."""
        from assembly_rl.learners.asymmetric import AsymmetricTD3Policy

        return AsymmetricTD3Policy

    def prepare(self, model: Learner) -> None:
        """Set what a new model has beyond the arguments of stable-baselines3.

        Raises:
            ValueError: No symmetry is known for an observation.
        """
        from assembly_rl.envs.privileged import PRIVILEGED_NAMES

        model.average_over(self.averaged_over)
        model.overlapped = self.overlapped
        if self.symmetric:
            assert model.env is not None
            (names,) = model.env.env_method("get_wrapper_attr", "observation_names", indices=[0])
            model.symmetric_names = (*names, *(PRIVILEGED_NAMES if self.asymmetric else ()))
            model.symmetrized_names = names if self.symmetrized else None

    def for_one_update(self) -> AlgorithmConfig:
        """Return the algorithm with a small replay buffer, for any environment."""
        return replace(self._for_any_environment(), buffer_size=4 * self.batch_size, learning_starts=0)

    def for_collecting(self, steps: int, environments: int) -> AlgorithmConfig:
        """Return the algorithm without random actions, for any environment."""
        return replace(self._for_any_environment(), learning_starts=0)

    def _for_any_environment(self) -> OffPolicyConfig:
        """Return the algorithm without what asks more of its environments; its updates cost a little less."""
        alone = replace(self, symmetrized=False, symmetric=False)
        return replace(alone, asymmetric=False, overlapped=False, update_every=1)

    def model_arguments(
        self, environments: VecEnv, layers: HiddenLayers, seed: int, device: str, critic: str = "qf"
    ) -> dict[str, Any]:
        """Return these arguments and those of the replay buffer."""
        arguments = super().model_arguments(environments, layers, seed, device, critic)
        times, left = divmod(environments.num_envs, self.update_every)
        if left:
            raise InputError(
                f"algo.update_every={self.update_every} must divide environments={environments.num_envs}"
            )
        if self.critics is not None:
            arguments["policy_kwargs"]["n_critics"] = self.critics
        if self.asymmetric:
            arguments["policy"] = self._asymmetric_policy()
            arguments["policy_kwargs"]["observed"] = environments.get_attr("observed", 0)[0]
        return arguments | {
            "learning_starts": self.learning_starts,
            "tau": self.tau,
            "buffer_size": self.buffer_size,
            "train_freq": 1,
            "gradient_steps": self.gradient_steps * times,
        }


@dataclass
class DDPGConfig(OffPolicyConfig):
    """Deep deterministic policy gradient.

    Attributes:
        noise: Standard deviation of the Gaussian exploration noise, in units of an action.
        actor_learning_rate: Learning rate of the actor; the critic has ``learning_rate``.
    """

    name: str = "ddpg"
    learning_rate: float = 5e-4
    gamma: float = 0.95
    noise: float = 0.2
    actor_learning_rate: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        require_not_negative(self, "noise")
        require_at_most(self, LARGEST_WEIGHT, "noise")
        require_positive(self, "actor_learning_rate")
        require_at_most(self, 1.0, "actor_learning_rate")

    def create(
        self, environments: VecEnv, layers: HiddenLayers, seed: int, device: str = "cpu"
    ) -> BaseAlgorithm:
        """Build a model that is ready to learn; see ``AlgorithmConfig.create``."""
        from assembly_rl.learners.off_policy import DDPG, action_noise

        noise = action_noise(environments, self.noise)
        model = DDPG(**self.model_arguments(environments, layers, seed, device), action_noise=noise)
        model.actor_learning_rate = self.actor_learning_rate
        self.prepare(model)
        return model


@dataclass
class TD3Config(OffPolicyConfig):
    """Twin delayed DDPG.

    Attributes:
        noise: Standard deviation of the Gaussian exploration noise, in units of an action.
    """

    name: str = "td3"
    noise: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        require_not_negative(self, "noise")
        require_at_most(self, LARGEST_WEIGHT, "noise")

    def create(
        self, environments: VecEnv, layers: HiddenLayers, seed: int, device: str = "cpu"
    ) -> BaseAlgorithm:
        """Build a model that is ready to learn; see ``AlgorithmConfig.create``."""
        from assembly_rl.learners.off_policy import TD3, action_noise

        noise = action_noise(environments, self.noise)
        model = TD3(**self.model_arguments(environments, layers, seed, device), action_noise=noise)
        self.prepare(model)
        return model


@dataclass
class SACConfig(OffPolicyConfig):
    """Soft actor-critic.

    Attributes:
        entropy: Entropy coefficient; with the automatic one, learning of this task is unstable.
    """

    name: str = "sac"
    gamma: float = 0.985
    entropy: float = 0.02
    averaged_over: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        require_not_negative(self, "entropy")
        require_at_most(self, LARGEST_WEIGHT, "entropy")

    def _asymmetric_policy(self) -> type[BasePolicy]:
        from assembly_rl.learners.asymmetric import AsymmetricSACPolicy

        return AsymmetricSACPolicy

    def create(
        self, environments: VecEnv, layers: HiddenLayers, seed: int, device: str = "cpu"
    ) -> BaseAlgorithm:
        """Build a model that is ready to learn; see ``AlgorithmConfig.create``."""
        from assembly_rl.learners.off_policy import SAC

        model = SAC(**self.model_arguments(environments, layers, seed, device), ent_coef=self.entropy)
        self.prepare(model)
        return model


@dataclass
class PPOConfig(AlgorithmConfig):
    """Proximal policy optimisation.

    Attributes:
        rollout: Policy steps per environment between updates.
        epochs: Passes over a rollout.
        gae_lambda: Lambda of the generalised advantage estimate.
        clip: Clip range of the probability ratio.
        entropy: Weight of the entropy bonus.
        log_std: Initial logarithm of the standard deviation of an action.
    """

    name: str = "ppo"
    batch_size: int = 128
    rollout: int = 1024
    epochs: int = 10
    gae_lambda: float = 0.95
    clip: float = 0.2
    entropy: float = 0.0
    log_std: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self, "batch_size", "rollout", least=2)  # the advantages are normalised
        require_count(self, "epochs")
        require_positive(self, "gae_lambda", "clip")
        require_at_most(self, 1.0, "gae_lambda")
        require_not_negative(self, "entropy")
        require_at_most(self, LARGEST_WEIGHT, "entropy", "clip")
        low, high = LOG_STD
        if not low <= self.log_std <= high:
            raise InputError(f"PPOConfig.log_std must be {low:g} to {high:g}, got {self.log_std}")

    def rollout_steps(self, environments: int) -> int:
        """Return the policy steps of a rollout."""
        return environments * self.rollout

    def updates_per_step(self) -> float:
        """Return the gradient steps per policy step."""
        return self.epochs / self.batch_size

    def for_one_update(self) -> AlgorithmConfig:
        """Return the algorithm with rollouts of one batch."""
        return replace(self, rollout=self.batch_size, epochs=1)

    def for_collecting(self, steps: int, environments: int) -> AlgorithmConfig:
        """Return the algorithm with rollouts of ``steps`` steps, which form one batch."""
        return replace(self, rollout=steps, batch_size=steps * environments, epochs=1)

    def create(
        self, environments: VecEnv, layers: HiddenLayers, seed: int, device: str = "cpu"
    ) -> BaseAlgorithm:
        """Build a model that is ready to learn; see ``AlgorithmConfig.create``."""
        from stable_baselines3 import PPO

        common = self.model_arguments(environments, layers, seed, device, critic="vf")
        common["policy_kwargs"]["log_std_init"] = self.log_std
        return PPO(
            **common,
            n_steps=self.rollout,
            n_epochs=self.epochs,
            gae_lambda=self.gae_lambda,
            clip_range=self.clip,
            ent_coef=self.entropy,
        )


ALGORITHMS: Registry[type[AlgorithmConfig]] = Registry("algorithm")


def register_algorithm(name: str, config: type[AlgorithmConfig]) -> None:
    """Register an algorithm under its name in ``algo.name``.

    Args:
        name: Name of the algorithm.
        config: Hyperparameters, a dataclass whose ``name`` defaults to that name.

    Raises:
        ValueError: Another algorithm has the name.
    """
    ALGORITHMS.register(name, config)


for _config in (DDPGConfig, TD3Config, SACConfig, PPOConfig):
    register_algorithm(_config.name, _config)

"""Hyperparameters. The defaults are tuned for the default task; docs/results.md has what they gave."""

from dataclasses import dataclass, field

from assembly_rl.controllers.validation import require_not_negative, require_positive


@dataclass
class AlgorithmConfig:
    """What all algorithms have in common.

    Attributes:
        name: Name of the algorithm.
        network: Widths of the hidden layers of actor and critic.
        learning_rate: Of Adam.
        batch_size: Transitions in a gradient step.
        gamma: Discount of a policy step.
    """

    name: str = "???"
    network: list[int] = field(default_factory=lambda: [64, 64])
    learning_rate: float = 1e-3
    batch_size: int = 256
    gamma: float = 0.98

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate", "batch_size")
        if not 0.0 < self.gamma <= 1.0:
            raise ValueError(f"{type(self).__name__}.gamma must be in (0, 1], got {self.gamma}")
        if not self.network or min(self.network) < 1:
            raise ValueError(
                f"{type(self).__name__}.network must be one or more widths >= 1, got {list(self.network)}"
            )


@dataclass
class OffPolicyConfig(AlgorithmConfig):
    """What DDPG, TD3 and SAC have in common.

    Attributes:
        learning_starts: Policy steps with uniformly random actions before learning.
        tau: Share of the networks that moves into the target networks at each gradient step.
        buffer_size: Transitions kept; the oldest are overwritten.
        gradient_steps: For each policy step.
    """

    learning_starts: int = 1500
    tau: float = 0.005
    buffer_size: int = 100_000
    gradient_steps: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "tau", "buffer_size", "gradient_steps")
        require_not_negative(self, "learning_starts")


@dataclass
class DDPGConfig(OffPolicyConfig):
    """Deep deterministic policy gradient.

    Attributes:
        noise: Standard deviation of the Gaussian exploration noise, in units of an action.
        actor_learning_rate: Of the actor; the critic has ``learning_rate``.
    """

    name: str = "ddpg"
    learning_rate: float = 5e-4
    gamma: float = 0.95
    noise: float = 0.2
    actor_learning_rate: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        require_not_negative(self, "noise")
        require_positive(self, "actor_learning_rate")


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


@dataclass
class SACConfig(OffPolicyConfig):
    """Soft actor-critic.

    Attributes:
        entropy: Entropy coefficient; the automatic one learns this task unsteadily.
    """

    name: str = "sac"
    entropy: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        require_not_negative(self, "entropy")


@dataclass
class PPOConfig(AlgorithmConfig):
    """Proximal policy optimisation.

    Attributes:
        rollout: Policy steps of each environment between updates.
        epochs: Passes over a rollout.
        gae_lambda: Of the generalised advantage estimate.
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
        require_positive(self, "rollout", "epochs", "gae_lambda", "clip")
        require_not_negative(self, "entropy")


ALGORITHMS: dict[str, type[AlgorithmConfig]] = {
    "ddpg": DDPGConfig,
    "td3": TD3Config,
    "sac": SACConfig,
    "ppo": PPOConfig,
}
"""Name -> hyperparameters."""

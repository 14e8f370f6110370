"""An algorithm: the advantage actor-critic of stable-baselines3."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assembly_rl.controllers.validation import require_positive
from assembly_rl.learners.config import AlgorithmConfig, HiddenLayers, register_algorithm

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


@dataclass
class A2CConfig(AlgorithmConfig):
    """Advantage actor-critic: one gradient step with each rollout, which is the batch.

    Attributes:
        gae_lambda: Lambda of the generalised advantage estimate.
    """

    name: str = "a2c"
    batch_size: int = 64
    gae_lambda: float = 0.95

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "gae_lambda")

    def rollout_steps(self, environments: int) -> int:
        return environments * max(1, self.batch_size // environments)

    def updates_per_step(self) -> float:
        return 1.0 / self.batch_size

    def for_collecting(self, steps: int, environments: int) -> AlgorithmConfig:
        return replace(self, batch_size=steps * environments)

    def create(
        self, environments: VecEnv, layers: HiddenLayers, seed: int, device: str = "cpu"
    ) -> BaseAlgorithm:
        from stable_baselines3 import A2C

        return A2C(
            "MlpPolicy",
            environments,
            learning_rate=self.learning_rate,
            n_steps=self.rollout_steps(environments.num_envs) // environments.num_envs,
            gamma=self.gamma,
            gae_lambda=self.gae_lambda,
            use_rms_prop=False,
            policy_kwargs={"net_arch": {"pi": list(layers.actor), "vf": list(layers.critic)}},
            seed=seed,
            device=device,
        )


register_algorithm("a2c", A2CConfig)

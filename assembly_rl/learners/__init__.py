"""The learning algorithms: stable-baselines3's, with the hyperparameters of their configuration."""

from assembly_rl.learners.actor import extract_actor
from assembly_rl.learners.config import (
    ALGORITHMS,
    AlgorithmConfig,
    DDPGConfig,
    PPOConfig,
    SACConfig,
    TD3Config,
)
from assembly_rl.learners.models import make_model

__all__ = [
    "ALGORITHMS",
    "AlgorithmConfig",
    "DDPGConfig",
    "PPOConfig",
    "SACConfig",
    "TD3Config",
    "extract_actor",
    "make_model",
]

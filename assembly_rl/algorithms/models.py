"""stable-baselines3 models from their configuration."""

from typing import Any

import gymnasium
import numpy as np
import stable_baselines3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import VecEnv

from assembly_rl.algorithms.config import (
    AlgorithmConfig,
    DDPGConfig,
    OffPolicyConfig,
    PPOConfig,
    SACConfig,
    TD3Config,
)
from assembly_rl.devices.learner import DDPG, SAC, TD3


def make_model(
    config: AlgorithmConfig, environments: VecEnv, seed: int, device: str = "cpu"
) -> BaseAlgorithm:
    """A new model, ready to learn.

    Args:
        config: Algorithm and hyperparameters.
        environments: To learn in; they are seeded, too.
        seed: Of everything random.
        device: Torch device.
    """
    common: dict[str, Any] = {
        "policy": "MlpPolicy",
        "env": environments,
        "learning_rate": config.learning_rate,
        "batch_size": config.batch_size,
        "gamma": config.gamma,
        "seed": seed,
        "device": device,
        "policy_kwargs": {"net_arch": list(config.network)},
    }
    if isinstance(config, OffPolicyConfig):
        common |= {
            "learning_starts": config.learning_starts,
            "tau": config.tau,
            "buffer_size": config.buffer_size,
            "train_freq": 1,
            "gradient_steps": -1,  # as many as there were policy steps, whatever the number of environments
        }
    if isinstance(config, DDPGConfig | TD3Config):
        size = gymnasium.spaces.utils.flatdim(environments.action_space)
        common["action_noise"] = NormalActionNoise(np.zeros(size), np.full(size, config.noise))
    if isinstance(config, DDPGConfig):
        model = DDPG(**common)
        model.actor_learning_rate = config.actor_learning_rate
        return model
    if isinstance(config, TD3Config):
        return TD3(**common)
    if isinstance(config, SACConfig):
        return SAC(**common, ent_coef=config.entropy)
    if isinstance(config, PPOConfig):
        common["policy_kwargs"]["log_std_init"] = config.log_std
        return stable_baselines3.PPO(
            **common,
            n_steps=config.rollout,
            n_epochs=config.epochs,
            gae_lambda=config.gae_lambda,
            clip_range=config.clip,
            ent_coef=config.entropy,
        )
    raise TypeError(f"no model for {type(config).__name__}")

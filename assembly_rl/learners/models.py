"""stable-baselines3 models from their configuration."""

from typing import Any

import numpy as np
import stable_baselines3
from gymnasium.spaces.utils import flatdim
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import VecEnv

from assembly_rl.learners.config import (
    AlgorithmConfig,
    DDPGConfig,
    OffPolicyConfig,
    PPOConfig,
    SACConfig,
    TD3Config,
)
from assembly_rl.learners.off_policy import DDPG, SAC, TD3
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.lcrl.connections import connect
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.methods.pead.grouping import FULL
from assembly_rl.methods.pead.ties import tie
from assembly_rl.training.method import DenseConfig, LearningMethod


def make_model(
    config: AlgorithmConfig,
    environments: VecEnv,
    seed: int,
    device: str = "cpu",
    method: LearningMethod | None = None,
) -> BaseAlgorithm:
    """A new model, ready to learn; at first with all connections and in all dimensions.

    Args:
        config: Algorithm and hyperparameters.
        environments: To learn in; they are seeded, too.
        seed: Of everything random.
        device: Torch device.
        method: Which connections it can have; by default all.
    """
    model = _make(config, environments, seed, device, method)
    if isinstance(method, PEADConfig):
        tie(model, FULL)
    if isinstance(method, LCRLConfig):
        states, actions = (flatdim(space) for space in (model.observation_space, model.action_space))
        connect(model, np.ones((states, actions), dtype=np.bool_), method.critics == "local")
    return model


def _make(
    config: AlgorithmConfig, environments: VecEnv, seed: int, device: str, method: LearningMethod | None
) -> BaseAlgorithm:
    size = flatdim(environments.action_space)
    actor = critic = config.network
    if isinstance(method, DenseConfig):
        actor = method.actor or actor
    elif isinstance(method, LCRLConfig):
        actor = [size * width for width in method.head]
        critic = actor if method.critics == "local" else critic
    others = "vf" if isinstance(config, PPOConfig) else "qf"
    common: dict[str, Any] = {
        "policy": "MlpPolicy",
        "env": environments,
        "learning_rate": config.learning_rate,
        "batch_size": config.batch_size,
        "gamma": config.gamma,
        "seed": seed,
        "device": device,
        "policy_kwargs": {"net_arch": {"pi": list(actor), others: list(critic)}},
    }
    if isinstance(config, OffPolicyConfig):
        common |= {
            "learning_starts": config.learning_starts,
            "tau": config.tau,
            "buffer_size": config.buffer_size,
            "train_freq": 1,
            "gradient_steps": config.gradient_steps * environments.num_envs,
        }
    if isinstance(config, DDPGConfig | TD3Config):
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

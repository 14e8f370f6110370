"""Model of a training: an algorithm with the networks of a method."""

from gymnasium.spaces.utils import flatdim
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from assembly_rl.learners.config import AlgorithmConfig, HiddenLayers
from assembly_rl.training.method import MethodConfig


def make_model(
    config: AlgorithmConfig,
    environments: VecEnv,
    seed: int,
    device: str = "cpu",
    method: MethodConfig | None = None,
) -> BaseAlgorithm:
    """Build a new model that is ready to learn.

    Args:
        config: Algorithm and hyperparameters.
        environments: Environments to learn in; they are seeded as well.
        seed: Seed of all random generators.
        device: Torch device.
        method: Method of learning; by default the dense one.
    """
    own = (method or MethodConfig()).create()
    layers = HiddenLayers(config.network, config.network)
    layers = own.hidden_layers(layers, flatdim(environments.action_space))
    model = config.create(environments, layers, seed, device)
    own.build(model)
    return model

"""Models of stable-baselines3 itself, with a trained actor."""

from typing import Any

import numpy as np
import stable_baselines3
import torch
from gymnasium import Env
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm

from assembly_rl.learners.actor import ActorWeights
from assembly_rl.learners.layers import actors_with_targets


def plain_model(
    actor: ActorWeights, environment: Env[NDArray[np.float32], NDArray[np.float32]], algorithm: str = ""
) -> BaseAlgorithm:
    """Build a model of stable-baselines3 that acts as an actor does, on the CPU.

    Its critics, or its value function, are new ones. The random generators are left as they are.

    Args:
        actor: Actor.
        environment: Environment of the actor, which the model keeps.
        algorithm: Name of the algorithm, which tells DDPG from TD3.

    Returns:
        ``SAC``, ``TD3``, ``DDPG`` or ``PPO``, by the layers of the actor.
    """
    if actor.log_std is None:
        kind: Any = stable_baselines3.DDPG if algorithm == "ddpg" else stable_baselines3.TD3
    else:
        kind = stable_baselines3.SAC if actor.squashed else stable_baselines3.PPO
    widths = [len(bias) for _, bias in actor.hidden]
    critic = "qf" if actor.squashed else "vf"
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        model: BaseAlgorithm = kind(
            "MlpPolicy", environment, device="cpu", policy_kwargs={"net_arch": {"pi": widths, critic: widths}}
        )
        for own in actors_with_targets(model.policy):
            pairs = list(zip([*own.hidden, own.mean], [*actor.hidden, actor.mean], strict=True))
            if isinstance(own.log_std, torch.nn.Linear) and isinstance(actor.log_std, tuple):
                pairs.append((own.log_std, actor.log_std))
            for layer, (weight, bias) in pairs:
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)
            if isinstance(own.log_std, torch.nn.Parameter) and isinstance(actor.log_std, torch.Tensor):
                own.log_std.copy_(actor.log_std)
    return model

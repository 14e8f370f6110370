"""State of a training outside its networks: random generators and environments.

``get_*`` functions only read: a checkpoint does not change the training.
"""

import random

import numpy as np
import torch
from gymnasium.wrappers import OrderEnforcing, TimeLimit
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.noise import ActionNoise, VectorizedActionNoise
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecTransposeImage

from assembly_rl.runs.files import RunError
from assembly_rl.runs.parts import Json, Tensors

_WRAPPER_STATE: dict[type, tuple[str, ...]] = {
    Monitor: ("rewards", "needs_reset", "total_steps"),
    TimeLimit: ("_elapsed_steps",),
    OrderEnforcing: ("_has_reset",),
}
_GSDE_NOISE = ("exploration_mat", "exploration_matrices")


def get_streams(model: BaseAlgorithm) -> tuple[Json, Tensors]:
    """Return the states of all random generators of a training, its action noise and its gSDE noise."""
    plain = {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "action_space": model.action_space.np_random.bit_generator.state,
        "device": model.device.type,
    }
    tensors = {"torch": torch.get_rng_state()}
    if model.device.type != "cpu":
        tensors["device"] = torch.get_device_module(model.device).get_rng_state(model.device)
    for index, noise in enumerate(noises(model)):
        if hasattr(noise, "noise_prev"):  # Ornstein-Uhlenbeck; as a tensor it keeps its dtype
            tensors[f"noise/{index}"] = torch.tensor(noise.noise_prev)
    distribution = _gsde(model)
    if distribution is not None:
        tensors |= {name: getattr(distribution, name).detach().cpu().clone() for name in _GSDE_NOISE}
    return plain, tensors


def set_streams(model: BaseAlgorithm, plain: Json, tensors: Tensors) -> None:
    """Restore the states from `get_streams`."""
    kind, words, gauss = plain["python"]
    random.setstate((kind, tuple(words), gauss))
    np.random.set_state(plain["numpy"])
    model.action_space.np_random.bit_generator.state = plain["action_space"]
    torch.set_rng_state(tensors["torch"])
    if model.device.type != "cpu" and plain["device"] == model.device.type:
        torch.get_device_module(model.device).set_rng_state(tensors["device"], model.device)
    for index, noise in enumerate(noises(model)):
        if hasattr(noise, "noise_prev"):
            noise.noise_prev = tensors[f"noise/{index}"].numpy().copy()
    distribution = _gsde(model)
    if distribution is not None:
        for name in _GSDE_NOISE:
            setattr(distribution, name, tensors[name].to(model.device, copy=True))


def get_environments(venv: VecEnv) -> list[Json]:
    """Return the state of each environment and of its wrappers."""
    _check_wrappers(venv)
    if not (venv.has_attr("get_state") and venv.has_attr("set_state")):
        raise RunError("the environments cannot be checkpointed: they need get_state() and set_state(state)")
    states = [{"environment": state} for state in venv.env_method("get_state")]
    for wrapper, names in _WRAPPER_STATE.items():
        for index in np.flatnonzero(venv.env_is_wrapped(wrapper)):
            for name in names:
                states[index][name] = venv.get_attr(name, indices=int(index))[0]
    return states


def set_environments(venv: VecEnv, states: list[Json]) -> None:
    """Restore the states from `get_environments`."""
    _check_wrappers(venv)
    for index, state in enumerate(states):
        venv.env_method("set_state", state["environment"], indices=index)
        for name in set(state) - {"environment"}:
            # Not venv.set_attr, which writes to the outermost wrapper.
            venv.env_method("set_wrapper_attr", name, state[name], indices=index)


def noises(model: BaseAlgorithm) -> list[ActionNoise]:
    """Return the action noise of each environment; empty without action noise."""
    noise = model.action_noise
    if noise is None:
        return []
    if model.n_envs == 1:
        return [noise]
    if not isinstance(noise, VectorizedActionNoise):
        # As in learn() before its first step; a model that has not learned yet has one noise for all.
        noise = model.action_noise = VectorizedActionNoise(noise, model.n_envs)
    return noise.noises


def _check_wrappers(venv: VecEnv) -> None:
    while isinstance(venv, VecEnvWrapper):
        if not isinstance(venv, VecTransposeImage):
            raise RunError(f"{type(venv).__name__} has a state of its own that checkpoints do not hold")
        venv = venv.venv


def _gsde(model: BaseAlgorithm) -> StateDependentNoiseDistribution | None:
    actor = getattr(model.policy, "actor", model.policy)
    distribution = getattr(actor, "action_dist", None)
    return distribution if isinstance(distribution, StateDependentNoiseDistribution) else None

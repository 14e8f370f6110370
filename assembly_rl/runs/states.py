"""State of a training outside its networks: random generators and environments.

``get_*`` functions only read: a checkpoint does not change the training.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium.wrappers import OrderEnforcing, TimeLimit
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.noise import ActionNoise, VectorizedActionNoise
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecTransposeImage

from assembly_rl.runs.checks import (
    refuse,
    require_count,
    require_list,
    require_names,
    require_number,
    require_shape,
    require_type,
)
from assembly_rl.runs.files import RunError
from assembly_rl.runs.parts import Json, Tensors

_WRAPPER_STATE: dict[type, tuple[str, ...]] = {
    Monitor: ("rewards", "needs_reset", "total_steps"),
    TimeLimit: ("_elapsed_steps",),
    OrderEnforcing: ("_has_reset",),
}
_STREAMS = ("python", "numpy", "action_space", "device")
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


def check_streams(place: str, model: BaseAlgorithm, plain: Any, tensors: Tensors) -> None:
    """Check that `set_streams` can restore the states, with generators of their own.

    Raises:
        RunError: A name is unknown or missing, or a generator refuses its state.
    """
    require_names(place, plain, _STREAMS)
    require_type(f"{place}.device", plain["device"], str)
    known: dict[str, tuple[str, Sequence[int]]] = {
        # It is float64 after the first draw.
        f"noise/{index}": (_kind(tensors, f"noise/{index}"), np.shape(noise.noise_prev))
        for index, noise in enumerate(noises(model))
        if hasattr(noise, "noise_prev")
    }
    distribution = _gsde(model)
    if distribution is not None:
        known |= {name: ("float32", getattr(distribution, name).shape) for name in _GSDE_NOISE}
    same_device = model.device.type != "cpu" and plain["device"] == model.device.type
    require_names(
        f"{place} tensors", tensors, ["torch", *known, *(["device"] if same_device else [])], ["device"]
    )
    for name, (kind, shape) in known.items():
        require_shape(f"{place} {name}", tensors[name], kind, shape)
    _try(f"{place}.python", lambda: _set_python(random.Random(), plain["python"]))
    _try(f"{place}.numpy", lambda: np.random.RandomState().set_state(plain["numpy"]))
    own = model.action_space.np_random.bit_generator
    _try(f"{place}.action_space", lambda: setattr(type(own)(), "state", plain["action_space"]))
    _try(f"{place} torch", lambda: torch.Generator().set_state(tensors["torch"]))


def _kind(tensors: Tensors, name: str) -> str:
    double = name in tensors and tensors[name].dtype == torch.float64
    return "float64" if double else "float32"


def _set_python(generator: random.Random, state: list[Any]) -> None:
    kind, words, gauss = state
    generator.setstate((kind, tuple(words), gauss))


def _try(place: str, restore: Callable[[], object]) -> None:
    try:
        restore()
    except (
        AttributeError,
        KeyError,
        IndexError,
        OverflowError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise RunError(f"{place} is not the state of a random generator: {error}") from error


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


def check_environments(place: str, venv: VecEnv, states: Any) -> None:
    """Check names and types that `set_environments` restores, but for the environments' own states.

    Raises:
        RunError: A name or a type is not that of the environments' wrappers.
    """
    _check_wrappers(venv)
    wrapped = {wrapper: venv.env_is_wrapped(wrapper) for wrapper in _WRAPPER_STATE}
    for index, state in enumerate(require_list(place, states, venv.num_envs)):
        where = f"{place}[{index}]"
        names = [name for of, own in _WRAPPER_STATE.items() if wrapped[of][index] for name in own]
        require_names(where, state, ("environment", *names))
        for name in names:
            _check_wrapper(f"{where}.{name}", name, state[name])


def _check_wrapper(place: str, name: str, value: Any) -> None:
    if name == "rewards":
        for reward in require_list(place, value):
            require_number(place, reward, finite=False)
    elif name in ("needs_reset", "_has_reset"):
        require_type(place, value, bool)
    elif value is not None or name != "_elapsed_steps":
        require_count(place, value)


def set_environments(place: str, venv: VecEnv, states: list[Json]) -> None:
    """Restore the states from `get_environments`, after `check_environments`.

    Raises:
        RunError: An environment refuses its state.
    """
    for index, state in enumerate(states):
        try:
            venv.env_method("set_state", state["environment"], indices=index)
        except (
            AttributeError,
            LookupError,
            OSError,
            EOFError,
            OverflowError,
            TypeError,
            ValueError,
        ) as error:
            raise refuse(
                f"{place}[{index}].environment",
                f"a state of the environment ({error!r})",
                state["environment"],
            ) from error
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

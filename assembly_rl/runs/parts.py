"""Parts of a stable-baselines3 model for a checkpoint, as JSON values and CPU tensors."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Dict
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.save_util import recursive_getattr
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

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

Json = dict[str, Any]
Tensors = dict[str, torch.Tensor]

_OBSERVED = ("_last_obs", "_last_episode_starts")
_MOMENTS = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
"""Names in the state of Adam, besides ``step``, of the shape of their parameter."""
_POSITIONS = {"pos": "pos", "full": "full", "apart": "prior_size"}
"""Names in a checkpoint -> attributes of a replay buffer."""


def under(name: str, tensors: Tensors) -> Tensors:
    """Prefix every key with a name."""
    return {f"{name}/{key}": tensor for key, tensor in tensors.items()}


def below(name: str, tensors: Tensors) -> Tensors:
    """Return the tensors that `under` has prefixed with a name."""
    start = f"{name}/"
    return {key.removeprefix(start): tensor for key, tensor in tensors.items() if key.startswith(start)}


def copied(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Return CPU copies that own their memory; safetensors refuses tensors that share it."""
    return {
        key: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, tensor in tensors.items()
    }


def variables(model: BaseAlgorithm) -> Tensors:
    """Return the tensors learned outside the policy, such as SAC's entropy coefficient."""
    return {name: recursive_getattr(model, name) for name in model._get_torch_save_params()[1]}


def optimizers(model: BaseAlgorithm) -> dict[str, torch.optim.Optimizer]:
    """Return attribute path -> optimizer."""
    found = {name: recursive_getattr(model, name) for name in model._get_torch_save_params()[0]}
    return {name: part for name, part in found.items() if isinstance(part, torch.optim.Optimizer)}


def get_optimizer(optimizer: torch.optim.Optimizer) -> tuple[Json, Tensors]:
    """Return the state of an optimizer.

    Raises:
        RunError: It is not an Adam.
    """
    if not isinstance(optimizer, torch.optim.Adam):
        raise RunError(f"{type(optimizer).__name__} cannot be checkpointed: use torch.optim.Adam")
    state = optimizer.state_dict()
    entries = {f"{i}/{key}": value for i, values in state["state"].items() for key, value in values.items()}
    tensors = copied({key: value for key, value in entries.items() if isinstance(value, torch.Tensor)})
    plain = {key: value for key, value in entries.items() if key not in tensors}
    return {"groups": state["param_groups"], "entries": plain}, tensors


def check_optimizer(place: str, optimizer: torch.optim.Optimizer, plain: Any, tensors: Tensors) -> None:
    """Check that `set_optimizer` can restore a state.

    Raises:
        RunError: A name, a type or a shape is not that of the optimizer.
    """
    require_names(place, plain, ("groups", "entries"))
    own = optimizer.state_dict()["param_groups"]
    groups = require_list(f"{place}.groups", plain["groups"], len(own))
    for number, (group, present) in enumerate(zip(groups, own, strict=True)):
        where = f"{place}.groups[{number}]"
        require_names(where, group, ("params", "lr"), present)
        for key, value in group.items():
            if key == "params":
                if value != present[key]:
                    raise refuse(f"{where}.params", str(present[key]), value)
            else:
                _check_setting(f"{where}.{key}", value, present[key])
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    require_names(f"{place}.entries", plain["entries"], (), plain["entries"])
    for name, value in {**plain["entries"], **tensors}.items():
        index, _, key = name.partition("/")
        where = f"{place} {name}"
        if not (index.isdecimal() and int(index) < len(parameters) and key in ("step", *_MOMENTS)):
            raise refuse(where, f"one of step, {', '.join(_MOMENTS)} of {len(parameters)} parameters", name)
        if not isinstance(value, torch.Tensor):
            require_number(where, value)
        elif key == "step":
            require_shape(where, value, "float32", ())
        else:
            kind = str(parameters[int(index)].dtype).removeprefix("torch.")
            require_shape(where, value, kind, parameters[int(index)].shape)


def _check_setting(place: str, value: Any, present: Any) -> None:
    """Check the type of a setting of an optimizer against its present value."""
    if isinstance(present, tuple):
        for entry in require_list(place, value, len(present)):
            require_number(place, entry)
    elif isinstance(present, bool) or present is None:
        if value not in (None, False, True):
            raise refuse(place, "true, false or null", value)
    else:
        require_number(place, value)


def set_optimizer(optimizer: torch.optim.Optimizer, plain: Json, tensors: Tensors) -> None:
    """Restore the state from `get_optimizer`."""
    state: dict[int, dict[str, Any]] = defaultdict(dict)
    for name, value in {**plain["entries"], **tensors}.items():
        index, key = name.split("/")
        state[int(index)][key] = value
    for group, present in zip(plain["groups"], optimizer.param_groups, strict=True):
        group |= {key: tuple(group[key]) for key in group if isinstance(present.get(key), tuple)}
    optimizer.load_state_dict({"state": dict(state), "param_groups": plain["groups"]})


def replay_arrays(model: Any) -> dict[str, np.ndarray]:
    """Return the arrays of the replay buffer; empty if the algorithm has no such buffer."""
    buffer = getattr(model, "replay_buffer", None)
    if isinstance(buffer, HerReplayBuffer):
        raise RunError("a HerReplayBuffer cannot be checkpointed: it keeps arbitrary objects")
    return _arrays(vars(buffer)) if buffer is not None else {}


def get_replay(model: Any) -> tuple[Json, Tensors]:
    """Return the filled part of the replay buffer."""
    arrays = replay_arrays(model)
    if not arrays:
        return {}, {}
    buffer = model.replay_buffer
    tensors = {
        key: torch.from_numpy(np.ascontiguousarray(array[: buffer.size()])) for key, array in arrays.items()
    }
    plain = {key: getattr(buffer, name) for key, name in _POSITIONS.items() if hasattr(buffer, name)}
    return plain, tensors


def check_replay(place: str, model: Any, plain: Any, tensors: Tensors) -> None:
    """Check that `set_replay` can restore a buffer.

    Raises:
        RunError: A name, a type, a shape or a position is not that of the model's buffer.
    """
    arrays = replay_arrays(model)
    require_names(f"{place} tensors", tensors, arrays)
    if not arrays:
        require_names(place, plain, ())
        return
    buffer = model.replay_buffer
    names = [key for key, name in _POSITIONS.items() if hasattr(buffer, name)]
    require_names(place, plain, names)
    for key in names:
        if key == "full":
            require_type(f"{place}.full", plain["full"], bool)
        else:
            require_count(f"{place}.{key}", plain[key], buffer.buffer_size)
    size = buffer.buffer_size if plain.get("full") else plain["pos"]
    for key, array in arrays.items():
        require_shape(f"{place} {key}", tensors[key], str(array.dtype), (size, *array.shape[1:]))


def set_replay(model: Any, plain: Json, tensors: Tensors) -> None:
    """Restore the replay buffer from `get_replay`."""
    for key, array in replay_arrays(model).items():
        array[: len(tensors[key])] = tensors[key].numpy()
    for key, value in plain.items():
        setattr(model.replay_buffer, _POSITIONS[key], value)


def get_observed(model: BaseAlgorithm) -> Tensors:
    """Return the latest observations of the environments."""
    arrays = _arrays({name: getattr(model, name) for name in _OBSERVED})
    return {key: torch.tensor(array) for key, array in arrays.items()}


def check_observed(place: str, model: BaseAlgorithm, tensors: Tensors) -> None:
    """Check that `set_observed` can restore the observations.

    Raises:
        RunError: A name or a shape is not that of the model's observations.
    """
    space, count = model.observation_space, model.n_envs
    spaces = space.spaces if isinstance(space, Dict) else {"": space}
    known: dict[str, tuple[str, tuple[int, ...]]] = {"_last_episode_starts": ("bool", (count,))}
    for key, of in spaces.items():
        assert of.shape is not None
        known["_last_obs" + (f"/{key}" if key else "")] = (str(of.dtype), (count, *of.shape))
    require_names(place, tensors, (), known)
    for name, tensor in tensors.items():
        require_shape(f"{place} {name}", tensor, *known[name])


def set_observed(model: BaseAlgorithm, tensors: Tensors) -> None:
    """Restore the observations from `get_observed`."""
    for name in _OBSERVED:
        parts = {key: tensor.numpy() for key, tensor in below(name, tensors).items()}
        setattr(model, name, parts or (tensors[name].numpy() if name in tensors else None))


def _arrays(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the numpy arrays among the values, those of dictionaries as ``name/key``."""
    found = {}
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            found[name] = value
        elif isinstance(value, dict):
            found |= {f"{name}/{key}": array for key, array in value.items() if isinstance(array, np.ndarray)}
    return found

"""Parts of a stable-baselines3 model for a checkpoint, as JSON values and CPU tensors."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.save_util import recursive_getattr
from stable_baselines3.her.her_replay_buffer import HerReplayBuffer

from assembly_rl.runs.files import RunError

Json = dict[str, Any]
Tensors = dict[str, torch.Tensor]

_OBSERVED = ("_last_obs", "_last_episode_starts")
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
    """Return the state of an optimizer."""
    state = optimizer.state_dict()
    entries = {f"{i}/{key}": value for i, values in state["state"].items() for key, value in values.items()}
    tensors = copied({key: value for key, value in entries.items() if isinstance(value, torch.Tensor)})
    plain = {key: value for key, value in entries.items() if key not in tensors}
    return {"groups": state["param_groups"], "entries": plain}, tensors


def set_optimizer(optimizer: torch.optim.Optimizer, plain: Json, tensors: Tensors) -> None:
    """Restore the state from `get_optimizer`."""
    state: dict[int, dict[str, Any]] = defaultdict(dict)
    for name, value in {**plain["entries"], **tensors}.items():
        index, key = name.split("/")
        state[int(index)][key] = value
    for group, present in zip(plain["groups"], optimizer.param_groups, strict=True):
        group |= {key: tuple(group[key]) for key, value in present.items() if isinstance(value, tuple)}
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

"""Checkpoints: the whole state of a stable-baselines3 training in JSON and safetensors.

A checkpoint is a folder with ``state.json``, ``policy.safetensors`` (the networks only, sufficient for
an evaluation), ``training.safetensors`` (optimizers, replay buffer, random states) and ``manifest.json``
with the checksums of the others. It is exact only when observations, buffers and updates are consistent: at
the start of a rollout or after the last update, when `Checkpointer` saves.
"""

import shutil
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from assembly_rl.runs.checks import (
    require_count,
    require_list,
    require_names,
    require_number,
    require_shape,
    shape_of,
)
from assembly_rl.runs.files import (
    RunError,
    publish,
    read_json,
    read_tensors,
    write_json,
    write_tensors,
    writing,
)
from assembly_rl.runs.manifest import FILE as MANIFEST_FILE
from assembly_rl.runs.manifest import Rows, verify, write_manifest
from assembly_rl.runs.parts import (
    Json,
    Tensors,
    below,
    check_observed,
    check_optimizer,
    check_replay,
    copied,
    get_observed,
    get_optimizer,
    get_replay,
    optimizers,
    replay_arrays,
    set_observed,
    set_optimizer,
    set_replay,
    under,
    variables,
)
from assembly_rl.runs.states import (
    check_environments,
    check_streams,
    get_environments,
    get_streams,
    noises,
    set_environments,
    set_streams,
)

FORMAT = 2
"""Format of ``state.json``; checkpoints of format 1 have no manifest."""
POLICY_FILE = "policy.safetensors"
TRAINING_FILE = "training.safetensors"
STATE_FILE = "state.json"

_COUNTERS = (
    "num_timesteps",
    "_n_updates",
    "_episode_num",
    "_total_timesteps",
    "_num_timesteps_at_start",
    "_current_progress_remaining",
)
_EPISODES = ("ep_info_buffer", "ep_success_buffer")
_STATE = ("format", "layout", "counters", "episodes", "optimizers", "replay", "streams", "environments")
_TENSORS = ("variable", "observed", "stream", "replay", "optimizer")


def save_checkpoint(model: BaseAlgorithm, folder: Path, rows: Mapping[str, Rows] | None = None) -> None:
    """Write the whole state of a training atomically: the folder is complete or absent.

    Args:
        model: Model in training.
        folder: Folder of the checkpoint.
        rows: Name of a CSV file of the run -> its content so far.

    Raises:
        RunError: A checkpoint cannot hold the state of the training exactly, or it cannot be written.
    """
    folder = Path(folder)
    environments = get_environments(_environments(model))
    streams, stream_tensors = get_streams(model)
    replay, replay_tensors = get_replay(model)
    tensors = {
        **under("variable", copied(variables(model))),
        **under("observed", get_observed(model)),
        **under("stream", stream_tensors),
        **under("replay", replay_tensors),
    }
    optimizer_states = {}
    for name, optimizer in optimizers(model).items():
        optimizer_states[name], entries = get_optimizer(optimizer)
        tensors |= under(f"optimizer/{name}", entries)
    state = {
        "format": FORMAT,
        "layout": _layout(model),
        "counters": {name: getattr(model, name) for name in _COUNTERS},
        "episodes": {name: list(getattr(model, name) or ()) for name in _EPISODES},
        "optimizers": optimizer_states,
        "replay": replay,
        "streams": streams,
        "environments": environments,
    }

    partial = folder.with_name(f".{folder.name}.partial")
    try:
        with writing(folder):
            if partial.exists():
                shutil.rmtree(partial)
            partial.mkdir(parents=True)
        save_policy(model.policy, partial)
        write_tensors(partial / TRAINING_FILE, tensors)
        write_json(partial / STATE_FILE, state)
        write_manifest(partial, model.num_timesteps, dict(rows or {}))
        with writing(folder):
            if folder.exists():
                shutil.rmtree(folder)
            publish(partial, folder)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(partial)  # on a full disk it would be in the way
        raise


def verify_checkpoint(folder: Path) -> dict[str, Rows] | None:
    """Verify that the files of a checkpoint are complete and undamaged.

    Returns:
        Name of a CSV file of the run -> its content at the step; None for a checkpoint of format 1, which
        does not know it.

    Raises:
        RunError: A file is missing or damaged; the message names it.
    """
    folder = Path(folder)
    if not (folder / MANIFEST_FILE).exists() and read_json(folder / STATE_FILE, FORMAT)["format"] == 1:
        read_tensors(folder / TRAINING_FILE)
        read_policy(folder)
        return None
    return verify(folder)


def load_checkpoint(model: BaseAlgorithm, folder: Path) -> int:
    """Restore a training into a new model of the same configuration.

    All data is read and checked before the model is changed. Continue with `learn_until`.

    Returns:
        Step of the checkpoint.

    Raises:
        RunError: A file is missing or damaged, or the model differs from the saved one.
    """
    folder = Path(folder)
    verify_checkpoint(folder)
    state = read_json(folder / STATE_FILE, FORMAT, {"layout": dict})
    _compare(folder, state["layout"], _layout(model))
    tensors = read_tensors(folder / TRAINING_FILE)
    weights = _read_policy(model.policy, folder)
    try:
        _check(folder, model, state, tensors)
        place = f"{folder / STATE_FILE}: environments"
        set_environments(place, _environments(model), state["environments"])  # first: it runs external code
    except RunError as error:
        raise RunError(f"{error}, or remove {folder} to go on from an earlier checkpoint") from error
    model.policy.load_state_dict(weights)
    with torch.no_grad():
        for name, tensor in variables(model).items():
            tensor.copy_(tensors[f"variable/{name}"])  # in place, because an optimizer holds it
    for name, optimizer in optimizers(model).items():
        set_optimizer(optimizer, state["optimizers"][name], below(f"optimizer/{name}", tensors))
    for name in _COUNTERS:
        setattr(model, name, state["counters"][name])
    for name in _EPISODES:
        setattr(model, name, deque(state["episodes"][name], maxlen=model._stats_window_size))
    set_replay(model, state["replay"], below("replay", tensors))
    set_observed(model, below("observed", tensors))
    set_streams(model, state["streams"], below("stream", tensors))
    return model.num_timesteps


def _check(folder: Path, model: BaseAlgorithm, state: Json, tensors: Tensors) -> None:
    """Check that a state has exactly the names, types and shapes of the model."""
    file, other = str(folder / STATE_FILE), str(folder / TRAINING_FILE)
    require_names(file, state, _STATE)
    require_names(f"{file}: counters", state["counters"], _COUNTERS)
    for name, value in state["counters"].items():
        if name == "_current_progress_remaining":
            require_number(f"{file}: counters.{name}", value)
        else:
            require_count(f"{file}: counters.{name}", value)
    require_names(f"{file}: episodes", state["episodes"], _EPISODES)
    infos, successes = (
        require_list(f"{file}: episodes.{name}", state["episodes"][name]) for name in _EPISODES
    )
    for info in infos:
        require_names(f"{file}: episodes.ep_info_buffer", info, ("r", "l", "t"), info)
        for name in ("r", "l", "t"):
            require_number(f"{file}: episodes.ep_info_buffer {name}", info[name], finite=False)
    for success in successes:
        require_number(
            f"{file}: episodes.ep_success_buffer", float(success) if success in (0, 1) else success
        )

    known, unknown = variables(model), [key for key in tensors if key.partition("/")[0] not in _TENSORS]
    require_names(other, dict.fromkeys(unknown), ())
    require_names(f"{other}: variable", below("variable", tensors), known)
    for name, tensor in known.items():
        kind = str(tensor.dtype).removeprefix("torch.")
        require_shape(f"{other}: {name}", tensors[f"variable/{name}"], kind, tensor.shape)
    require_names(f"{file}: optimizers", state["optimizers"], optimizers(model))
    owners = {f"optimizer/{name}/" for name in optimizers(model)}
    stray = [key for key in tensors if key.startswith("optimizer/") and not key.startswith(tuple(owners))]
    require_names(other, dict.fromkeys(stray), ())
    for name, optimizer in optimizers(model).items():
        entries = below(f"optimizer/{name}", tensors)
        check_optimizer(f"{file}: optimizers.{name}", optimizer, state["optimizers"][name], entries)
    check_replay(f"{file}: replay", model, state["replay"], below("replay", tensors))
    check_observed(f"{other}: observed", model, below("observed", tensors))
    check_streams(f"{file}: streams", model, state["streams"], below("stream", tensors))
    check_environments(f"{file}: environments", _environments(model), state["environments"])


def load_replay(model: BaseAlgorithm, folder: Path) -> None:
    """Read only the replay buffer of a checkpoint.

    Raises:
        RunError: A file is missing or damaged, or the buffer does not fit the model's.
    """
    verify_checkpoint(folder)
    replay = read_json(Path(folder) / STATE_FILE, FORMAT, {"replay": dict})["replay"]
    tensors = below("replay", read_tensors(Path(folder) / TRAINING_FILE))
    for name, array in replay_arrays(model).items():
        found = tensors.get(name)
        if found is None or found.shape[1:] != array.shape[1:] or len(found) > len(array):
            raise RunError(f"{folder}: its replay buffer does not fit: {name} is not {array.shape}")
    check_replay(f"{folder / STATE_FILE}: replay", model, replay, tensors)
    set_replay(model, replay, tensors)


def save_policy(policy: torch.nn.Module, folder: Path) -> None:
    """Write only the networks, and replace those in the folder atomically."""
    with writing(Path(folder)):
        Path(folder).mkdir(parents=True, exist_ok=True)
    write_tensors(Path(folder) / POLICY_FILE, copied(policy.state_dict()))


def load_policy(policy: torch.nn.Module, folder: Path) -> None:
    """Read only the networks of a checkpoint or of `save_policy`.

    Raises:
        RunError: The file is missing or damaged, or the networks differ.
    """
    policy.load_state_dict(_read_policy(policy, Path(folder)))


def read_policy(folder: Path) -> Tensors:
    """Read the networks of a checkpoint, or of `save_policy`, as tensors by their names.

    Raises:
        RunError: The file is missing or damaged.
    """
    return read_tensors(Path(folder) / POLICY_FILE)


def _read_policy(policy: torch.nn.Module, folder: Path) -> Tensors:
    weights = read_policy(folder)
    _compare(folder / POLICY_FILE, _shapes(weights), _shapes(policy.state_dict()))
    return weights


def _environments(model: BaseAlgorithm) -> VecEnv:
    if model.env is None:
        raise RunError("a model without environments cannot be checkpointed; see save_policy and load_policy")
    return model.env


def _layout(model: BaseAlgorithm) -> Json:
    """Return the properties in which a checkpoint and the model that loads it must agree."""
    return {
        "algorithm": type(model).__qualname__,
        "observation_space": repr(model.observation_space),
        "action_space": repr(model.action_space),
        "n_envs": model.n_envs,
        "policy": _shapes(model.policy.state_dict()),
        "variables": _shapes(variables(model)),
        "optimizers": {
            name: f"{type(optimizer).__name__}{[len(group['params']) for group in optimizer.param_groups]}"
            for name, optimizer in optimizers(model).items()
        },
        "action_noise": [type(noise).__name__ for noise in noises(model)],
        "replay": _shapes(replay_arrays(model)),
    }


def _shapes(arrays: Mapping[str, torch.Tensor | np.ndarray]) -> dict[str, str]:
    return {key: shape_of(array) for key, array in arrays.items()}


def _compare(source: Path, saved: Json, present: Json) -> None:
    found = list(_differences(saved, present, ""))
    if found:
        more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
        raise RunError(f"{source} does not fit this model: " + "; ".join(found[:5]) + more)


def _differences(saved: Json, present: Json, where: str) -> Iterator[str]:
    for key in [*saved, *(key for key in present if key not in saved)]:
        before, now = saved.get(key, "absent"), present.get(key, "absent")
        if isinstance(before, dict) and isinstance(now, dict):
            yield from _differences(before, now, f"{where}{key}: ")
        elif before != now:
            yield f"{where}{key}: saved {before}, model {now}"

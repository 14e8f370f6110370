"""Loading of trained policies from run directories, without a simulation or seeding."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import torch

from assembly_rl.controllers.insertion import Observer
from assembly_rl.controllers.serialization import NAMES, complete
from assembly_rl.controllers.validation import InputError
from assembly_rl.evaluation import LearnedPolicy
from assembly_rl.learners.actor import ActorWeights
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.checkpoint import POLICY_FILE, read_policy
from assembly_rl.runs.checks import shape_of
from assembly_rl.runs.files import shown
from assembly_rl.training.config import TrainConfig


def read_config(run: RunDirectory) -> TrainConfig:
    """Return the configuration of a run.

    Raises:
        RunError: This version refuses the run's configuration; the message names the value.
    """
    place = f"{run.path / 'run.json'}: config"
    try:
        config = TrainConfig.from_mapping(run.config)
        _require_types(config, "config")
    except (AttributeError, LookupError, TypeError, OverflowError) as error:
        raise RunError(f"{place} holds no configuration of a training: {error!r}") from error
    except InputError as error:
        raise RunError(f"{place}: {error}") from error
    return config


def _require_types(config: Any, path: str) -> None:
    """Raise a ValueError for a value, such as a text, that a field of a dataclass is not declared to have."""
    hints = get_type_hints(type(config))
    for field in fields(config):
        value, hint, own = getattr(config, field.name), hints[field.name], f"{path}.{field.name}"
        kinds = (
            [kind for kind in get_args(hint) if kind is not NoneType] if isinstance(hint, UnionType) else []
        )
        kind = kinds[0] if kinds else hint
        if is_dataclass(value):
            _require_types(value, own)
        elif is_dataclass(kind) and not (kinds and value is None):
            raise InputError(f"{own} must be an object, got {shown(value)}")
        elif len(kinds) < 2 and (kind in NAMES or get_origin(kind) is list):
            complete(hint, value, own)


def load_actor(run: RunDirectory) -> ActorWeights:
    """Read the actor of a run's best policy, averaged over the symmetries if it was trained so.

    Raises:
        RunError: There is no best policy yet, or its file is damaged.
    """
    if not run.best.is_dir():
        raise RunError(f"{run.path} has no best policy yet: let its training come to a validation")
    place = run.best / POLICY_FILE
    try:
        actor = ActorWeights.from_state(read_policy(run.best))
    except (KeyError, TypeError) as error:
        raise RunError(f"{place} holds no policy: {error}") from error
    heads = [actor.mean, *([actor.log_std] if isinstance(actor.log_std, tuple) else [])]
    for layers in ([*actor.hidden, head] for head in heads):
        inputs = None
        for weight, bias in layers:
            kinds = {weight.dtype, bias.dtype}
            if kinds != {torch.float32} or weight.dim() != 2 or bias.shape != weight.shape[:1]:
                raise RunError(
                    f"{place} holds no policy: a layer has {shape_of(weight)} and {shape_of(bias)}"
                )
            if inputs not in (None, weight.shape[1]):
                raise RunError(f"{place} holds no policy: {inputs} outputs meet {weight.shape[1]} inputs")
            inputs = weight.shape[0]
    config = read_config(run)
    return _symmetrized(actor, config, place) if config.algo.is_symmetrized else actor


def _symmetrized(actor: ActorWeights, config: TrainConfig, place: Path) -> ActorWeights:
    names, inputs = Observer(config.task.observation).names, actor.hidden[0][0].shape[1]
    if len(names) != inputs:
        raise RunError(f"{place} holds a policy of {inputs} inputs; its task has {len(names)}")
    return actor.symmetrized(names)


def load_policy(run: RunDirectory | str | Path) -> LearnedPolicy:
    """Load the best policy of a run.

    Args:
        run: Run or its folder.

    Raises:
        RunError: There is no such run, it has no best policy yet, or a file is damaged.
    """
    own = run if isinstance(run, RunDirectory) else RunDirectory.open(run)
    return LearnedPolicy(load_actor(own).network())

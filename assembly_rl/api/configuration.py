"""Configurations from names, objects and mappings."""

import dataclasses
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
from rich.console import Console

from assembly_rl.configuration.composition import choices, composed, converted
from assembly_rl.configuration.keys import assign
from assembly_rl.configuration.overrides import require_distinct
from assembly_rl.configuration.quick import with_quick
from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.envs.library import Part, Task, is_file, make_part, make_task
from assembly_rl.learners.config import AlgorithmConfig
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import MethodConfig

Progress = bool | Console
"""True to show progress and results, False to show nothing, or a console of rich."""


def make_config(
    *overrides: str,
    geometry: Part | None = None,
    task: Task | None = None,
    algo: str | AlgorithmConfig | None = None,
    method: str | MethodConfig | None = None,
    **fields: Any,
) -> TrainConfig:
    """Compose the configuration of a training, as ``assembly-rl-train`` does.

    Args:
        *overrides: Overrides as on the command line, such as ``"algo.batch_size=128"``.
        geometry: Name of a part of conf/geometry, path of a part file, a part, or a mapping of its fields.
        task: Name of a task of conf/task, a task, or a (nested) mapping of its fields.
        algo: Name of an algorithm, or its configuration.
        method: Name of a method, or its configuration.
        **fields: Further fields of ``TrainConfig``, such as ``steps`` and ``seed``.

    Raises:
        ValueError: A name or a key is unknown, a value is refused, or an override is of something that is
            given as an object or a field, too.
    """
    given = list(overrides)
    objects: dict[str, Any] = {}
    if isinstance(geometry, str) and not is_file(geometry):
        given.append(_choice("geometry", geometry))
    elif geometry is not None:
        objects["geometry"] = geometry
    if isinstance(task, str):
        given.append(_choice("task", task))
    elif task is not None:
        objects["task"], _ = make_task(task)
    for group, value in (("algo", algo), ("method", method)):
        if isinstance(value, str):
            given.append(_choice(group, value))
        elif value is not None:
            objects[group] = value
    known = [field.name for field in dataclasses.fields(TrainConfig)]
    for name in fields:
        if name not in known:
            raise InputError(unknown("field of a training", name, known))
    for name in (*objects, *fields):
        for override in overrides:
            if override.lstrip("+").startswith((f"{name}=", f"{name}.")):
                raise InputError(
                    f"{name} is given twice, by {name}=... and by {override!r}: give one of them"
                )
    if fields.get("quick") is True:
        given.append("quick=true")
    given = with_quick("train", given, fields)
    require_distinct(given)
    values = composed("train", *given)
    if "geometry" in objects:  # the task may set the chamfer
        objects["geometry"] = geometry_config(objects["geometry"], {"chamfer": values.geometry.chamfer})
    for name, value in fields.items():
        if dataclasses.is_dataclass(value):
            objects[name] = value
        else:
            assign(values, name, _plain(value))
    own = {name: converted(values, name) for name in known if name not in objects}
    return TrainConfig(**objects, **own)


def _plain(value: Any) -> Any:
    """Return a path as text, and a scalar of numpy as a number of Python."""
    if isinstance(value, PurePath):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value


def _choice(group: str, name: str) -> str:
    if name not in choices(group):
        raise InputError(unknown(group, name, choices(group)))
    return f"{group}={name}"


def geometry_config(part: Part, preset: Mapping[str, Any] | None = None) -> GeometryConfig:
    """Return the configuration of a part; see ``make_part``."""
    own = make_part(part, preset)
    return GeometryConfig(**{name: getattr(own, name) for name in GeometryConfig.__dataclass_fields__})


def console_of(progress: Progress) -> Console:
    """Return the console of a progress argument."""
    if isinstance(progress, Console):
        return progress
    return Console(quiet=not progress)

"""Parts and tasks by name, from files, objects and mappings; names are those of the command line.

Hydra and YAML are imported when a name or a file is given: most programs of the environment need neither.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from importlib import resources
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any

from assembly_rl.controllers.serialization import from_mapping
from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs.config import TaskConfig, copied
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.geometry.config import GeometryConfig

CONFIG_PACKAGE = "assembly_rl.conf"

Part = str | PathLike[str] | PegHole | GeometryConfig | Mapping[str, Any]
"""Name of a part of conf/geometry, path of a part file, a part, or a mapping of its fields."""
Task = str | TaskConfig | Mapping[str, Any]
"""Name of a task of conf/task, a task, or a (nested) mapping of its fields."""

_composing = Lock()


def names(group: str) -> list[str]:
    """Return the names of the files of a configuration group, sorted."""
    folder = resources.files(CONFIG_PACKAGE).joinpath(group)
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def is_file(part: object) -> bool:
    """Return True for the path of a part file."""
    from assembly_rl.envs.geometry.files import is_part_file

    return isinstance(part, PathLike) or (isinstance(part, str) and is_part_file(part))


def make_part(part: Part, preset: Mapping[str, Any] | None = None) -> PegHole:
    """Make a part from its name, a file, an object or a mapping of its fields; an object is copied.

    Args:
        part: Part.
        preset: Fields that the task sets: for a part by name, and for a file or a mapping without them.

    Raises:
        ValueError: The name is unknown (the message suggests the closest), the file is none, or a field is
            refused.
    """
    preset = preset or {}
    if isinstance(part, PegHole):
        return replace(part)
    if isinstance(part, GeometryConfig):
        return part.part()
    if isinstance(part, Mapping):
        return from_mapping(PegHole, {**preset, **part})
    if is_file(part):
        from assembly_rl.envs.geometry.files import check_part, read_part

        path = Path(part)
        return check_part(path, {**preset, **read_part(path)})
    if isinstance(part, str):
        return replace(_named_part(part), **preset)
    raise InputError(
        "part must be the name of a part, the path of a part file, a PegHole or a mapping of its fields, "
        f"got {part!r:.80}"
    )


def make_task(task: Task) -> tuple[TaskConfig, dict[str, Any]]:
    """Make a task from its name, an object or a mapping of its fields; an object is copied and checked.

    Args:
        task: Task.

    Returns:
        Task, and the fields of the part that it sets, such as the chamfer.

    Raises:
        ValueError: The name is unknown (the message suggests the closest), or a field is refused.
    """
    if isinstance(task, TaskConfig):
        return copied(task), {}
    if isinstance(task, str):
        named, preset = _named_task(task)
        return copied(named), deepcopy(preset)
    if isinstance(task, Mapping):
        return copied(from_mapping(TaskConfig, task)), {}
    raise InputError(
        f"task must be the name of a task, a TaskConfig or a mapping of its fields, got {task!r:.80}"
    )


def make_part_and_task(part: Part | None = None, task: Task | None = None) -> tuple[PegHole, TaskConfig]:
    """Make a part and a task, by default a square and the default task, as ``geometry=`` and ``task=`` do.

    Args:
        part: Part; see ``make_part``.
        task: Task; see ``make_task``. One that is given by its name may set fields of the part.

    Raises:
        ValueError: ``make_part`` or ``make_task`` refuses its argument.
    """
    own_task, preset = make_task(TaskConfig() if task is None else task)
    return make_part({} if part is None else part, preset), own_task


def register_schemas() -> None:
    """Register the schemas of the files of parts and tasks with Hydra."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    store.store("schema", TaskConfig, group="task")
    store.store("schema", GeometryConfig, group="geometry")


@cache
def _named_part(name: str) -> PegHole:
    from omegaconf import OmegaConf
    from omegaconf.errors import MissingMandatoryValue

    try:
        config = OmegaConf.to_object(_composed("geometry", name).geometry)
    except MissingMandatoryValue:
        raise InputError(
            f"the part {name!r} has no dimensions of its own: give a mapping with section and parameters, or "
            "a part file"
        ) from None
    assert isinstance(config, GeometryConfig)
    return config.part()


@cache
def _named_task(name: str) -> tuple[TaskConfig, dict[str, Any]]:
    from omegaconf import OmegaConf

    config = OmegaConf.to_object(_composed("task", name))
    assert isinstance(config, dict) and isinstance(config["task"], TaskConfig)
    return config["task"], config.get("geometry", {})


def _composed(group: str, name: str) -> Any:
    """Compose a file of a group alone, also inside of another program's Hydra."""
    from hydra import compose, initialize_config_module
    from hydra.core.global_hydra import GlobalHydra

    known = names(group)
    if name not in known:
        raise InputError(unknown(group, name, known))
    register_schemas()
    with _composing:
        current = GlobalHydra.instance()
        hydra, current.hydra = current.hydra, None
        try:
            with initialize_config_module(CONFIG_PACKAGE, version_base="1.3"):
                return compose(overrides=[f"+{group}={name}"])
        finally:
            GlobalHydra.instance().hydra = hydra

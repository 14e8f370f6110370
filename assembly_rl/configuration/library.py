"""Loading of parts and controllers by the names of their files under conf/."""

from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from assembly_rl.configuration.composition import CONFIG_PACKAGE, names
from assembly_rl.controllers.serialization import from_mapping
from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs import PegHole
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.envs.geometry.files import is_part_file, part_from_file
from assembly_rl.evaluation.candidates import ControllerConfig


def load_part(name: str) -> PegHole:
    """Load a part of conf/geometry by name, or from a file.

    Args:
        name: Name of a part, or path of a YAML, DXF or SVG file.

    Raises:
        ValueError: The name is unknown (the message suggests the closest), or the part is refused.
    """
    if is_part_file(name):
        return part_from_file(Path(name))
    fields = _read("geometry", name)
    fields.pop("defaults", None)
    return from_mapping(GeometryConfig, fields).part()


def load_controller(name: str) -> ControllerConfig:
    """Load a baseline of conf/controller by name.

    Raises:
        ValueError: The name is unknown; the message suggests the closest.
    """
    return from_mapping(ControllerConfig, _read("controller", name)[name])


def _read(group: str, name: str) -> dict[str, Any]:
    if name not in names(group):
        raise InputError(unknown(group, name, names(group)))
    text = resources.files(CONFIG_PACKAGE).joinpath(group, f"{name}.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content

"""Loading of controllers by the names of their files under conf/."""

from importlib import resources

import yaml

from assembly_rl.controllers.serialization import from_mapping
from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs.library import CONFIG_PACKAGE, names
from assembly_rl.evaluation.candidates import ControllerConfig


def load_controller(name: str) -> ControllerConfig:
    """Load a baseline of conf/controller by name.

    Raises:
        ValueError: The name is unknown; the message suggests the closest.
    """
    known = names("controller")
    if name not in known:
        raise InputError(unknown("controller", name, known))
    text = resources.files(CONFIG_PACKAGE).joinpath("controller", f"{name}.yaml").read_text(encoding="utf-8")
    return from_mapping(ControllerConfig, yaml.safe_load(text)[name])

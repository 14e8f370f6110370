"""All keys of a command with their meaning, which is that of the docstrings."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from assembly_rl.configuration.composition import composed_with_choices

ATTRIBUTE = re.compile(r"(\w+(?:, \w+)*): (.*)")


def meanings(kind: type) -> dict[str, str]:
    """Return the meaning of each field of a configuration, from the docstrings of its class and bases."""
    found: dict[str, str] = {}
    for own in reversed(kind.__mro__):
        text = inspect.cleandoc(own.__doc__ or "") if is_dataclass(own) else ""
        _, _, section = text.partition("\nAttributes:\n")
        entries = re.split(r"\n(?=    \S)", section.partition("\n\n")[0])
        for entry in entries:
            if match := ATTRIBUTE.match(" ".join(entry.split())):
                found |= dict.fromkeys(match[1].split(", "), match[2])
    return found


def lines(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield a line for each key of a configuration: ``key = value  # meaning``."""
    kind: Any = OmegaConf.get_type(config)
    known = meanings(kind) if isinstance(kind, type) else {}
    for name in map(str, config):
        key, node = f"{prefix}{name}", config._get_node(name)
        if isinstance(node, DictConfig) and is_dataclass(OmegaConf.get_type(node)):
            yield f"\n# {key}: {known.get(name, '')}".rstrip(": ")
            yield from lines(node, f"{key}.")
        else:
            meaning = known.get(name)
            yield f"{key} = {_plain(node)}{f'  # {meaning}' if meaning else ''}"


def _plain(node: Any) -> str:
    value = OmegaConf.to_container(node) if OmegaConf.is_config(node) else node._value()
    return "null" if value is None else str(value) or "''"


def all_keys(config_name: str, overrides: list[str]) -> str:
    """Return choices and keys of a command, with values after overrides.

    Raises:
        InputError: An override is refused.
    """
    config, choices = composed_with_choices(config_name, *overrides)
    text = [f"{group}: {', '.join(names)}" for group, names in choices.items()]
    return "\n".join([*text, *lines(config)])

"""Configuration objects from plain mappings, as YAML gives them."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def from_mapping(kind: type[T], values: Mapping[str, Any]) -> T:
    """Build a dataclass from a nested mapping of its fields; what is not given keeps its default.

    Raises:
        ValueError: An unknown key (the message has the closest) or enum value, or a value the class refuses.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    built: dict[str, Any] = {}
    for key, value in values.items():
        if key not in names:
            close = get_close_matches(str(key), names, 1, 0.0)[0]
            raise ValueError(
                f"{kind.__name__} has no field {key!r}; did you mean {close!r}? Known: {', '.join(names)}"
            )
        hint = hints[key]
        if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
            value = from_mapping(hint, value)
        elif isinstance(hint, type) and issubclass(hint, Enum) and not isinstance(value, Enum):
            if value not in hint.__members__:
                raise ValueError(
                    f"{kind.__name__}.{key} must be one of {', '.join(hint.__members__)}, got {value!r}"
                )
            value = hint[value]
        built[key] = value
    return kind(**built)

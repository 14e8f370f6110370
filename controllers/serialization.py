"""Conversion of configuration objects from and to plain mappings, as in YAML and JSON."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from assembly_rl.controllers.validation import InputError, closest, is_finite

T = TypeVar("T")

NAMES = {float: "a finite number", int: "an integer", bool: "true or false", str: "text"}


def from_mapping(kind: type[T], values: Mapping[str, Any]) -> T:
    """Build a dataclass from a nested mapping of its fields; omitted fields keep their defaults.

    Raises:
        ValueError: A key (the message suggests the closest) or enum value is unknown, or a value is refused.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    built: dict[str, Any] = {}
    for key, value in values.items():
        if key not in names:
            raise InputError(
                f"{kind.__name__} has no field {key!r}; did you mean {closest(key, names)!r}? "
                f"Known: {', '.join(names)}"
            )
        hint = _without_none(hints[key])
        if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
            value = from_mapping(hint, value)
        elif isinstance(hint, type) and issubclass(hint, Enum) and not isinstance(value, Enum):
            if value not in hint.__members__:
                raise InputError(
                    f"{kind.__name__}.{key} must be one of {', '.join(hint.__members__)}, got {value!r}"
                )
            value = hint[value]
        built[key] = deepcopy(value) if isinstance(value, list | dict) else value
    return kind(**built)


def copied(config: T, kind: type[T] | None = None) -> T:
    """Return a copy of a configuration object, checked anew, that shares nothing with it.

    Args:
        config: Object of a dataclass, whose fields may be such objects.
        kind: Base class of which the copy is made; by default that of the object.

    Raises:
        ValueError: A value was changed to one that the class refuses.
    """
    own = kind or type(config)
    values = {field.name: getattr(config, field.name) for field in fields(own)}  # type: ignore[arg-type]
    return own(
        **{
            name: copied(value) if is_dataclass(value) and not isinstance(value, type) else deepcopy(value)
            for name, value in values.items()
        }
    )


def to_mapping(config: Any) -> Any:
    """Convert a configuration object into a nested mapping, in types of JSON."""
    if isinstance(config, Mapping):
        return {key: to_mapping(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [to_mapping(value) for value in config]
    if isinstance(config, Enum):
        return config.name
    return config if isinstance(config, str | int | float | None) else to_mapping(asdict(config))


def complete(kind: Any, values: Any, path: str) -> Any:
    """Check that JSON has exactly the fields of a dataclass with their types; convert integers to floats.

    ``from_mapping`` can then build the dataclass, which does its own checks.

    Args:
        kind: Dataclass, or type of a field.
        values: Value in JSON.
        path: Path of the value, for the message, such as ``insertion.path``.

    Raises:
        ValueError: A field is missing, unknown or of another type.
    """
    if kind is Any or (isinstance(kind, UnionType) and values is None):
        return values
    kind = _without_none(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return _complete_fields(kind, values, path)
    if get_origin(kind) is list:
        if not isinstance(values, list):
            raise InputError(f"{path} must be a list, got {_shown(values)}")
        return [complete(get_args(kind)[0], value, f"{path}[{k}]") for k, value in enumerate(values)]
    if get_origin(kind) is dict:
        if not isinstance(values, dict):
            raise InputError(f"{path} must be an object, got {_shown(values)}")
        return {key: complete(get_args(kind)[1], value, f"{path}.{key}") for key, value in values.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        if values not in list(kind.__members__):
            raise InputError(f"{path} must be one of {', '.join(kind.__members__)}, got {_shown(values)}")
        return values
    if not _is(kind, values):
        raise InputError(f"{path} must be {NAMES[kind]}, got {_shown(values)}")
    return float(values) if kind is float else values


def _without_none(hint: Any) -> Any:
    """Return the type of an optional field without None."""
    if not isinstance(hint, UnionType):
        return hint
    (kind,) = (choice for choice in get_args(hint) if choice is not NoneType)
    return kind


def _complete_fields(kind: type[Any], values: Any, path: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise InputError(f"{path} must be an object, got {_shown(values)}")
    hints = get_type_hints(kind)
    for name in values:
        if name not in hints:
            raise InputError(f"{path}.{name} is unknown; did you mean {closest(name, hints)!r}?")
    for name in hints:
        if name not in values:
            raise InputError(f"{path}.{name} is missing")
    return {name: complete(hint, values[name], f"{path}.{name}") for name, hint in hints.items()}


def _is(kind: type[Any], value: Any) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and is_finite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

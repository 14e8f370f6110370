"""Keys of a composed configuration: their declared types, assignment of values, and the nearest names."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from difflib import SequenceMatcher
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from assembly_rl.controllers.validation import InputError

SINGULAR = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
PLURAL = {int: "whole numbers", float: "numbers", bool: "true or false", str: "texts"}
LARGEST_HINT = 10**18
LONGEST = 80
"""Longest value in a message [characters]."""
SIMILAR = 0.6
"""Least similarity of a name that is suggested, from 0 to 1."""


def without_none(kind: Any) -> tuple[Any, bool]:
    """Return a type without None, and True if None is a value of it."""
    if get_origin(kind) in (Union, UnionType):
        others = [choice for choice in get_args(kind) if choice is not NoneType]
        return (others[0] if len(others) == 1 else Any), NoneType in get_args(kind)
    return kind, kind is Any


def declared_type(config: DictConfig, key: str) -> Any:
    """Return the type that the schema declares for a dotted key; Any where everything is allowed.

    Raises:
        KeyError: The schema has no such key.
    """
    node, kind = config, OmegaConf.get_type(config)
    for part in key.split("."):
        kind = _type_of_entry(node, kind, part)
        node = _entry(node, part)
    return kind


def _type_of_entry(node: Any, declared: Any, part: str) -> Any:
    kind = without_none(declared)[0]
    actual = OmegaConf.get_type(node) if isinstance(node, DictConfig) else None
    kind = actual if is_dataclass(actual) else kind
    if is_dataclass(kind):
        if part in {field.name for field in fields(kind)}:
            return get_type_hints(kind)[part]
        if _entry(node, part) is not None:
            return Any  # the root's key of Hydra itself
        raise KeyError(part)
    if kind is dict or get_origin(kind) is dict:
        return get_args(kind)[1] if get_args(kind) else Any
    if get_origin(kind) is list and part.isdecimal():
        return get_args(kind)[0]
    if kind is Any:
        return Any
    raise KeyError(part)


def _entry(node: Any, part: str) -> Any:
    """Return the value of a key or an index; None where there is none yet."""
    if not _has(node, part):
        return None
    if isinstance(node, ListConfig):
        return node[int(part)]
    return None if OmegaConf.is_missing(node, part) or OmegaConf.is_interpolation(node, part) else node[part]


def _has(node: Any, part: str) -> bool:
    if isinstance(node, ListConfig):
        return part.isdecimal() and int(part) < len(node)
    return isinstance(node, DictConfig) and part in node.keys()  # noqa: SIM118, as missing values count


def is_open(config: DictConfig, key: str) -> bool:
    """Return True if the parent of a key takes any further key: a mapping, not fields of a schema."""
    parent = key.rpartition(".")[0]
    node = OmegaConf.select(config, parent) if parent else config
    return not (isinstance(node, DictConfig) and is_dataclass(OmegaConf.get_type(node)))


def exists(config: DictConfig, key: str) -> bool:
    """Return True if a configuration has a key, whatever its value."""
    parent, _, name = key.rpartition(".")
    return _has(OmegaConf.select(config, parent) if parent else config, name)


def expected(kind: Any) -> str:
    """Return the values that a type takes, in words."""
    kind, optional = without_none(kind)
    if get_origin(kind) is list:
        inner = get_args(kind)[0]
        words = "a list of " + (PLURAL.get(inner) or ("lists" if get_origin(inner) is list else "values"))
        words += ", such as [[1,2],[3,4]]" if get_origin(inner) is list else ""
    elif isinstance(kind, type) and issubclass(kind, Enum):
        words = "one of " + ", ".join(kind.__members__)
    elif is_dataclass(kind):
        words = "a section with " + ", ".join(field.name for field in fields(kind))
    else:
        words = SINGULAR.get(kind, "a mapping such as {name:value}")
    return words + " or null" * (optional and kind is not Any)


def assign(config: DictConfig, key: str, value: Any, shown: str | None = None, add: bool = False) -> None:
    """Set a value of a composed configuration.

    Args:
        config: Configuration, which is changed.
        key: Dotted key.
        value: Value; a mapping sets the keys of a section.
        shown: Value as it was typed, for the message.
        add: True to add a key to a mapping.

    Raises:
        InputError: The key is unknown or the value is not of its type.
    """
    shown = repr(value) if shown is None else shown
    shown = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."
    try:
        kind = declared_type(config, key)
    except KeyError:
        raise InputError(unknown_key(config, key)) from None
    if not exists(config, key) and is_open(config, key) and not add:
        raise InputError(f"{unknown_key(config, key)} (+{key}={shown} adds a new one)")
    section = without_none(kind)[0]
    if isinstance(value, dict) and is_dataclass(section) and exists(config, key):
        for name, entry in value.items():
            assign(config, f"{key}.{name}", entry, add=add)
        return
    try:
        if section is bool and isinstance(value, int) and value not in (0, 1):
            raise ValueError
        flat = get_origin(section) is list and get_args(section)[0] in SINGULAR
        if flat and isinstance(value, list) and any(isinstance(entry, list | dict) for entry in value):
            raise ValueError  # OmegaConf takes a list as an entry of any list
        with open_dict(config):
            OmegaConf.update(config, key, value, merge=True)
    except (OmegaConfBaseException, ValueError, TypeError, OverflowError):
        raise InputError(f"{key} must be {expected(kind)}, got {shown}{_remedy(kind, value)}") from None


def delete(config: DictConfig, key: str) -> None:
    """Remove a key from a mapping of a composed configuration.

    Raises:
        InputError: The key does not exist, or is a field of a schema.
    """
    try:
        declared_type(config, key)
    except KeyError:
        raise InputError(unknown_key(config, key)) from None
    if not is_open(config, key):
        raise InputError(f"{key} cannot be removed, only set: write {key}=<value> instead of ~{key}")
    if not exists(config, key):
        raise InputError(unknown_key(config, key))
    parent, _, name = key.rpartition(".")
    with open_dict(config):
        del OmegaConf.select(config, parent)[name]


def _remedy(kind: Any, value: Any) -> str:
    number = without_none(kind)[0] is int and isinstance(value, float) and value.is_integer()
    return f": write {int(value)}" if number and abs(value) < LARGEST_HINT else ""


def unknown_key(config: DictConfig, key: str) -> str:
    """Return the message for an unknown key, with the nearest known ones."""
    near = nearest_keys(config, key)
    hint = f"did you mean {' or '.join(near)}?" if near else "--cfg job shows all keys"
    return f"unknown key {key!r}; {hint}"


def nearest_keys(config: DictConfig, key: str) -> list[str]:
    """Return the keys whose last name, then whose whole path is most similar; several if equally so.

    Keys that end with the whole key are equally similar, however deep they lie.
    """

    def similarity(candidate: str) -> tuple[float, float]:
        last = _ratio(key.rpartition(".")[2], candidate.rpartition(".")[2])
        return last, 1.0 if f".{candidate}".endswith(f".{key}") else _ratio(key, candidate)

    scores = {candidate: similarity(candidate) for candidate in _keys(config)}
    best = max(scores.values(), default=(0.0, 0.0))
    return [name for name, score in scores.items() if score == best][:3] if best[0] > SIMILAR else []


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _keys(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of a configuration without those of Hydra."""
    for name in map(str, node):
        if not prefix and name == "hydra":
            continue
        yield f"{prefix}{name}"
        entry = _entry(node, name)
        if isinstance(entry, DictConfig):
            yield from _keys(entry, f"{prefix}{name}.")


def require_complete(config: DictConfig) -> None:
    """Raise an InputError for the first key that needs a value and has none."""
    for key in sorted(OmegaConf.missing_keys(config)):
        with suppress(KeyError):
            form = MISSING.get(key) or f"<{expected(declared_type(config, key))}>"
            raise InputError(f"{key} has no value: write {key}={form}")


MISSING = {
    "geometry.parameters.vertices": "[[0,0],[0.02,0],[0,0.02]] (corners x, y in metres)",
    "geometry.parameters.outlines": "[[[0,0],[0.02,0],[0,0.02]]] (corners x, y of each, in metres)",
}
"""Form of a value by key, where the type does not tell it."""

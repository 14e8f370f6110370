"""Read and write the YAML of ROS 2 parameter files, with PyYAML.

A file means here what it means to rcl (its package rcl_yaml_param_parser). An unquoted scalar is a boolean,
else what ``strtol`` takes, else what ``strtod`` takes, else text: ``1e-3`` is a number and ``y`` is true,
while ``1:30``, ``5_0``, ``0b11`` and ``~`` are text, and so is everything in quotes. Text that would be read
as something else is quoted when written. Comments are not kept.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from math import isinf
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from assembly_rl.controllers.validation import InputError

GROUP = "ros__parameters"
"""Key of the parameters of a node."""
MAX_DEPTH = 50
"""Largest depth of nested groups."""
MAX_SIZE = 1 << 20
"""Largest size of a file [bytes]."""

TRUE = frozenset(["Y", "y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
FALSE = frozenset(["N", "n", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]{0,20})")
DECIMAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
HEXADECIMAL = re.compile(r"[-+]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)([pP][-+]?[0-9]+)?")
DOTTED = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
NOT_FINITE = re.compile(r"([-+]?(inf|infinity|nan))(\([0-9a-zA-Z_]*\))?", re.IGNORECASE)


def scalar(text: str) -> bool | int | float | str:
    """Convert an unquoted scalar as rcl does, ``get_value`` in its parse.c."""
    if text in TRUE or text in FALSE:
        return text in TRUE
    if INTEGER.fullmatch(text):
        digits = text.lstrip("+-").lower()
        number = int(text, 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10)
        if _fits(number):
            return number
    if DOTTED.fullmatch(text):
        return float(text.replace(".", ""))
    special = NOT_FINITE.fullmatch(text)
    if special and (special[3] is None or special[2].lower() == "nan"):
        return float(special[1])
    if DECIMAL.fullmatch(text):
        value = float(text)
        tiny = abs(value) < sys.float_info.min and any(
            digit in "123456789" for digit in re.split("[eE]", text)[0]
        )
        return text if isinf(value) or tiny else value  # strtod reports a range error
    if HEXADECIMAL.fullmatch(text):
        try:
            return float.fromhex(text)
        except OverflowError:
            return text
    return text


def _fits(number: int) -> bool:
    """Return True for an integer of 64 bits."""
    return -(2**63) <= number < 2**63


def _yaml() -> Any:
    try:
        return import_module("yaml")
    except ImportError as error:
        raise ImportError("files of ROS parameters need PyYAML: pip install pyyaml") from error


# ---------------------------------------------------------------------- reading


def load(path: str | PathLike[str]) -> dict[str, Any]:
    """Load the nested content of a parameter file.

    Raises:
        ValueError: The file is too large, not UTF-8, or not YAML that ROS reads; the message has the line.
        OSError: The file cannot be read.
        ImportError: PyYAML is not installed.
    """
    yaml = _yaml()
    with Path(path).open("rb") as file:
        content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise InputError(f"{path} is larger than {MAX_SIZE} bytes: is it a parameter file?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not utf-8: byte {error.start} is {content[error.start]:#04x}") from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, as in ROS, where it is installed
    try:
        values = _Events(yaml, yaml.parse(text, Loader=loader)).document()
    except (yaml.YAMLError, InputError) as error:
        raise InputError(f"{path} is not a YAML file for ROS: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} must hold a mapping of nodes, got {values!r:.80}")
    return values


class _Events:
    """Values from the events of a YAML parser."""

    def __init__(self, yaml: Any, events: Iterator[Any]) -> None:
        self._yaml, self._events = yaml, events

    def document(self) -> Any:
        """Return the value of the only document; None without one."""
        value, documents = None, 0
        for event in self._events:
            if isinstance(event, self._yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise InputError(f"{_line(event)}: a second document begins")
                value = self._value(next(self._events), "", 0)
        return value

    def _value(self, event: Any, path: str, depth: int) -> Any:
        yaml, place = self._yaml, f"{_line(event)}: {path}" if path else _line(event)
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"{place}: ROS knows no YAML aliases")
        if event.tag is not None:
            raise InputError(f"{place}: releases of ROS differ in tags: write the value without {event.tag}")
        if depth > MAX_DEPTH:
            raise InputError(f"{place:.80}: nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(place, path)
        if event.style in ("'", '"'):
            return event.value
        if not event.value:
            raise InputError(f"{place} has no value; empty text is ''")
        return scalar(event.value)

    def _mapping(self, path: str, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self._events), self._yaml.MappingEndEvent):
            if not isinstance(event, self._yaml.ScalarEvent) or not event.value:
                raise InputError(f"{_line(event)}: a key must be a name")
            key = event.value
            if key in values:
                raise InputError(f"{_line(event)}: {key!r} is there twice" + (f", in {path}" if path else ""))
            values[key] = self._value(next(self._events), f"{path}.{key}" if path else key, depth + 1)
        return values

    def _sequence(self, place: str, path: str) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self._events), self._yaml.SequenceEndEvent):
            if isinstance(event, self._yaml.CollectionStartEvent):
                raise InputError(f"{place}: ROS knows no lists of lists or of groups")
            values.append(self._value(event, f"{path}[{len(values)}]", 0))
        return uniform(place, values)


def _line(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"


def uniform(path: str, values: Sequence[Any]) -> list[Any]:
    """Return a list of one type; integers among floats become floats, which ROS itself refuses.

    Raises:
        ValueError: The entries have different types.
    """
    kinds = {type(value) for value in values}
    if kinds == {int, float}:
        return [float(value) for value in values]
    if len(kinds) > 1:
        names = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise InputError(f"{path}: a list must have entries of one type, got {names} in {list(values)!r:.80}")
    return list(values)


# ---------------------------------------------------------------------- writing


def _nested(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Nest parameters with dotted paths in groups."""
    tree: dict[str, Any] = {}
    for path, value in parameters.items():
        *groups, name = path.split(".")
        if not all((*groups, name)):
            raise InputError(f"{path!r} is not the name of a parameter")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
            if not isinstance(branch, dict):
                raise InputError(f"{path} cannot stand below the parameter {group}")
        if isinstance(branch.get(name), dict):
            raise InputError(f"{path} is a group of parameters, too")
        branch[name] = _writable(path, value)
    return tree


def _writable(path: str, value: Any) -> Any:
    """Return a value in the types of ROS, for YAML."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return uniform(path, [_element(path, entry) for entry in value])
    return _element(path, value)


def _element(path: str, value: Any) -> bool | int | float | str:
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)
    if kind in (bool, float) or (kind is int and _fits(value)):
        return value
    if kind is str and "\0" not in value and _is_unicode(value):
        return value
    raise InputError(
        f"{path} cannot be written as YAML for ROS: {value!r:.80} is no boolean, integer of 64 bits, float "
        "or text, and no list of one of these"
    )


def _is_unicode(text: str) -> bool:
    """Return True for text without lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def dump(node: str, parameters: Mapping[str, Any]) -> str:
    """Return the text of a parameter file for one node.

    Args:
        node: Name of the node, such as ``/robot/admittance_controller``.
        parameters: Parameters by dotted path.

    Raises:
        ValueError: The names are no names of parameters, or ROS has no type for a value.
        ImportError: PyYAML is not installed.
    """
    yaml = _yaml()

    class Dumper(yaml.SafeDumper):  # type: ignore[name-defined]
        def ignore_aliases(self, data: object) -> bool:
            return True

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            """Resolve what is not text to ROS; what YAML 1.1 alone misreads is quoted, too."""
            if kind is yaml.ScalarNode and implicit[0] and not isinstance(scalar(value), str):
                return f"tag:yaml.org,2002:{type(scalar(value)).__name__}"
            return super().resolve(kind, value, implicit)

        def represent_float(self, value: float) -> Any:
            if 0.0 < abs(value) < sys.float_info.min:  # strtod reports a range error for its decimals
                return self.represent_scalar("tag:yaml.org,2002:float", value.hex())
            return super().represent_float(value)

    Dumper.add_representer(float, Dumper.represent_float)
    if not isinstance(node, str) or not node.strip("/"):
        raise InputError(f"a node must have a name, got {node!r}")
    content = {node: {GROUP: _nested(parameters)}}
    return str(yaml.dump(content, Dumper=Dumper, sort_keys=False, default_flow_style=None, width=110))

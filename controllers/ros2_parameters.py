"""Read, check and write ROS 2 parameter files by dotted path. Files need PyYAML, mappings do not.

Unquoted scalars are read as ROS reads them (``1e-3`` is a number, ``y`` is true), and strings that look like
such scalars are quoted when written. Comments are not kept.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from math import inf, isfinite, nan
from os import PathLike
from typing import Any

from assembly_rl.controllers.validation import InputError

NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\Z")
YES_NO = re.compile(r"[yYnN]\Z")


def _yaml() -> tuple[Any, Any, Any]:
    """PyYAML, with a loader and a dumper for the scalars of ROS."""
    try:
        yaml = import_module("yaml")
    except ImportError as error:
        raise ImportError("files of ROS parameters need PyYAML: pip install pyyaml") from error

    class Loader(yaml.SafeLoader):  # type: ignore[name-defined]
        bool_values = yaml.SafeLoader.bool_values | {"y": True, "n": False}

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("ROS knows no YAML aliases")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
            mapping: dict[str, Any] = {}
            for key, value in node.value:
                if key.value in mapping:
                    raise yaml.YAMLError(f"line {key.start_mark.line + 1}: {key.value!r} is there twice")
                mapping[key.value] = self.construct_object(value, deep=True)
            return mapping

    class Dumper(yaml.SafeDumper):  # type: ignore[name-defined]
        def ignore_aliases(self, data: object) -> bool:
            return True

    for kind in (Loader, Dumper):
        kind.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))
        kind.add_implicit_resolver("tag:yaml.org,2002:bool", YES_NO, list("yYnN"))
    return yaml, Loader, Dumper


def load(path: str | PathLike[str]) -> dict[str, Any]:
    """Load the nested content of a parameter file; raises ValueError, OSError or ImportError."""
    yaml, loader, _ = _yaml()
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        content = yaml.load(text, loader)
    except Exception as error:  # the constructors of PyYAML let exceptions of any type through
        raise InputError(f"{path} is not a YAML file for ROS: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold a mapping of nodes, got {content!r}")
    return content


def _nested(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Nest parameters with dotted paths in groups."""
    tree: dict[str, Any] = {}
    for path, value in parameters.items():
        *groups, name = path.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
            if not isinstance(branch, dict):
                raise InputError(f"{path} cannot stand below the parameter {group}")
        if isinstance(branch.get(name), dict):
            raise InputError(f"{path} is a group of parameters, too")
        branch[name] = value
    return tree


def dump(node: str, parameters: Mapping[str, Any]) -> str:
    """Text of a parameter file for one node; raises ImportError, or ValueError if YAML cannot hold it."""
    yaml, _, dumper = _yaml()
    content = {node: {"ros__parameters": _nested(parameters)}}
    try:
        return str(yaml.dump(content, Dumper=dumper, sort_keys=False, default_flow_style=None, width=110))
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"a parameter cannot be written as YAML: {error}") from error


class Parameters(dict[str, Any]):
    """Parameters by dotted path; every refusal is a ValueError with the path.

    ``frame: {id: tool0}`` and ``frame.id: tool0`` are the same, to ROS and here.
    """

    def add(self, mapping: Mapping[Any, Any], above: str = "") -> None:
        """Add nested groups; raise a ValueError for duplicates."""
        for key, value in mapping.items():
            path = f"{above}{key}"
            if not isinstance(key, str) or "" in key.split("."):
                raise InputError(f"{path!r} is not the name of a parameter")
            if isinstance(value, Mapping):
                self.add(value, f"{path}.")
            elif path in self:
                raise InputError(f"{path} is there twice")
            else:
                self[path] = value

    @classmethod
    def of_node(cls, content: Mapping[Any, Any], node: str) -> "Parameters":
        """Parameters of one node, with those of ``/**`` for all nodes; without nodes the mapping itself."""
        nodes = {
            key: value["ros__parameters"]
            for key, value in content.items()
            if isinstance(value, Mapping) and isinstance(value.get("ros__parameters"), Mapping)
        }
        nodes = nodes or {node: content}
        if node not in nodes and set(nodes) != {"/**"}:
            raise InputError(f"there is no node {node!r}; the nodes are {', '.join(map(repr, nodes))}")
        parameters = cls()
        for key in dict.fromkeys(("/**", node)):
            parameters.add(nodes.get(key, {}))
        return parameters

    def require_known(self, known: Collection[str]) -> None:
        """Refuse unknown paths in the groups of the known ones."""
        groups = {path.split(".")[0] for path in known}
        for path in self:
            if path not in known and path.split(".")[0] in groups:
                close = get_close_matches(path, known, 1)
                advice = f"; did you mean {close[0]}?" if close else ""
                raise InputError(f"{path} is not a parameter{advice}")

    def required(self, path: str) -> Any:
        """Return a value; raise a ValueError if it is missing."""
        if path not in self:
            raise InputError(f"{path} is missing")
        return self[path]

    def name(self, path: str) -> str:
        """Return a string that is not empty."""
        value = self.required(path)
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"{path} must be a name, got {value!r}")
        return value

    def number(self, path: str, low: float = -inf, high: float = inf) -> float:
        """Return a finite number within bounds."""
        return require_number(path, self.required(path), low, high)

    def each(self, path: str, axes: Sequence[str]) -> dict[str, Any]:
        """Entries of a list with one entry for each axis, by label."""
        value = self.required(path)
        if not isinstance(value, list | tuple) or len(value) != len(axes):
            raise InputError(f"{path} must be a list of {len(axes)} entries {' '.join(axes)}, got {value!r}")
        return {f"{path}[{axis}]": entry for axis, entry in zip(axes, value, strict=True)}

    def numbers(self, path: str, axes: Sequence[str], low: float = -inf, high: float = inf) -> list[float]:
        """Return a list with one finite number within bounds for each axis."""
        return [require_number(label, entry, low, high) for label, entry in self.each(path, axes).items()]

    def flags(self, path: str, axes: Sequence[str]) -> tuple[bool, ...]:
        """Return one boolean for each axis."""
        flags = self.each(path, axes)
        for label, entry in flags.items():
            if not isinstance(entry, bool):
                raise InputError(f"{label} must be true or false, got {entry!r}")
        return tuple(flags.values())


def require_number(label: str, value: Any, low: float = -inf, high: float = inf) -> float:
    """Return a finite number within bounds, also from a string: PyYAML alone reads '1e-3' as one."""
    try:
        number = nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = nan
    if not (isfinite(number) and low <= number <= high):
        raise InputError(f"{label} must be a finite number within [{low:g}, {high:g}], got {value!r}")
    return number

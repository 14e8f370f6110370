"""Parameters of a node in ROS 2 parameter files, checked, by dotted path."""

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from math import inf, isfinite, nan
from numbers import Real
from typing import Any

import numpy as np

from assembly_rl.controllers.ros2_yaml import GROUP, MAX_DEPTH, dump, load
from assembly_rl.controllers.validation import InputError

__all__ = ["Parameters", "dump", "load", "nodes_of", "require_number"]

MANAGER = "controller_manager"
"""Name of the node that runs the controllers."""


def nodes_of(content: Mapping[Any, Any]) -> list[tuple[str, Mapping[Any, Any]]]:
    """Return names and parameters of the nodes of a file, also of those in namespaces; empty without nodes.

    Raises:
        ValueError: Something stands beside the parameters of nodes, or these are no mapping.
    """
    nodes: list[tuple[str, Mapping[Any, Any]]] = []
    beside: list[str] = []

    def collect(mapping: Mapping[Any, Any], above: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise InputError(f"{above:.60} ...: nested deeper than {MAX_DEPTH} levels, or nested without end")
        for key, value in mapping.items():
            name = f"{above.removesuffix('/')}/{key}" if above else str(key)
            if not isinstance(value, Mapping):
                beside.append(name)
            elif GROUP not in value:
                collect(value, name, depth + 1)
            elif not isinstance(value[GROUP], Mapping):
                raise InputError(f"{GROUP} of {name!r} must be a mapping, got {value[GROUP]!r:.80}")
            else:
                nodes.append((name, value[GROUP]))
                beside.extend(f"{name}/{other}" for other in value if other != GROUP)

    collect(content, "", 0)
    if nodes and beside:
        raise InputError(
            f"{beside[0]!r} stands outside of the {GROUP} of a node, where ROS reads no parameters"
        )
    return nodes


def _qualified(node: str) -> str:
    """Return the name of a node with its namespace, which is the root if none is given."""
    return "/" + node.removeprefix("/")


def _matches(name: str, node: str) -> bool:
    """Return True if the name in a file, with or without wildcards, means a node."""
    if _qualified(name) == _qualified(node):
        return True
    wildcards = {"*": r"/\w+", "**": r"(/\w+)*"}
    tokens = _qualified(name)[1:].split("/")
    pattern = "".join(wildcards.get(token) or re.escape(f"/{token}") for token in tokens)
    return re.fullmatch(pattern, _qualified(node)) is not None


def _specificity(name: str) -> tuple[int, int, int]:
    """Rank of a name with wildcards: by its tokens without wildcards, then its ``*``, then fewer ``**``."""
    tokens = _qualified(name)[1:].split("/")
    one, many = tokens.count("*"), tokens.count("**")
    return len(tokens) - one - many, one, -many


def _copied(value: Any) -> Any:
    """Return a value in types of Python, lists as copies."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [entry.item() if isinstance(entry, np.generic) else entry for entry in value]
    return value


class Parameters(dict[str, Any]):
    """Parameters by dotted path; every refusal is a ValueError with the path.

    ``frame: {id: tool0}`` and ``frame.id: tool0`` are the same, to ROS and here. Values are copies: arrays
    and tuples become lists, and scalars of numpy those of Python.
    """

    def add(self, mapping: Mapping[Any, Any], above: str = "", depth: int = 0) -> None:
        """Add nested groups; raise a ValueError for duplicates."""
        if depth > MAX_DEPTH:
            raise InputError(f"{above:.60} ...: nested deeper than {MAX_DEPTH} levels, or nested without end")
        for key, value in mapping.items():
            path = f"{above}{key}"
            if not isinstance(key, str) or "" in key.split("."):
                raise InputError(f"{path!r} is not the name of a parameter")
            if isinstance(value, Mapping):
                self.add(value, f"{path}.", depth + 1)
            elif path in self:
                raise InputError(f"{path} is there twice")
            else:
                self[path] = _copied(value)

    @classmethod
    def of_node(cls, content: Mapping[Any, Any], node: str) -> "Parameters":
        """Parameters of one node; without nodes the mapping itself.

        A name in the file may have wildcards, ``*`` for one token and ``**`` for any number of them. If
        several names match, the more specific one overrides the others, wherever they stand in the file: the
        exact name, then the name with more tokens that are no wildcards, and ``/**`` last.

        Args:
            content: Content of a file, nodes perhaps in namespaces, or parameters.
            node: Name of the node with its namespace; without one it is in the root namespace.

        Raises:
            ValueError: There is no such node (the message has those that are there), a parameter is there
                twice, or something stands outside of the nodes.
        """
        if not isinstance(node, str) or not node:
            raise InputError(f"node must be the name of a node, got {node!r}")
        nodes = nodes_of(content)
        parameters = cls()
        if not nodes:
            parameters.add(content)
            return parameters
        found = cls.matching(nodes, node)
        if found is None:
            names = [name for name, _ in nodes]
            base = _qualified(node).rpartition("/")[2]
            same = [name for name in names if _qualified(name).rpartition("/")[2] == base]
            hint = f"; did you mean {same[0]!r}?" if same else ""
            raise InputError(f"there is no node {node!r}; the nodes are {', '.join(map(repr, names))}{hint}")
        return found

    @classmethod
    def matching(cls, nodes: Sequence[tuple[str, Mapping[Any, Any]]], node: str) -> "Parameters | None":
        """Parameters of one of several nodes; None if it is not among them, by name or wildcard.

        Names with wildcards alone are enough only in a file without other nodes than the controller manager:
        beside nodes of other names, the name is taken for a mistake.
        """
        fitting = [(name, parameters) for name, parameters in nodes if _matches(name, node)]
        exact = [name for name, _ in fitting if "*" not in name or _qualified(name) == _qualified(node)]
        others = [name for name, _ in nodes if "*" not in name and not name.endswith(MANAGER)]
        if not fitting or (others and not exact):
            return None
        ranks: dict[tuple[bool, tuple[int, int, int]], Parameters] = {}
        for name, parameters in fitting:
            ranks.setdefault((name in exact, _specificity(name)), cls()).add(parameters)
        merged = cls()
        for rank in sorted(ranks):
            merged.update(ranks[rank])
        return merged

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
    """Return a finite number within bounds; text is none, as in ROS."""
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    except OverflowError:
        number = nan
    if isfinite(number) and low <= number <= high:
        return number
    text = (
        ", which is text: write it without quotes (for PyYAML as in 1.0e-3)" if isinstance(value, str) else ""
    )
    raise InputError(f"{label} must be a finite number within [{low:g}, {high:g}], got {value!r}{text}")

"""Rows for docs/controllers.md with all parameters of the controllers, read from the code."""

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from inspect import cleandoc
from math import inf, nan
from typing import Any

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    ComplianceLaw,
    ContactConfig,
    Discretization,
    GainConfig,
    SafetyConfig,
    ToolConfig,
)

LAW = ComplianceLaw.from_diagonals([1.0] * 6, [1.0] * 6, [1.0] * 6)


def shown(value: Any) -> str:
    """Format a default as the page shows it."""
    if value is None:
        return "null"
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        entries = [shown(entry) for entry in value]
        if len(entries) == 6 and entries[:3] == [entries[0]] * 3 and entries[3:] == [entries[3]] * 3:
            entries = entries[:1] if entries[0] == entries[3] else [f"3 x {entries[0]}", f"3 x {entries[3]}"]
            return ", ".join(entries) if len(entries) > 1 else f"6 x {entries[0]}"
        return ", ".join(entries)
    return str(value)


def accepts(owner: type, name: str, value: Any) -> bool:
    """Return True if a configuration, and a controller with it, accept a value in one field."""
    needed = {"stiffness": [1.0] * 6} if owner is ContactConfig else {}
    try:
        config = owner(**{**needed, name: value})
        if isinstance(config, AdmittanceConfig):
            AdmittanceController(LAW, 200.0, config)
    except ValueError:
        return False
    return True


def bounds(owner: type, name: str, default: Any) -> str:
    """Find the bounds of a field by trying values."""
    wide = isinstance(default, list)
    if wide and isinstance(default[0], bool) or isinstance(default, Enum | bool):
        return {
            "selected_axes": "six booleans, one of them true",
            "discretization": ", ".join(Discretization.__members__),
        }[name]

    def tried(value: float) -> bool:
        return accepts(owner, name, [value] * len(default) if wide else value)

    if any(tried(value) for value in (inf, -inf, nan)):
        raise AssertionError(f"{owner.__name__}.{name} takes what is not finite")
    least = "" if tried(-1.0) else ">= 0" if tried(0.0) else "> 0"
    most = ", ".join(dict.fromkeys(largest(owner, name, default)))
    return ", ".join(part for part in (least, most) if part) or "finite"


def largest(owner: type, name: str, default: Any) -> Iterator[str]:
    """Yield the upper bounds that refusals tell; of a vector of six that of forces and that of moments."""
    needed = {"stiffness": [1.0] * 6} if owner is ContactConfig else {}
    for place in (0, 3) if isinstance(default, list) and len(default) == 6 else (0,):
        value: Any = 1e30
        if isinstance(default, list):
            value = [1e30 if number == place else 0.1 for number in range(len(default))]
        try:
            owner(**{**needed, name: value})
        except ValueError as refusal:
            found = re.search(r"must be (<= |within \+-)(\S+) in SI units", str(refusal))
            if found:
                yield found[1].replace("within ", "") + found[2]


EXTRA = {
    "AdmittanceConfig.cutoff": ", < rate / 2",
    "AdmittanceConfig.wrench_limit": ", >= reference_limit + deadband",
    "SafetyConfig.safe_reference": ", within reference_limit",
    "SafetyConfig.stop": ", >= hold",
}
"""Bounds that join two fields or the rate."""
EXAMPLE = {"cutoff": 1.0, "sensor_cutoff": 1.0, "lead": 1.0, "timeout": 1.0}


def parameter_tables() -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the name of each configuration and its rows: field, meaning with unit, bounds, default.

    Meanings are from the docstrings, defaults from the fields; bounds are found by trying values.
    """
    for owner in (AdmittanceConfig, SafetyConfig, GainConfig, ContactConfig, ToolConfig, ComplianceLaw):
        text = cleandoc(owner.__doc__ or "")
        section = re.split(r"^(?:Attributes|Args):\n", text, flags=re.MULTILINE)[1]
        meanings = dict(re.findall(r"^ {4}(\w+): ((?:.+\n?)(?: {8}.+\n?)*)", section, re.MULTILINE))
        rows = []
        for item in fields(owner):
            meaning = " ".join(meanings[item.name].split()).removesuffix(".")
            default = item.default_factory() if item.default_factory is not MISSING else item.default
            required = default is MISSING
            if is_dataclass(default):
                rows.append([f"`{item.name}`", meaning, "", f"`{type(default).__name__}`"])
                continue
            if owner is ComplianceLaw:
                meaning, _, bound = meaning.partition("; ")
            else:
                sample = EXAMPLE.get(item.name, default if not required else [1.0] * 6)
                bound = bounds(owner, item.name, sample) + EXTRA.get(f"{owner.__name__}.{item.name}", "")
            rows.append([f"`{item.name}`", meaning, bound, "required" if required else shown(default)])
        yield owner.__name__, rows

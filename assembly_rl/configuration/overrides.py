"""Overrides as typed on a command line: their syntax, and text that is taken as it was typed.

Hydra reads ``run_dir=2024_01_02`` as the number 20240102. Here the schema decides: where it declares text,
a value is text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException

from assembly_rl.configuration.keys import LONGEST, without_none
from assembly_rl.controllers.validation import InputError

KEY = re.compile(r"[A-Za-z_$][\w$-]*(?:[./][\w$-]+)*(?:@[\w$.:-]*)*", re.ASCII)
SWEEP_FUNCTIONS = ("choice(", "range(", "interval(", "glob(", "shuffle(", "sort(", "tag(")


@dataclass(frozen=True)
class Argument:
    """Override, divided at its first equals sign.

    Attributes:
        text: Override as it was typed.
        sign: ``+``, ``++``, ``~`` or nothing.
        key: Key or configuration group.
        value: Value as it was typed; None for ``~key``.
    """

    text: str
    sign: str
    key: str
    value: str | None

    @classmethod
    def read(cls, text: str) -> "Argument":
        """Divide an override.

        Raises:
            InputError: It is not ``key=value``, or has no value.
        """
        sign = next((sign for sign in ("++", "+", "~") if text.startswith(sign)), "")
        key, equals, value = text[len(sign) :].partition("=")
        if not KEY.fullmatch(key):
            close = key.strip()
            hint = f": write {sign}{close}={value.strip()}" if equals and KEY.fullmatch(close) else ""
            raise InputError(f"{text!r} is not key=value, such as steps=10000{hint}")
        if not equals and sign != "~":
            raise InputError(f"{text!r} is not key=value: write {text}=<value>")
        if equals and not value.strip():
            raise InputError(f"{text!r} has no value: write {sign}{key}=<value>, or leave it out")
        return cls(text, sign, key, value if equals else None)

    def with_value(self, value: str) -> str:
        """Return the override with another value."""
        return f"{self.sign}{self.key}={value}"


def parse(text: str) -> Override:
    """Parse an override by Hydra's grammar.

    Raises:
        InputError: It has an error of syntax.
    """
    try:
        return OverridesParser.create().parse_overrides([text])[0]
    except (HydraException, ValueError, RecursionError):
        key = text.partition("=")[0]
        raise InputError(
            f"{text[:LONGEST]!r} cannot be read: write a list as {key}=[a,b], and text with special "
            f"characters in quotes of its own, \"{key}='a, b'\""
        ) from None


def require_distinct(texts: Sequence[str]) -> None:
    """Raise an InputError if two overrides set the same key: one of them would be lost in silence."""
    arguments = [Argument.read(text) for text in texts]
    for number, later in enumerate(arguments):
        for earlier in arguments[:number]:
            if later.key == earlier.key or _contains(earlier, later) or _contains(later, earlier):
                raise InputError(f"{earlier.text!r} and {later.text!r} set the same: keep one of them")


def _contains(outer: Argument, inner: Argument) -> bool:
    whole = (outer.value or "").startswith(("{", "[")) or (outer.sign == "~" and "." in outer.key)
    return whole and inner.key.startswith(f"{outer.key}.")


@dataclass(frozen=True)
class Reading:
    """Values that an override stands for.

    Attributes:
        values: Values; several for a sweep, none for a sweep whose values Hydra's sweeper chooses.
        text: Override for Hydra, by which it reads the same.
    """

    values: list[Any]
    text: str


def read_value(argument: Argument, kind: Any, sweep: bool) -> Reading:
    """Read the value of an override of a key.

    Args:
        argument: Override with a value.
        kind: Declared type of the key.
        sweep: True if commas separate the values of a sweep.

    Raises:
        InputError: The value cannot be read, or is a sweep without ``-m``.
    """
    assert argument.value is not None
    kind, optional = without_none(kind)
    inner = get_args(kind)[0] if get_origin(kind) is list else None
    if argument.value.startswith(SWEEP_FUNCTIONS) and (sweep or kind is not str):
        parsed = parse(argument.text)
        if parsed.is_sweep_override():
            if not sweep:
                raise InputError(f"{argument.text!r} is a sweep: add -m to run one job for each value")
            return Reading(list(parsed.sweep_iterator()) if parsed.is_discrete_sweep() else [], argument.text)
    entries = [argument.value] if kind is str and not sweep else list(_split(argument.value))
    if len(entries) > 1 and not sweep:
        several = ",".join(entry.strip() for entry in entries if entry.strip())
        raise InputError(
            f"{argument.text!r} has several values: write {argument.key}=[{several}] for a list, or add -m "
            "to run one job for each"
        )
    values: list[Any] = []
    texts: list[str] = []
    for entry in entries:
        value: Any
        if optional and entry.strip().lower() == "null":
            value, text = None, entry
        elif kind is str:
            value, text = _text(argument, entry)
        elif inner is str:
            value, text = _texts(argument, entry)
        else:
            value, text = parse(argument.with_value(entry)).value(), entry
            if inner in (int, float, bool) and isinstance(
                value, int | float
            ):  # a single value: a list of one
                value, text = [value], f"[{entry}]"
        values.append(value)
        texts.append(text)
    return Reading(values, argument.with_value(",".join(texts)))


def _text(argument: Argument, entry: str) -> tuple[str, str]:
    """Return the text that a value stands for, and the value by which Hydra reads this text."""
    try:
        parsed = parse(argument.with_value(entry))
    except InputError:
        if entry.lstrip().startswith(("'", '"')):
            raise
        return entry, quoted(entry)
    value = parsed.value()
    if isinstance(parsed._value, QuotedString) or (isinstance(value, str) and "\\" in entry):
        return str(value), entry
    return entry, entry if not parsed.is_sweep_override() and value == entry else quoted(entry)


def _texts(argument: Argument, entry: str) -> tuple[list[str], str]:
    entry = entry.strip()
    if not entry.startswith("["):
        value, text = _text(argument, entry)
        return [value], f"[{text}]"
    if not entry.endswith("]"):
        parse(argument.with_value(entry))
    inside = entry[1:-1].strip()
    pairs = [_text(argument, part.strip()) for part in _split(inside)] if inside else []
    if not all(value for value, _ in pairs):
        raise InputError(f"{argument.text!r} has an empty entry")
    return [value for value, _ in pairs], f"[{','.join(text for _, text in pairs)}]"


def quoted(text: str) -> str:
    """Return a text as an override's value that stands for it, whatever its characters."""
    return QuotedString(text, Quote.single).with_quotes()


def _split(text: str) -> Iterator[str]:
    """Yield the parts between the commas that are not in quotes or brackets."""
    part = ""
    closing: list[str] = []
    for character in text:
        if closing and character == closing[-1] and not part.endswith("\\"):
            closing.pop()
        elif closing and closing[-1] in "'\"":
            pass
        elif character in "([{":
            closing.append({"(": ")", "[": "]", "{": "}"}[character])
        elif character in "'\"" and part.rstrip()[-1:] in ("", *"[{(,:"):
            closing.append(character)
        elif character == "," and not closing and not part.endswith("\\"):
            yield part
            part = ""
            continue
        part += character
    yield part

"""YAML without what it guesses: plain decimal numbers, no aliases, no tags, no key twice."""

import re
from typing import Any

import yaml

from assembly_rl.controllers.validation import InputError

NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
"""Decimal number; a leading zero (octal in YAML 1.1, decimal in YAML 1.2) is none."""

MAX_DEPTH = 8
"""Largest depth of lists in lists."""

MAX_VALUES = 20_000
"""Largest number of numbers, words and lists."""

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Number(float):
    """Number of a YAML file."""


def load(text: str) -> Any:
    """Read mappings, lists, decimal numbers and strings.

    Every other scalar stays a string: also a boolean, a date or a number in another base of YAML 1.1.

    Raises:
        ValueError: The text is not YAML, has several documents, an alias, an anchor, a tag, a key twice or
            too many levels; the message has the line.
    """
    documents: list[Any] = []
    stack: list[_Open] = []
    try:
        for i, event in enumerate(yaml.parse(text, Loader=LOADER)):
            if i > MAX_VALUES:
                raise InputError(f"more than {MAX_VALUES} values")
            _refuse_shorthand(event)
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                if len(stack) == MAX_DEPTH:
                    raise InputError(f"more than {MAX_DEPTH} levels of lists {_place(event)}")
                stack.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else []))
                continue
            if isinstance(event, yaml.ScalarEvent):
                value: Any = _scalar(event)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                value = stack.pop().content
            else:
                continue
            if stack:
                stack[-1].add(value, event)
            else:
                documents.append(value)
    except yaml.YAMLError as error:
        raise InputError(f"not YAML: {' '.join(str(error).split())}") from None
    if len(documents) != 1:
        raise InputError(f"{len(documents)} documents, one is needed")
    return documents[0]


class _Open:
    """List or mapping that is being read."""

    def __init__(self, content: dict[str, Any] | list[Any]):
        self.content = content
        self._key: str | None = None

    def add(self, value: Any, event: Any) -> None:
        if isinstance(self.content, list):
            self.content.append(value)
        elif self._key is not None:
            self.content[self._key], self._key = value, None
        elif not isinstance(event, yaml.ScalarEvent):
            raise InputError(f"a key must be a word {_place(event)}")
        elif event.value in self.content:
            raise InputError(f"the key {event.value!r} twice {_place(event)}")
        else:
            self._key = event.value


def _scalar(event: yaml.ScalarEvent) -> Number | str | None:
    if event.implicit[0] and NUMBER.fullmatch(event.value):
        return Number(event.value)
    return None if event.implicit[0] and event.value == "" else str(event.value)


def _refuse_shorthand(event: Any) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise InputError(f"an alias or anchor {_place(event)}: write the value out")
    if getattr(event, "tag", None) not in (None, "!"):
        raise InputError(f"the tag {event.tag} {_place(event)}: only plain values are read")


def _place(event: Any) -> str:
    return f"in line {event.start_mark.line + 1}"

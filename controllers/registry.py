"""Things that a configuration names: the package's own, and those that other packages add."""

import sys
from functools import lru_cache
from importlib.metadata import EntryPoints, entry_points
from typing import Generic, TypeVar

from assembly_rl.controllers.validation import InputError, unknown

T = TypeVar("T")


@lru_cache(maxsize=64)
def _entries(group: str, path: tuple[str, ...]) -> EntryPoints:
    """Return the entry points of a group, which importlib searches for on the whole path in each call."""
    return entry_points(group=group)


class Registry(Generic[T]):
    """Items by name.

    Installed packages add items by entry points: in the group ``assembly_rl.<kind>s``, such as
    ``assembly_rl.physics_engines``, an entry has the name of an item and the module that registers it. The
    module is imported when somebody asks for the item.

    Args:
        kind: Kind of the items, such as ``robot``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.group = f"assembly_rl.{kind.replace(' ', '_')}s"
        self._items: dict[str, T] = {}

    def register(self, name: str, item: T) -> None:
        """Add an item; adding the same one again changes nothing.

        Raises:
            ValueError: The name is empty or taken by another item.
        """
        if not name:
            raise InputError(f"a {self.kind} needs a name, got {name!r}")
        if self._items.setdefault(name, item) is not item:
            raise InputError(f"the {self.kind} {name!r} exists already: register yours under another name")

    def names(self) -> list[str]:
        """Return all names: registered ones in their order, then those of entry points."""
        return list(dict.fromkeys([*self._items, *self._entries().names]))

    def get(self, name: str) -> T:
        """Return the item of a name.

        Raises:
            ValueError: Nothing is registered under the name; the message has the closest.
        """
        if name not in self._items:
            for entry in self._entries().select(name=name):
                entry.load()
        if name not in self._items:
            raise InputError(unknown(self.kind, name, self.names()))
        return self._items[name]

    def _entries(self) -> EntryPoints:
        return _entries(self.group, tuple(sys.path))

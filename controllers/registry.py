"""Things that a configuration names: the package's own, and those that other packages add."""

from functools import cache
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from assembly_rl.controllers.validation import InputError, unknown

T = TypeVar("T")

PLUGINS = "assembly_rl.plugins"
"""Group of entry points whose modules register items when they are imported."""


@cache
def load_plugins() -> None:
    """Import the modules that installed packages name in the group of entry points ``assembly_rl.plugins``."""
    for entry in entry_points(group=PLUGINS):
        entry.load()


class Registry(Generic[T]):
    """Items by name.

    A name that is not there yet is looked for in the plug-ins; see ``load_plugins``.

    Args:
        kind: Kind of the items for messages, such as ``robot``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
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
        """Return all names, in the order in which they were registered; plug-ins included."""
        load_plugins()
        return list(self._items)

    def get(self, name: str) -> T:
        """Return the item of a name.

        Raises:
            ValueError: Nothing is registered under the name; the message has the closest.
        """
        if name not in self._items:
            load_plugins()
        if name not in self._items:
            raise InputError(unknown(self.kind, name, self.names()))
        return self._items[name]

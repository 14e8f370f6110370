"""Connections to a physics engine, which belong to one object."""

from typing import Any, NoReturn


class NotCopied:
    """Base of objects that hold a connection to a physics engine: they are neither copied nor pickled.

    A copy would share the engine's world: each would move the other's tool, and the first that is closed
    disconnects both. A ``PegInHoleEnv`` can be copied: it makes a world of its own and repeats the episode.
    """

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            f"cannot copy or pickle {type(self).__name__!r} object: it holds a connection to the physics "
            "engine, which two objects cannot share; make another one, or copy a PegInHoleEnv, which does"
        )

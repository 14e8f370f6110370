"""Short runs, to see in half a minute whether everything works: ``quick=true``."""

from collections.abc import Collection, Sequence

QUICK = {
    "train": (
        "steps=2000",
        "checkpoint_every=1000",
        "evaluation.every=1000",
        "evaluation.episodes=20",
        "evaluation.held_out=20",
    ),
    "eval": ("episodes=20",),
}
"""Command -> values for which ``quick=true`` stands, unless a key is given."""
TRUE = ("true", "yes", "y", "on", "1")


def with_quick(command: str, arguments: Sequence[str], given: Collection[str] = ()) -> list[str]:
    """Return the arguments of a command with the values for which ``quick=true`` stands before it.

    Args:
        command: Name of the command's configuration.
        arguments: Its arguments.
        given: Further keys that have a value already, or sections.
    """
    known = {*given, *(text.lstrip("+").partition("=")[0] for text in arguments)}
    own = [text for text in QUICK.get(command, ()) if not known & _sections(text.partition("=")[0])]
    found: list[str] = []
    for text in arguments:
        key, _, value = text.lstrip("+").partition("=")
        found += [*own, text] if key == "quick" and value.lower() in TRUE else [text]
    return found


def _sections(key: str) -> set[str]:
    """Return a key and the section that it lies in."""
    return {key, key.partition(".")[0]}

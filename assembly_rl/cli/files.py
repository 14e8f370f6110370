"""Files on the command line in place of a choice: ``geometry=bracket.yaml``, ``robot=my_robot.yaml``."""

from collections.abc import Callable, Sequence
from pathlib import Path

from assembly_rl.controllers.validation import InputError


def file_argument(
    arguments: Sequence[str], group: str, several: str, is_file: Callable[[str], bool]
) -> str | None:
    """Return the argument that gives a configuration group by a file; None without one.

    Args:
        arguments: Arguments of the command.
        group: Configuration group, such as ``geometry``.
        several: Plural of the group for a message, such as ``geometries``.
        is_file: Function that tells the name of a file from that of a choice.

    Raises:
        InputError: There are two, or the file is one of several choices.
    """
    own = [text for text in arguments if text.lstrip("+").startswith(f"{group}=")]
    files = [text for text in own if _is_file(text, several, is_file)]
    if len(files) > 1:
        raise InputError(f"the {group} is given twice, by {files[0]} and by {files[1]}: give one of them")
    return files[0] if files else None


def path_of(argument: str) -> Path:
    """Return the path in an argument ``group=path``."""
    return Path(argument.partition("=")[2].strip("'\""))


def _is_file(argument: str, several: str, is_file: Callable[[str], bool]) -> bool:
    path = path_of(argument)
    choices = [choice.strip(" []'\"") for choice in argument.partition("=")[2].split(",")]
    if path.is_file() or len(choices) == 1:
        return is_file(path.name)
    file = next(filter(is_file, choices), None)
    if file is not None:
        raise InputError(
            f"{argument}: {file} cannot be one of several {several}; run the command once for each"
        )
    return False


def with_overrides(arguments: list[str], given: str, own: list[str]) -> list[str]:
    """Replace an argument by overrides before all others, which win over them, and behind leading options."""
    rest = [text for text in arguments if text != given]
    first = next((n for n, text in enumerate(rest) if "=" in text and not text.startswith("-")), len(rest))
    return [*rest[:first], *own, *rest[first:]]

"""Part files on the command line: ``geometry=bracket.yaml``."""

import sys
import warnings
from pathlib import Path
from typing import Any

from assembly_rl.controllers.validation import InputError, InputWarning
from assembly_rl.envs.geometry.drawing import PartWarning
from assembly_rl.envs.geometry.files import check_part, is_part_file, read_part


def with_parts(arguments: list[str]) -> list[str]:
    """Replace the argument of a part file by overrides of the geometry; other overrides win over them.

    Raises:
        ValueError: The file is refused, there are two, or it is one of several choices.
        ImportError: The library that reads a drawing is not installed.
    """
    files = [text for text in arguments if _is_part_file(text)]
    if not files:
        return arguments
    if len(files) > 1:
        raise InputError(f"the geometry is given twice, by {files[0]} and by {files[1]}: give one of them")
    path = Path(_value(files[0]))
    fields = read_part(path)
    if not any(text.lstrip("+~").startswith("geometry.") for text in arguments):
        check_part(path, fields)  # a refusal here names the file and has its unit
    fields["parameters.vertices"] = fields.pop("parameters")["vertices"]
    own = [f"geometry.{name}={value}" for name, value in fields.items()]
    return ["geometry=polygon", *own, *(text for text in arguments if text not in files)]


def show_remarks() -> None:
    """Show warnings on part files and on other input in one line, without their place in the code."""
    others = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
        if issubclass(category, PartWarning):
            print(f"note: {message}", file=sys.stderr)
        elif issubclass(category, InputWarning):
            print(f"warning: {message}", file=sys.stderr)
        else:
            others(message, category, *place, **options)

    warnings.showwarning = show
    warnings.simplefilter("always", PartWarning)


def _value(argument: str) -> str:
    return argument.partition("=")[2].strip("'\"")


def _is_part_file(argument: str) -> bool:
    """Return True if an argument gives the geometry by a file.

    Raises:
        ValueError: It gives several geometries, one of them a file.
    """
    if not argument.lstrip("+").startswith("geometry="):
        return False
    choices = [choice.strip(" []'\"") for choice in _value(argument).split(",")]
    if Path(_value(argument)).is_file() or len(choices) == 1:
        return is_part_file(_value(argument))
    file = next(filter(is_part_file, choices), None)
    if file is not None:
        raise InputError(
            f"{argument}: {file} cannot be one of several geometries; run the command once for each part"
        )
    return False

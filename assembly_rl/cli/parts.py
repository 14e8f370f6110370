"""Part files on the command line: ``geometry=bracket.yaml``."""

import sys
import warnings
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from assembly_rl.cli.files import file_argument, path_of, with_overrides
from assembly_rl.controllers.validation import InputWarning
from assembly_rl.envs.geometry.drawing import PartWarning
from assembly_rl.envs.geometry.files import check_part, files_of_part, is_part_file, read_part


def with_parts(arguments: list[str]) -> list[str]:
    """Replace the argument of a part file by overrides of the geometry; other overrides win over them.

    Raises:
        ValueError: The file is refused, there are two, or it is one of several choices.
        ImportError: The library that reads a drawing is not installed.
    """
    given = file_argument(arguments, "geometry", "geometries", is_part_file)
    if given is None:
        return arguments
    path = path_of(given)
    fields = read_part(path)
    if not any(text.lstrip("+~").startswith("geometry.") for text in arguments):
        check_part(path, fields)  # a refusal here names the file and has its unit
    section, parameters = fields.pop("section"), fields.pop("parameters")
    fields |= {f"parameters.{name}": value for name, value in parameters.items()}
    fields["name"] = QuotedString(fields["name"], Quote.single).with_quotes()
    own = [f"geometry.{name}={value}" for name, value in fields.items()]
    return with_overrides(arguments, given, [f"geometry={section}", *own])


def part_files(arguments: list[str]) -> list[Path]:
    """Return the files of the part that an argument names: the part file, and those that it names."""
    given = file_argument(arguments, "geometry", "geometries", is_part_file)
    return [] if given is None else files_of_part(path_of(given))


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

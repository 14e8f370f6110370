"""assembly-rl-part: show a part before it is trained: picture, measures, fit in the engines, warnings."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape

from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import PartConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.part_yaml import part_yaml
from assembly_rl.envs.library import names
from assembly_rl.runs import RunError, folder_name
from assembly_rl.runs.files import replacing, write_bytes, writing

PICTURES = (".png", ".svg", ".pdf")
"""Suffixes of the picture."""


def show(config: PartConfig, name: str, console: Console) -> Path:
    """Draw a part, and print its measures, its fit in the engines, warnings, and its YAML.

    Args:
        config: Configuration of the command.
        name: Name of the part, if it has none itself.
        console: Console for tables and text.

    Returns:
        File of the picture.

    Raises:
        RunError: A file to be written exists.
    """
    from assembly_rl.evaluation.inspection import inspect_part
    from assembly_rl.reports.part_picture import plot_part
    from assembly_rl.reports.part_table import engine_table, part_table, suggestion

    part = config.geometry.part()
    named = replace(part, name=part.name or name)
    picture = picture_path(config.output, named.label)
    if config.keep is not None and os.path.lexists(config.keep):
        raise RunError(f"{config.keep} exists; nothing is overwritten: choose another file to keep")
    found = inspect_part(named, config.task)
    with writing(picture):
        picture.parent.mkdir(parents=True, exist_ok=True)
        with replacing(picture) as partial:
            plot_part(found, partial)
    console.print(part_table(found))
    console.print(engine_table(found))
    for warning in found.warnings():
        console.print(f"[yellow]warning:[/] {escape(warning)}", highlight=False)
    console.print(f"picture: [bold]{escape(str(picture))}[/]", highlight=False)
    _keep(part_yaml(named), config.keep, suggestion(found), console)
    return picture


def picture_path(output: str | None, label: str) -> Path:
    """Return the file of the picture: the given one, or the first unused ``part-<label>.png``.

    Raises:
        InputError: The given one is no picture, or exists.
    """
    if output is not None:
        path = Path(output)
        if path.suffix.lower() not in PICTURES:
            raise InputError(f"output must end with {', '.join(PICTURES)}, got {output!r}")
        if os.path.lexists(path):
            raise RunError(f"{path} exists; pictures are never overwritten: choose another output")
        return path
    stem, number = f"part-{folder_name(label)}", 1
    while os.path.lexists(path := Path(f"{stem}.png" if number == 1 else f"{stem}-{number}.png")):
        number += 1
    return path


def _keep(text: str, path: str | None, options: str, console: Console) -> None:
    if path is None:
        console.print("\nThe part as a file (keep=<file> writes it), to be trained with")
        console.print(f"assembly-rl-train geometry=<file>{options}\n", markup=False, highlight=False)
        console.print(text, markup=False, highlight=False, soft_wrap=True, end="")
        return
    with writing(Path(path)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(Path(path), text.encode())
    console.print(
        f"to train it: [bold]assembly-rl-train geometry={escape(f'{path}{options}')}[/]", highlight=False
    )


def _job(values: DictConfig) -> None:
    hydra = HydraConfig.get()
    if not any(text.lstrip("+").startswith("geometry=") for text in hydra.overrides.task):
        known = ", ".join(names("geometry"))
        raise InputError(f"no part: give a file, or one of {known}, such as assembly-rl-part L")
    config = checked(values, PartConfig)
    show(config, hydra.runtime.choices["geometry"], console())


def with_part(arguments: list[str]) -> list[str]:
    """Replace a first argument that is the name or file of a part by ``geometry=``."""
    if arguments and not arguments[0].startswith("-") and "=" not in arguments[0]:
        return [f"geometry={arguments[0]}", *arguments[1:]]
    return list(arguments)


def main() -> None:
    """Run the command."""
    sys.argv[1:] = with_part(sys.argv[1:])
    command("part", _job)


if __name__ == "__main__":
    main()

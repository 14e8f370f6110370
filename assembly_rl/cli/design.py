"""assembly-rl-design: a compliance law from a robot and a range of contact stiffness."""

import os
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape

from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import DesignConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.controllers.design import Design, Infeasible, design, remedies
from assembly_rl.controllers.validation import InputError
from assembly_rl.runs import RunError, folder_name
from assembly_rl.runs.files import write_bytes, write_json, writing


def show(config: DesignConfig, console: Console) -> Path:
    """Design a law, print it, and write page, picture, task and parameters of ROS into a new folder.

    Where no law keeps the limits, print and write what would help, and raise the refusal.

    Returns:
        Folder.

    Raises:
        InputError: No law keeps the limits, or the folder exists.
    """
    from assembly_rl.reports.design_page import design_rows, refusal_page

    folder = folder_of(config)
    try:
        found = design(config.robot_loop(), config.stiffness, **config.request())
    except Infeasible as error:
        helping = remedies(config.robot_loop(), config.stiffness, **config.request())
        console.print(
            "What one change alone would do:",
            *(f"  {one.text}" for one in helping),
            sep="\n",
            highlight=False,
        )
        _write(folder, {"README.md": refusal_page(str(error), helping)})
        console.print(f"page: [bold]{escape(str(folder / 'README.md'))}[/]", highlight=False)
        raise
    for name, row in found.diagonals().items():
        console.print(f"{name:10} {' '.join(f'{value:g}' for value in row)}", highlight=False)
    for name, text in design_rows(found):
        console.print(f"[bold]{name}:[/] {escape(text)}", highlight=False)
    _keep(found, folder)
    console.print(f"page: [bold]{escape(str(folder / 'README.md'))}[/]", highlight=False)
    console.print(
        f"to train with it: assembly-rl-train --config-dir {folder} task=designed robot=<yours> "
        "geometry=<part>",
        markup=False,
        highlight=False,
    )
    return folder


def folder_of(config: DesignConfig) -> Path:
    """Return the folder: the given one, or the first unused ``design-<robot>``.

    Raises:
        RunError: The given one exists.
    """
    if config.output is not None:
        if os.path.lexists(config.output):
            raise RunError(f"{config.output} exists; nothing is overwritten: choose another output")
        return Path(config.output)
    stem, number = f"design-{folder_name(config.task.robot.name or config.task.robot.model)}", 1
    while os.path.lexists(path := Path(stem if number == 1 else f"{stem}-{number}")):
        number += 1
    return path


def _keep(found: Design, folder: Path) -> None:
    from assembly_rl.reports.design_page import PICTURE, design_page, numbers, task_yaml
    from assembly_rl.reports.design_picture import plot_design

    files = {"task/designed.yaml": task_yaml(found)}
    reason = ""
    try:
        files["ros2.yaml"] = found.ros2().text()
    except InputError as error:
        reason = str(error)
    _write(folder, {"README.md": design_page(found, files.get("ros2.yaml", ""), reason), **files})
    write_json(folder / "design.json", {"format": 1, **numbers(found)})
    with writing(folder):
        plot_design(found, folder / PICTURE)


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, text.encode())


def _job(values: DictConfig) -> None:
    show(checked(values, DesignConfig), console())


def main() -> None:
    """Run the command."""
    command("design", _job)


if __name__ == "__main__":
    main()

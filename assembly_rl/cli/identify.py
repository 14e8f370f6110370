"""assembly-rl-identify: lag, delay, sensor, tool and contact of a robot from a recording of its motion."""

import os
import sys
from datetime import date
from pathlib import Path

from omegaconf import DictConfig
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import IdentifyConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.controllers.identification import Identification, MotionRecording, identify
from assembly_rl.deployment.identification import (
    ceiling_settings,
    robot_yaml,
    sensor_settings,
    series_stiffness,
)
from assembly_rl.deployment.rosbag import is_bag, read_bag
from assembly_rl.runs import RunError
from assembly_rl.runs.files import replacing, write_bytes, writing


def show(config: IdentifyConfig, console: Console) -> Identification:
    """Identify a robot; print what was found, draw it, and write the robot's file.

    Args:
        config: Configuration of the command.
        console: Console for tables and text.

    Raises:
        RunError: A file to be written exists.
    """
    from assembly_rl.reports.identification import plot_identification

    source = Path(config.recording)
    picture = Path(config.picture or f"{source.stem}-identification.png")
    for name, path in (("output", config.output), ("picture", picture)):
        if path is not None and os.path.lexists(path):
            raise RunError(f"{path} exists; nothing is overwritten: choose another {name}")
    recording = _read(config, source).marked(
        [config.contact[n : n + 2] for n in range(0, len(config.contact), 2)]
    )
    found = identify(recording, interpolated=not config.held, gravity=config.gravity)
    table = Table("", "value (95 % interval)", "unit", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in found.rows():
        table.add_row(*map(escape, row))
    console.print(table)
    for setting in sensor_settings(found):
        console.print(f"the sensor, beside the robot: {setting}", highlight=False, markup=False)
    stiffness = series_stiffness(found)
    if stiffness is not None:
        console.print(f"robot and contact in series: {stiffness:.3g} N/m", highlight=False, markup=False)
    settings = " ".join(ceiling_settings(found))
    console.print(f"for a force ceiling: {settings}", highlight=False, markup=False, soft_wrap=True)
    with writing(picture):
        picture.parent.mkdir(parents=True, exist_ok=True)
        with replacing(picture) as partial:
            plot_identification(found, recording, partial)
    console.print(f"picture: [bold]{escape(str(picture))}[/]", highlight=False)
    text = robot_yaml(found, source.name, date.today())
    if config.output is None:
        console.print("\nThe robot as a file (output=<file> writes it):\n", markup=False, highlight=False)
        console.print(text, markup=False, highlight=False, soft_wrap=True, end="")
        return found
    output = Path(config.output)
    with writing(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(output, text.encode())
    console.print(
        f"to train with it: [bold]assembly-rl-train robot={escape(str(output))}[/]", highlight=False
    )
    return found


def _read(config: IdentifyConfig, source: Path) -> MotionRecording:
    if is_bag(source):
        return read_bag(source, config.command_topic, config.pose_topic, config.wrench_topic)
    return MotionRecording.load(source)


def _job(values: DictConfig) -> None:
    show(checked(values, IdentifyConfig), console())


def with_recording(arguments: list[str]) -> list[str]:
    """Replace a first argument that is a file by ``recording=``."""
    if arguments and not arguments[0].startswith("-") and "=" not in arguments[0]:
        return [f"recording={arguments[0]}", *arguments[1:]]
    return list(arguments)


def main() -> None:
    """Run the command."""
    sys.argv[1:] = with_recording(sys.argv[1:])
    command("identify", _job)


if __name__ == "__main__":
    main()

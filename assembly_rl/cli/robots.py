"""Robot files on the command line: ``robot=my_robot.yaml``."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assembly_rl.cli.files import file_argument, path_of, with_overrides
from assembly_rl.configuration.overrides import quoted
from assembly_rl.controllers.serialization import complete, from_mapping
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.files import read_yaml
from assembly_rl.envs.robots import ROBOTS, RobotConfig


def with_robot(arguments: list[str]) -> list[str]:
    """Replace the argument of a robot file by overrides of the robot; other overrides win over them.

    Raises:
        InputError: The file is refused, there are two, or it is one of several choices.
    """
    given = file_argument(arguments, "robot", "robots", _is_robot_file)
    if given is None:
        return arguments
    fields = read_robot(path_of(given))
    own = [
        f"task.robot.{key}={quoted(value) if isinstance(value, str) else value}"
        for key, value in _flat(fields)
    ]
    return with_overrides(arguments, given, ["robot=floating", *own])


def robot_files(arguments: list[str]) -> list[Path]:
    """Return the robot file that an argument names."""
    given = file_argument(arguments, "robot", "robots", _is_robot_file)
    return [] if given is None else [path_of(given)]


def read_robot(path: Path) -> dict[str, Any]:
    """Read fields of ``RobotConfig`` from a YAML file; missing ones keep their defaults.

    The robot is named after the file, unless the file has a ``name``.

    Raises:
        InputError: The file does not exist, is not YAML, or a field is unknown or refused.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} must have fields of a robot, such as response")
    fields = {"name": path.stem, **content}
    try:
        robot = from_mapping(RobotConfig, fields)
        complete(RobotConfig, asdict(robot), "robot")
        ROBOTS.get(robot.model)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return fields


def _is_robot_file(name: str) -> bool:
    return name.lower().endswith((".yaml", ".yml"))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and values of a nested mapping."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value

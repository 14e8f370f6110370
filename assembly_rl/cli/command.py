"""What the commands share: Hydra around a function, and errors in one line."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, ListConfig
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from assembly_rl.configuration.schema import CONFIG_PACKAGE, names, register, unknown
from assembly_rl.envs.geometry.files import SUFFIXES, read_part

GROUPS = ("algo", "controller", "experiment", "geometry", "method", "profile", "robot", "study", "task")


def command(config_name: str, job: Callable[[DictConfig], Any]) -> Any:
    """Run a job under Hydra; a ValueError becomes one line on standard error and exit code 2.

    With ``HYDRA_FULL_ERROR=1``, Hydra's own switch, it keeps its traceback.
    """
    register()
    sys.argv[1:] = _with_parts(sys.argv[1:])
    _check_group_choices(sys.argv[1:])

    def guarded(config: DictConfig) -> Any:
        try:
            return job(config)
        except (ValueError, OmegaConfBaseException) as error:
            if os.environ.get("HYDRA_FULL_ERROR") == "1":
                raise
            raise SystemExit(fail(str(error).splitlines()[0])) from None

    main = hydra.main(version_base="1.3", config_path=f"pkg://{CONFIG_PACKAGE}", config_name=config_name)
    return main(guarded)()


def console() -> Console:
    """Where results are shown; wide enough for a table where the output is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 110)


def as_list(value: Any) -> list[Any]:
    """One value or several from the command line."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | ListConfig) else [value]


def fail(message: str) -> int:
    """Print an error; return the exit code."""
    print(f"error: {message}", file=sys.stderr)
    return 2


def _with_parts(arguments: list[str]) -> list[str]:
    """A part from a file (``geometry=my_part.yaml``) as what Hydra knows; what is given beside it wins."""
    files = [text for text in arguments if text.startswith("geometry=") and text.endswith(SUFFIXES)]
    if not files:
        return arguments
    try:
        fields = read_part(Path(files[-1].partition("=")[2]))
    except (ValueError, ImportError) as error:
        raise SystemExit(fail(str(error))) from None
    fields["parameters.vertices"] = fields.pop("parameters")["vertices"]
    own = [f"geometry.{name}={value}" for name, value in fields.items()]
    return ["geometry=polygon", *own, *(text for text in arguments if text not in files)]


def _check_group_choices(arguments: list[str]) -> None:
    """Name the closest choice where Hydra would only list them all."""
    if {"--config-dir", "-cd"} & {argument.split("=")[0] for argument in arguments}:
        return  # there may be more choices there
    for argument in arguments:
        group, _, choices = argument.partition("=")
        if group not in GROUPS or not choices:
            continue
        known = names(group)
        for choice in choices.strip("[]").split(","):
            if known and choice.strip("'\" ") not in known and choice != "null":
                raise SystemExit(fail(unknown(group, choice, known)))

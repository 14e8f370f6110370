"""Common part of the commands: a function under Hydra, and errors in one line."""

import os
import sys
from collections.abc import Callable
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, ListConfig
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from assembly_rl.cli.config import EvalConfig, ExportConfig, GraphConfig, PlanConfig, ReplayConfig
from assembly_rl.cli.parts import show_remarks, with_parts
from assembly_rl.configuration.composition import choices, register
from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs.library import CONFIG_PACKAGE
from assembly_rl.planner.profile import Profile
from assembly_rl.studies.config import BenchmarkConfig, StudyConfig

GROUPS = ("algo", "controller", "experiment", "geometry", "method", "profile", "robot", "study", "task")


def command(config_name: str, job: Callable[[DictConfig], Any]) -> Any:
    """Run a job under Hydra; bad input becomes one line on standard error and exit code 2.

    With ``HYDRA_FULL_ERROR=1``, Hydra's own switch, it keeps its traceback, as any other error does.
    """
    _register_commands()
    show_remarks()
    try:
        sys.argv[1:] = with_parts(sys.argv[1:])
    except (InputError, ImportError) as error:
        raise SystemExit(fail(str(error))) from None
    _check_group_choices(sys.argv[1:])

    def guarded(config: DictConfig) -> Any:
        try:
            return job(config)
        except (InputError, OmegaConfBaseException) as error:
            if os.environ.get("HYDRA_FULL_ERROR") == "1":
                raise
            raise SystemExit(fail(str(error).splitlines()[0])) from None

    main = hydra.main(version_base="1.3", config_path=f"pkg://{CONFIG_PACKAGE}", config_name=config_name)
    return main(guarded)()


def _register_commands() -> None:
    """Register the schemas of all commands for the YAML files under conf/."""
    register()
    store = ConfigStore.instance()
    store.store("eval_schema", EvalConfig)
    store.store("plan_schema", PlanConfig)
    store.store("graph_schema", GraphConfig)
    store.store("export_schema", ExportConfig)
    store.store("replay_schema", ReplayConfig)
    store.store("benchmark_schema", BenchmarkConfig)
    store.store("schema", Profile, group="profile")
    store.store("schema", StudyConfig, group="study")


def console() -> Console:
    """Return the console for results; wide enough for a table if the output is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 110)


def as_list(value: Any) -> list[Any]:
    """Return one value or several from the command line as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | ListConfig) else [value]


def fail(message: str) -> int:
    """Print an error, and return the exit code."""
    print(f"error: {message}", file=sys.stderr)
    return 2


def _check_group_choices(arguments: list[str]) -> None:
    """Refuse an unknown choice and suggest the closest one; Hydra would only list all choices."""
    if {"--config-dir", "-cd"} & {argument.split("=")[0] for argument in arguments}:
        return  # there may be more choices there
    for argument in arguments:
        group, _, given = argument.partition("=")
        if group not in GROUPS or not given:
            continue
        known = choices(group)
        for choice in given.strip("[]").split(","):
            if known and choice.strip("'\" ") not in known and choice != "null":
                raise SystemExit(fail(unknown(group, choice, known)))

"""Common part of the commands: a function under Hydra, and errors in one line."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from assembly_rl.cli.all_keys import all_keys
from assembly_rl.cli.config import (
    DeployConfig,
    DesignConfig,
    EvalConfig,
    ExportConfig,
    GraphConfig,
    IdentifyConfig,
    PartConfig,
    PlanConfig,
    ReplayConfig,
)
from assembly_rl.cli.help import ALL, quick_answer
from assembly_rl.cli.parts import part_files, show_remarks, with_parts
from assembly_rl.cli.robots import robot_files, with_robot
from assembly_rl.cli.streams import make_robust
from assembly_rl.configuration.composition import checked, checked_overrides, one_line, register
from assembly_rl.configuration.overrides import require_distinct
from assembly_rl.configuration.quick import with_quick
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.library import CONFIG_PACKAGE
from assembly_rl.planner.profile import Profile
from assembly_rl.studies.config import BenchmarkConfig, StudyConfig

_typed: list[str] = []


def typed_command() -> list[str]:
    """Return the command line of this process as it was typed."""
    return list(_typed or sys.argv)


def typed_files() -> dict[str, bytes]:
    """Return the content of the files in place of a choice on the command line, by their path."""
    arguments = typed_command()[1:]
    found = [*part_files(arguments), *robot_files(arguments)]
    return {str(path): path.read_bytes() for path in found}


def command(config_name: str, job: Callable[[DictConfig], Any]) -> Any:
    """Run a job under Hydra; bad input becomes one line on standard error and exit code 2.

    With ``HYDRA_FULL_ERROR=1``, Hydra's own switch, it keeps its traceback, as any other error does.
    """
    make_robust()
    if (answer := quick_answer(f"assembly-rl-{config_name}", sys.argv[1:])) is not None:
        print(answer)
        return None
    show_remarks()
    full = os.environ.get("HYDRA_FULL_ERROR") == "1"

    def guarded(config: DictConfig) -> Any:
        with _one_line_errors(full), _hydra_raises(full):
            checked(config, object)  # also where a job takes only some of its values
            return job(config)

    with _one_line_errors(full):
        _register_commands()
        if ALL in sys.argv:
            print(all_keys(config_name, [text for text in sys.argv[1:] if text != ALL]))
            return None
        _typed[:] = sys.argv
        sys.argv[1:] = checked_arguments(config_name, sys.argv[1:])
        main = hydra.main(version_base="1.3", config_path=f"pkg://{CONFIG_PACKAGE}", config_name=config_name)
        with _hydra_raises(True):
            return main(guarded)()


@contextmanager
def _one_line_errors(full: bool) -> Iterator[None]:
    """Turn bad input, and a file that cannot be read or written, into one line and exit code 2."""
    try:
        yield
    except (InputError, ImportError, HydraException, OmegaConfBaseException, OSError) as error:
        if full or (isinstance(error, OSError) and error.filename is None):
            raise
        raise SystemExit(fail(_described(error))) from None


def _described(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename} cannot be read or written: {error.strerror}; choose another place"
    return one_line(error)


@contextmanager
def _hydra_raises(full: bool) -> Iterator[None]:
    """Let Hydra raise its errors instead of printing them with advice in several lines."""
    before = os.environ.pop("HYDRA_FULL_ERROR", None)
    if full:
        os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        os.environ.pop("HYDRA_FULL_ERROR", None)
        if before is not None:
            os.environ["HYDRA_FULL_ERROR"] = before


def checked_arguments(config_name: str, given: Sequence[str]) -> list[str]:
    """Check a command line before Hydra reads it.

    Args:
        config_name: Name of the command's configuration.
        given: Arguments of the command.

    Returns:
        Arguments in a form in which Hydra reads text as it was typed.

    Raises:
        InputError: An option or an override cannot be used.
    """
    options = _options(given)
    if options.shell_completion or options.hydra_help:
        return list(given)
    require_distinct(options.overrides)
    arguments = with_quick(config_name, with_robot(with_parts(list(given))))
    options = _options(arguments)
    folders = []
    if options.config_dir is not None:
        folders.append(f"file://{os.path.abspath(options.config_dir)}")
        if not Path(options.config_dir).is_dir():
            raise InputError(f"--config-dir {options.config_dir} is not a folder")
    name = options.config_name or config_name
    config, overrides = checked_overrides(name, options.overrides, options.multirun, folders=folders)
    own = ConfigStore.instance().load(f"{config_name}_schema.yaml").node
    if OmegaConf.get_type(config) is not OmegaConf.get_type(own):
        raise InputError(f"--config-name {name} is not a configuration of assembly-rl-{config_name}")
    replaced = dict(zip(options.overrides, overrides, strict=True))
    return [replaced.get(text, text) for text in arguments]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """Read Hydra's options."""
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    options = parser.parse_args(arguments)
    modes = ("run", "multirun", "cfg", "info", "shell_completion")
    if sum(bool(getattr(options, name)) for name in modes) > 1:
        raise InputError("give one of --run, --multirun, --cfg, --info and --shell-completion")
    if options.resolve and not (options.cfg or options.help):
        raise InputError("--resolve needs --cfg")
    for name in ("config_path", "experimental_rerun"):
        if getattr(options, name) is not None:
            raise InputError(f"--{name.replace('_', '-')} is not supported; --config-dir adds your own files")
    return options


def _refuse(message: str) -> NoReturn:
    _, unrecognized, given = message.partition("unrecognized arguments: ")
    if not unrecognized:
        raise InputError(message)
    name, _, value = given.removeprefix("--").partition(" ")[0].partition("=")
    hint = (
        f"keys have no dashes: write {name}={value or '<value>'}"
        if given.startswith("--")
        else "options such as -m come before or after all key=value"
    )
    raise InputError(f"{message}; {hint}")


def _register_commands() -> None:
    """Register the schemas of all commands for the YAML files under conf/."""
    register()
    store = ConfigStore.instance()
    store.store("eval_schema", EvalConfig)
    store.store("part_schema", PartConfig)
    store.store("design_schema", DesignConfig)
    store.store("plan_schema", PlanConfig)
    store.store("graph_schema", GraphConfig)
    store.store("identify_schema", IdentifyConfig)
    store.store("export_schema", ExportConfig)
    store.store("deploy_schema", DeployConfig)
    store.store("replay_schema", ReplayConfig)
    store.store("benchmark_schema", BenchmarkConfig)
    store.store("schema", Profile, group="profile")
    store.store("schema", StudyConfig, group="study")


def console() -> Console:
    """Return the console for results; wide enough for a table if the output is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 110)


def fail(message: str) -> int:
    """Print an error, and return the exit code."""
    print(f"error: {message}", file=sys.stderr)
    return 2

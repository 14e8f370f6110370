"""Composition of configurations by Hydra, within or outside a command."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import Any, TypeVar

import yaml
from hydra import compose
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from assembly_rl.configuration.keys import (
    assign,
    declared_type,
    delete,
    require_complete,
    unknown_key,
)
from assembly_rl.configuration.overrides import Argument, parse, read_value
from assembly_rl.controllers.registry import Registry
from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs.library import CONFIG_PACKAGE, names, register_schemas
from assembly_rl.evaluation.candidates import ControllerConfig
from assembly_rl.learners.config import ALGORITHMS
from assembly_rl.methods.transfer.workflow_config import TransferWorkflowConfig
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import METHODS

_REGISTRIES: dict[str, Registry[Any]] = {"algo": ALGORITHMS, "method": METHODS}

OWN_FILES = {"geometry": "bracket.yaml", "robot": "my_robot.yaml"}
"""Example of a file for each group that takes files in place of a choice."""

T = TypeVar("T")


def register() -> None:
    """Register the schemas for the YAML files under conf/, including newly registered methods."""
    _register_fixed()
    store = ConfigStore.instance()
    for group, registry in _REGISTRIES.items():
        for name in registry.names():
            schema = registry.get(name)
            store.store(f"{name}_schema", schema, group=group)
            if name in choices(group) and name not in names(group):  # a plug-in has no file of conf/
                store.store(name, schema, group=group)


@cache
def _register_fixed() -> None:
    register_schemas()
    store = ConfigStore.instance()
    store.store("train_schema", TrainConfig)
    store.store("transfer_schema", TransferWorkflowConfig)
    store.store("schema", ControllerConfig, group="controller")


def choices(group: str) -> list[str]:
    """Return the available choices of a configuration group, sorted: files and registered items."""
    registered = _REGISTRIES[group].names() if group in _REGISTRIES else []
    hidden = {"transfer"}  # combines with any method, under a key of its own
    return sorted({*names(group), *registered} - hidden)


def composed(config_name: str, *overrides: str) -> DictConfig:
    """Compose a configuration from the files under conf/ and overrides in the syntax of the command line.

    Raises:
        InputError: An override cannot be read, or names a key, choice or value that does not exist.
    """
    return checked_overrides(config_name, overrides)[0]


def composed_with_choices(config_name: str, *overrides: str) -> tuple[DictConfig, dict[str, list[str]]]:
    """Compose a configuration as ``composed`` does; return it, and the choices of each of its groups."""
    config = composed(config_name, *overrides)
    with _hydra(f"pkg://{CONFIG_PACKAGE}", ()):
        chosen = _composed(config_name, []).hydra.runtime.choices
        groups = [str(name) for name in chosen if not str(name).startswith("hydra/")]
        return config, {name: _options(name) for name in groups if _options(name)}


def checked_overrides(
    config_name: str,
    overrides: Sequence[str],
    sweep: bool = False,
    main: str = f"pkg://{CONFIG_PACKAGE}",
    folders: Sequence[str] = (),
) -> tuple[DictConfig, list[str]]:
    """Compose a configuration, and check each override against its schema.

    Args:
        config_name: Name of a file under conf/.
        overrides: Overrides in the syntax of the command line.
        sweep: True if an override may have several values (``-m``); the configuration is that of one job.
        main: Place of conf/ for Hydra, such as ``pkg://module`` or ``file:///folder``.
        folders: Further places with configuration files.

    Returns:
        Configuration, and the overrides in a form in which Hydra reads text as it was typed.

    Raises:
        InputError: An override cannot be read, or names a key, choice or value that does not exist.
    """
    register()
    arguments = [Argument.read(text) for text in overrides]
    for argument in arguments:
        if argument.key == "hydra.searchpath":
            given_folders: Any = parse(argument.text).value()
            folders = [*folders, *map(str, given_folders or [])]
    with _hydra(main, folders):
        groups = {argument: _chosen(argument, sweep) for argument in arguments if _is_group(argument)}
        for chosen in _one_sweep_at_a_time(list(groups.values())):
            config = _composed(config_name, chosen)
            given = [
                _group(config, argument) if argument in groups else _apply(config, argument, sweep)
                for argument in arguments
            ]
    with open_dict(config):
        config.pop("hydra")
    return config, given


@contextmanager
def _hydra(main: str, folders: Sequence[str]) -> Iterator[None]:
    """Initialise Hydra, unless a command has."""
    if GlobalHydra.instance().is_initialized():
        yield
        return
    search_path = create_config_search_path(main)
    for folder in folders:
        search_path.prepend("command-line", folder, SearchPathQuery(provider="schema"))
    try:
        Hydra.create_main_hydra2(task_name="app", config_search_path=search_path)
        yield
    finally:
        GlobalHydra.instance().clear()


def _options(group: str) -> list[str]:
    """Return the choices of a group, or without a group the configurations, in all search paths."""
    return _listed(group, *_state())


def _is_group(argument: Argument) -> bool:
    group = argument.key.partition("@")[0]
    return "." not in group and bool(_options(group)) and not (argument.value or "").startswith("{")


def _state() -> tuple[tuple[str, ...], str]:
    """Return the names in the registries and the search path, on which Hydra's results depend."""
    registered = tuple(name for registry in _REGISTRIES.values() for name in registry.names())
    return registered, str(GlobalHydra.instance().config_loader().get_search_path())


@lru_cache(maxsize=128)
def _listed(group: str, registered: tuple[str, ...], search_path: str) -> list[str]:
    names = GlobalHydra.instance().config_loader().get_group_options(group, ObjectType.CONFIG)
    return [name for name in names if not name.endswith("schema") and not name.startswith("_")]


def _chosen(argument: Argument, sweep: bool) -> list[str]:
    """Return the override of a group once for each value of a sweep; all choices are known."""
    if argument.value is None:
        return [argument.text]
    group, parsed = argument.key.partition("@")[0], parse(argument.text)
    several = parsed.is_sweep_override()
    if several and not sweep:
        raise InputError(f"{argument.text!r} has several values: add -m to run one job for each")
    parsed.config_loader = GlobalHydra.instance().config_loader()
    values = list(parsed.sweep_iterator()) if several else [parsed.value()]
    for name in chain.from_iterable(value if isinstance(value, list) else [value] for value in values):
        if name is None:
            raise InputError(f"{argument.text!r} names no choice: known are {', '.join(_options(group))}")
        if str(name) not in _options(group):
            own = f"; or a file of your own: {group}={OWN_FILES[group]}" if group in OWN_FILES else ""
            raise InputError(unknown(group, str(name), _options(group)) + own)
    texts = parsed.sweep_string_iterator() if several else [argument.value]
    return [argument.with_value(text) for text in texts]


def _one_sweep_at_a_time(groups: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Yield the first choice of each group, then each other choice with the first ones of the rest."""
    first = [choices[0] for choices in groups]
    yield first
    for number, choices in enumerate(groups):
        for choice in choices[1:]:
            yield [*first[:number], choice, *first[number + 1 :]]


def _composed(config_name: str, groups: list[str]) -> DictConfig:
    """Compose a configuration with choices of groups."""
    return copy.deepcopy(_composed_once(config_name, tuple(groups), *_state()))


@lru_cache(maxsize=32)
def _composed_once(
    config_name: str, groups: tuple[str, ...], registered: tuple[str, ...], search_path: str
) -> DictConfig:
    try:
        return compose(config_name, list(groups), return_hydra_config=True)
    except MissingConfigException as error:
        if error.missing_cfg_file == config_name:
            raise InputError(unknown("configuration", config_name, _options(""))) from None
        raise InputError(one_line(error)) from error
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        given = ", ".join(groups)
        if "No match in the defaults list" in str(error):
            raise InputError(f"not among the defaults of this command: remove {given}") from error
        if "Multiple values for" in str(error):
            raise InputError(f"this command has a choice already: leave out the + of {given}") from error
        if "is not a subclass" in str(error):
            raise InputError(f"the command needs one choice of each group, got {given}") from error
        raise InputError(f"{given}: {one_line(error)}") from error


def _group(config: DictConfig, argument: Argument) -> str:
    """Return the override of a group; refuse one that leaves a section of the schema without a choice."""
    with suppress(KeyError):
        section = is_dataclass(declared_type(config, argument.key))
        if section and (argument.value or "[").startswith("["):
            raise InputError(
                f"{argument.text!r}: the command needs one choice of {argument.key}: write "
                f"{argument.key}=<name>, with one of {', '.join(_options(argument.key))}"
            )
    return argument.text


def _apply(config: DictConfig, argument: Argument, sweep: bool) -> str:
    """Apply an override of a key, and return it in a form in which Hydra reads text as it was typed."""
    key = argument.key
    if argument.sign == "~":
        delete(config, key)
        return argument.text
    if "@" in key or "/" in key:
        raise InputError(f"{argument.text!r}: there is no configuration group {key.partition('@')[0]!r}")
    merged = (argument.value or "").startswith(("{", "["))
    if argument.sign == "+" and not merged and OmegaConf.select(config, key) is not None:
        raise InputError(f"{key} exists already: write {key}={argument.value} without +")
    try:
        kind = declared_type(config, key)
    except KeyError:
        raise InputError(_of_other_choice(key) or unknown_key(config, key)) from None
    reading = read_value(argument, kind, sweep)
    for value in reading.values:
        shown = argument.value if len(reading.values) == 1 else None
        assign(config, key, value, shown, add=bool(argument.sign))
    return reading.text


def _of_other_choice(key: str) -> str:
    """Return the message for a key that only other algorithms or methods have; empty for any other key."""
    group, _, name = key.partition(".")
    if group not in _REGISTRIES:
        return ""
    schemas = {choice: _REGISTRIES[group].get(choice) for choice in choices(group)}
    having = [
        choice for choice, schema in schemas.items() if name in {field.name for field in fields(schema)}
    ]
    having_it = " or ".join(f"{group}={choice}" for choice in having)
    return f"unknown key {key!r}; {having_it} has it" if having else ""


def one_line(error: Exception) -> str:
    """Return the message of an error of Hydra or OmegaConf in one line, with its key."""
    if isinstance(error, OmegaConfBaseException):
        text = str(error.msg or error).splitlines()[0]
        key = str(error.full_key or error.key or "")
        return text if not key or key in text else f"{key}: {text}"
    cause = error.__cause__
    text = " ".join(str(error).split()).split(" full_key:")[0]
    return f"{text} {one_line(cause)}".strip() if isinstance(cause, OmegaConfBaseException) else text


def checked(values: Any, kind: type[T]) -> T:
    """Convert a composed configuration into its dataclass, which checks it.

    Raises:
        ValueError: A value is missing or refused.
    """
    with _one_line_errors():
        require_complete(values)
    config = converted(values)
    assert isinstance(config, kind)
    return config


def converted(values: DictConfig, key: str = "") -> Any:
    """Convert a composed configuration, or the value of a key of it, into dataclasses, lists and numbers.

    Raises:
        ValueError: A value is missing or refused.
    """
    with _one_line_errors():
        part = values[key] if key else values
        return OmegaConf.to_object(part) if OmegaConf.is_config(part) else part


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except OmegaConfBaseException as error:
        raise InputError(one_line(error)) from error


def train_config(*overrides: str) -> TrainConfig:
    """Compose the configuration of a training from overrides, as ``assembly-rl-train`` does.

    Raises:
        ValueError: An override names a key or a choice that does not exist, or a value is refused.
    """
    return checked(composed("train", *overrides), TrainConfig)

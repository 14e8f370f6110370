"""Composition of configurations by Hydra, within or outside a command."""

from functools import cache
from typing import Any, TypeVar

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from assembly_rl.envs.library import CONFIG_PACKAGE, names, register_schemas
from assembly_rl.evaluation.candidates import ControllerConfig
from assembly_rl.learners.config import ALGORITHMS
from assembly_rl.methods.transfer.workflow_config import TransferWorkflowConfig
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import METHODS

T = TypeVar("T")


def register() -> None:
    """Register the schemas for the YAML files under conf/, including newly registered methods."""
    _register_fixed()
    store = ConfigStore.instance()
    for group, registry in (("algo", ALGORITHMS), ("method", METHODS)):
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
    registries: dict[str, list[str]] = {"algo": ALGORITHMS.names(), "method": METHODS.names()}
    hidden = {"transfer"}  # combines with any method, under a key of its own
    return sorted({*names(group), *registries.get(group, [])} - hidden)


def composed(config_name: str, *overrides: str) -> DictConfig:
    """Compose a configuration from the files under conf/ and overrides in the syntax of the command line."""
    register()
    if GlobalHydra.instance().is_initialized():
        return compose(config_name, list(overrides))
    with initialize_config_module(CONFIG_PACKAGE, version_base="1.3"):
        return compose(config_name, list(overrides))


def checked(values: Any, kind: type[T]) -> T:
    """Convert a composed configuration into its dataclass, which checks it.

    Raises:
        ValueError: A value is refused.
    """
    config = OmegaConf.to_object(values)
    assert isinstance(config, kind)
    return config


def train_config(*overrides: str) -> TrainConfig:
    """Compose the configuration of a training from overrides, as ``assembly-rl-train`` does.

    Raises:
        ValueError: A value is refused.
        HydraException: An override names a key or a choice that does not exist.
    """
    return checked(composed("train", *overrides), TrainConfig)

"""Creation of a run: all errors of its configuration are raised before its directory exists."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from assembly_rl.accelerators.device import resolve
from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.envs import make_environment
from assembly_rl.planner.plan import plan
from assembly_rl.runs import RunDirectory
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import Method
from assembly_rl.training.model import make_model


def prepare(config: TrainConfig) -> tuple[TrainConfig, list[Method]]:
    """Complete and check the configuration of a training.

    Returns:
        Complete configuration, and its methods, for ``create_run``.

    Raises:
        ValueError: Part, task, algorithm, method or device cannot be used; the message says why.
    """
    methods = config.methods()
    for method in methods:
        config = method.configure(config)
    if config.device != "auto":
        resolve(config.device)
    environment = make_environment(config.geometry.part(), config.task)
    environment.close()
    for method in methods:
        method.check(config, environment.observation_names)
    return config, methods


def planned(config: TrainConfig) -> tuple[TrainConfig, str]:
    """Replace device and number of environments by those that are fastest on this machine.

    Returns:
        Configuration, and the predictions in words.
    """
    make = partial(make_model, method=config.method)
    device, environments, why = plan(config.geometry.part(), config.task, config.algo, make)
    return replace(config, device=str(device), environments=environments), why


def create_run(
    config: TrainConfig,
    methods: Sequence[Method],
    path: str | Path,
    command: Sequence[str] | None = None,
    inputs: Mapping[str, bytes] | None = None,
) -> RunDirectory:
    """Create the directory of a run, with all the files that its training depends on, and lock it.

    Args:
        config: Configuration from ``prepare``.
        methods: Methods from ``prepare``.
        path: New or empty folder.
        command: Command line that is recorded; by default that of this process.
        inputs: Content of the files that the command line names, by their path; the run keeps copies.

    Raises:
        FolderTaken: The folder exists and is not empty.
        RunError: The folder cannot be written.
    """

    def fill(run: RunDirectory) -> None:
        for method in methods:
            method.created(run)

    return RunDirectory.create(path, to_mapping(config), list(command or sys.argv), config.seed, inputs, fill)

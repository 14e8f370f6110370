"""The variants of a transfer: what each of them changes."""

from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
import yaml

from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.envs import TaskConfig
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.methods.transfer.source import Source
from assembly_rl.methods.transfer.workflow import FINE_TUNING, VARIANTS, variant_config
from assembly_rl.methods.transfer.workflow_config import TransferWorkflowConfig
from assembly_rl.runs import RunDirectory
from assembly_rl.training.create import prepare


def studies() -> dict[str, dict[str, Any]]:
    """Methods of the studies of transfers that come with the package, by the names of their files."""
    folder = resources.files("assembly_rl.conf").joinpath("study")
    return {
        entry.name: yaml.safe_load(entry.read_text(encoding="utf-8"))["methods"]
        for entry in folder.iterdir()
        if entry.name.startswith("transfer")
    }


def test_the_studies_fine_tune_as_the_command_does() -> None:
    found = [methods["fine-tuning"] for methods in studies().values() if "fine-tuning" in methods]
    assert found
    for method in found:
        given = [text.partition("=") for text in method["overrides"] if text.startswith("transfer.")]
        own = {key.removeprefix("transfer."): yaml.safe_load(value) for key, _, value in given}
        assert own.pop("run").startswith("runs/sources/")
        assert own == FINE_TUNING


def test_fine_tuning_is_a_transfer_without_its_parts() -> None:
    config = TransferConfig(run="source", **FINE_TUNING)
    assert to_mapping(config) == to_mapping(TransferConfig(run="source")) | FINE_TUNING


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_has_its_own_gradient_steps(source: RunDirectory, name: str) -> None:
    """From scratch a policy learns as the source did; the others learn as the transfer says."""
    own = Source.open(source.path)
    config = TransferWorkflowConfig(
        source=str(source.path),
        task=replace(TaskConfig(), limits=own.config.task.limits),
        transfer=TransferConfig(gradient_steps=5),
        steps=60,
    )
    variant, _ = prepare(variant_config(config, own, name))
    expected = {"scratch": 3, "fine_tuning": 1}.get(name, 5)
    assert variant.algo.gradient_steps == expected  # type: ignore[attr-defined]
    assert variant.algo.learning_starts == (15 if name == "scratch" else 0)  # type: ignore[attr-defined]
    assert variant.transfer.starts_trained == (name != "scratch")
    assert (variant.task.coordinates is not None) == (name in ("transfer",))
    assert variant.task.compliance == own.config.task.compliance

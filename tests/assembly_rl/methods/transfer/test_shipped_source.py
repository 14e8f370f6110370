"""The source of transfers that comes with the package."""

from pathlib import Path

import numpy as np
import pytest
import torch

from assembly_rl.controllers.bundles import read_bundle
from assembly_rl.methods.transfer.source import Source, ship_source, shipped_sources
from assembly_rl.runs import RunDirectory, RunError


def test_it_is_the_shipped_controller_with_its_critics() -> None:
    assert "generalist" in shipped_sources()
    source, bundle = Source.open("generalist"), read_bundle("generalist")
    assert source.several_parts
    own, shipped = source.actor().network().layers, bundle.policy.layers
    assert len(own) == len(shipped)
    for (weight, bias, kind), (other_weight, other_bias, other_kind) in zip(own, shipped, strict=True):
        assert np.array_equal(weight, other_weight) and np.array_equal(bias, other_bias)
        assert kind == other_kind
    weights = source.weights()
    critics = [name for name in weights if name.startswith("critic.")]
    assert critics
    for name in critics:
        assert torch.equal(weights[name], weights[name.replace("critic.", "critic_target.", 1)])


def test_what_is_shipped_of_a_run_can_be_opened(source: RunDirectory, tmp_path: Path) -> None:
    own = Source.open(source.path)
    ship_source(source, tmp_path / "small", own.config.task)
    small = Source.open(tmp_path / "small")
    assert small.config == own.config
    mine, theirs = own.weights(), small.weights()
    assert {name for name in mine if not name.startswith("critic_target.")} <= theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine if name.startswith("actor."))


def test_a_folder_of_that_name_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "generalist").mkdir()
    with pytest.raises(RunError, match="generalist is not a run"):
        Source.open("generalist")

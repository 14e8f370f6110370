"""Curves of runs, over the steps that each was meant to have."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.studies import scores
from assembly_rl.training.config import EvaluationConfig, TrainConfig


def run(steps: int, source: str | None, curve: dict[int, float]) -> Any:
    config = TrainConfig(steps=steps, evaluation=EvaluationConfig(200), transfer=TransferConfig(run=source))
    known = {"step": np.array([*curve]), "success": np.array([*curve.values()])}
    return SimpleNamespace(cell=SimpleNamespace(config=config), curve=known)


def test_what_is_carried_over_has_a_value_before_its_first_step() -> None:
    short = run(400, "source", {0: 0.6, 200: 0.8, 400: 1.0})
    steps, values = scores.curve([short], "success")
    assert steps.tolist() == [0.0, 200.0, 400.0]
    assert values.tolist() == [[0.6, 0.8, 1.0]]
    assert scores.area(short) == pytest.approx(0.8)


def test_one_that_died_counts_nothing_until_it_should_have_ended() -> None:
    died = run(800, None, {200: 0.5, 400: 1.0})
    steps, values = scores.curve([died], "success")
    assert steps.tolist() == [200.0, 400.0, 600.0, 800.0]
    assert values.tolist() == [[0.5, 1.0, 0.0, 0.0]]
    assert scores.area(died) == pytest.approx((0.25 + 0.75 + 0.5) / 4)

"""Short runs: ``quick=true`` on the command line and from Python."""

import pytest

from assembly_rl.api import make_config
from assembly_rl.configuration.quick import QUICK, with_quick
from assembly_rl.training.config import EvaluationConfig


def test_it_stands_for_few_steps_unless_they_are_given() -> None:
    assert with_quick("train", ["seed=1", "quick=true"]) == ["seed=1", *QUICK["train"], "quick=true"]
    given = with_quick("train", ["quick=True", "steps=7", "evaluation.every=5"])
    assert "steps=2000" not in given and "evaluation.every=1000" not in given
    assert "evaluation.episodes=20" in given
    assert with_quick("train", ["quick=false"]) == ["quick=false"]
    assert with_quick("part", ["quick=true"]) == ["quick=true"]  # which knows no such key


@pytest.mark.parametrize("given", [{}, {"quick": True}])
def test_python_has_it_too(given: dict) -> None:
    config = make_config(*([] if given else ["quick=true"]), **given)
    assert (config.steps, config.evaluation.held_out, config.quick) == (2000, 20, True)


def test_what_python_gives_wins() -> None:
    config = make_config(quick=True, steps=300, evaluation=EvaluationConfig(100, 4, 4))
    assert (config.steps, config.evaluation.every, config.checkpoint_every) == (300, 100, 1000)
    assert make_config("evaluation.every=50", quick=True).evaluation.every == 50
    assert not make_config().quick and make_config().steps == 20_000

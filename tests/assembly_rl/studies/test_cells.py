"""What a study expands to, and what it refuses before anything runs."""

from typing import Any

import pytest
from omegaconf import OmegaConf

from assembly_rl.cli.command import _register_commands
from assembly_rl.configuration.composition import composed
from assembly_rl.studies import cells as module
from assembly_rl.studies.cells import Cell, EvaluationCell
from assembly_rl.studies.config import ComparedMethodConfig, ConditionConfig, StudyConfig
from assembly_rl.studies.expansion import expand

REFLEX = {"default": "reflex", "hard": "reflex_hard"}


def study(**changes: Any) -> StudyConfig:
    values: dict[str, Any] = {
        "question": "Is it better?",
        "methods": {"plain": ComparedMethodConfig(), "reflex": ComparedMethodConfig(controller=REFLEX)},
        "steps": 600,
    }
    return StudyConfig(**(values | changes))


def names(cells: list[Cell]) -> set[str]:
    return {cell.name for cell in cells}


def test_every_method_meets_every_condition() -> None:
    cells = expand(
        study(
            conditions={
                "default": ConditionConfig("default", ["square", "L"], [1e-4, 8e-5]),
                "hard": ConditionConfig("hard", ["square", "L"], [1e-4, 8e-5], ["task.limits.time=6"]),
            },
            algorithms=["sac", "ppo"],
            seeds=[3, 7],
        )
    )
    # 8 conditions: two algorithms with two seeds, and one controller.
    assert len(cells) == len(names(cells)) == len({cell.digest for cell in cells}) == 8 * 5
    assert {cell.method for cell in cells} == {"plain, sac", "plain, ppo", "reflex"}
    assert len({cell.condition for cell in cells}) == 8
    found = next(
        cell for cell in cells if cell.condition == "hard, L, 0.08 mm" and cell.method == "plain, ppo"
    )
    part = found.config.geometry
    assert (part.section, part.clearance, part.chamfer) == ("L", 8e-5, 0.0)
    assert found.config.task.limits.time == 6.0
    assert (found.config.algo.name, found.config.seed, found.config.steps) == ("ppo", 3, 600)
    guided = next(cell for cell in cells if cell.condition.startswith("hard") and not cell.learns)
    assert isinstance(guided, EvaluationCell) and guided.seed is None
    assert guided.controller.parameters == expand_one("hard").controller.parameters


def expand_one(task: str) -> Any:
    methods = {"r": ComparedMethodConfig(controller=REFLEX)}
    cells = expand(study(methods=methods, conditions={task: ConditionConfig(task)}))
    return cells[0]


def test_overrides_of_a_method_win() -> None:
    methods = {"short": ComparedMethodConfig(overrides=["steps=100", "algo.batch_size=32"])}
    condition = ConditionConfig(overrides=["steps=200", "algo.batch_size=64"])
    (cell,) = expand(study(methods=methods, seeds=[0], conditions={"default": condition}))
    assert (cell.config.steps, cell.config.algo.batch_size) == (100, 32)


def test_another_configuration_or_other_code_is_another_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    once = names(expand(study()))
    assert names(expand(study())) == once
    assert not names(expand(study(steps=700))) & once
    assert not names(expand(study(episodes=7))) & once
    monkeypatch.setattr(module, "code_digest", lambda: "other")
    assert not names(expand(study())) & once


def of(**changes: Any) -> dict[str, Any]:
    return {"conditions": {"default": ConditionConfig(**changes)}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": []}, "the study has no seeds: give at least one"),
        ({"methods": {}}, "the study has no methods"),
        ({"seeds": [1, 1]}, r"seeds have to differ, got \[1, 1\]"),
        ({"steps": 0}, "StudyConfig.steps must be > 0, got 0"),
        (of(geometries=["sqare"]), "unknown geometry 'sqare'; did you mean 'square'"),
        (of(task="easy"), "unknown task 'easy'"),
        (of(overrides=["stepps=3"]), "the study's overrides .* stepps=3 .*: unknown key"),
        ({"algorithms": ["sacc"]}, "unknown algo 'sacc'; did you mean 'sac'"),
        (of(clearances=[-1.0]), "clearance must be more than 0"),
        ({"thresholds": {"speed": 1.0}}, "no threshold on 'speed': evaluated are success, time,"),
        (
            {"methods": {"m": ComparedMethodConfig(controller={"default": "reflx"})}},
            "unknown controller 'reflx'",
        ),
        (
            {
                "methods": {"m": ComparedMethodConfig(controller=REFLEX)},
                "conditions": {"hrd": ConditionConfig()},
            },
            "'m' has no controller for condition 'hrd'",
        ),
        ({"methods": {"m": ComparedMethodConfig(["steps=1"], REFLEX)}}, "'m' has more than one of"),
        (
            {"methods": {"m": ComparedMethodConfig(["task.limits.time=-1"])}},
            "LimitConfig.time must be > 0, got -1",
        ),
    ],
)
def test_refusals(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expand(study(**changes))


def test_the_studies_that_come_with_the_package_can_be_expanded() -> None:
    _register_commands()
    config = OmegaConf.to_object(composed("benchmark", "study=baselines"))
    cells = expand(config.study)  # type: ignore[union-attr]
    assert len(cells) == 115  # 5 conditions: 4 algorithms with 5 seeds, and 3 controllers

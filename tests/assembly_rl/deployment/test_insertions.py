import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assembly_rl.deployment import budget
from assembly_rl.deployment.budget import Budget, spend
from assembly_rl.deployment.insertions import Arm, Choice, choose, is_changed
from assembly_rl.deployment.reconfiguration import AS_IT_IS, Setting
from assembly_rl.deployment.trials import TrainedController
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.library import make_part_and_task
from assembly_rl.evaluation import MISSED, OPEN, REACHED, Evaluator, SequentialTest
from assembly_rl.methods.transfer.source import Source


def rows(outcomes: Sequence[bool]) -> list[dict[str, Any]]:
    numbers = ("time", "peak_force", "force_p95", "peak_moment", "reward")
    return [
        {"success": of, "result": "success" if of else "timeout", "certificate_valid": True}
        | dict.fromkeys(numbers, 1.0)
        for of in outcomes
    ]


def arm(name: str, successes: int, of: int = 100) -> Arm:
    controller = TrainedController.open("generalist")
    return Arm(
        Setting(name, TaskConfig(), []), controller, rows([True] * successes + [False] * (of - successes))
    )


def chosen(arms: list[Arm], outcomes: dict[str, list[bool]]) -> tuple[Choice, list[str]]:
    """Choose with 20 insertions, whose outcomes are given in their order for each setting."""
    left, names = {name: iter(of) for name, of in outcomes.items()}, []

    def insert(of: Arm, number: int) -> dict[str, Any]:
        assert number == len(names)
        names.append(of.setting.name)
        return rows([next(left[of.setting.name])])[0]

    return choose(arms, SequentialTest(), 20, insert), names


def test_the_best_forecast_is_inserted_until_the_level_is_reached() -> None:
    choice, names = chosen([arm(AS_IT_IS, 50), arm("other", 90), arm("third", 80)], {"other": [True] * 20})
    assert names == ["other"] * 10 and choice.decision == REACHED and is_changed(choice)
    assert choice.insertions == 10 and "10 of 10 insertions" in choice.verdict


def test_a_setting_that_is_kept_by_its_forecast_alone_is_said_to_be_so() -> None:
    outcomes = {"other": [True, False] + [True] * 9 + [False] * 9}
    choice, names = chosen([arm(AS_IT_IS, 50), arm("other", 95), arm("third", 94)], outcomes)
    assert set(names) == {"other"} and choice.kept.setting.name == "third"
    assert choice.decision == OPEN and f"{len(names)} insertions used in other settings" in choice.verdict


def test_as_it_is_comes_alone_if_its_forecast_reaches_the_level() -> None:
    choice, names = chosen([arm(AS_IT_IS, 96), arm("other", 99)], {AS_IT_IS: [True] * 20})
    assert names == [AS_IT_IS] * 10 and not is_changed(choice)


def test_settings_that_the_forecast_cannot_tell_apart_take_turns() -> None:
    outcomes = {AS_IT_IS: [True, False, True, True, False], "other": [True] * 20}
    choice, names = chosen([arm(AS_IT_IS, 85), arm("other", 87)], outcomes)
    assert names[:4] == ["other", AS_IT_IS, "other", AS_IT_IS]
    assert choice.kept.setting.name == "other" and choice.decision == REACHED
    assert len(names) <= 20


def test_a_setting_that_fails_on_the_target_is_given_up() -> None:
    outcomes = {"other": [False] * 20, AS_IT_IS: [True] * 20}
    choice, names = chosen([arm(AS_IT_IS, 70), arm("other", 95)], outcomes)
    assert names[:2] == ["other"] * 2 and set(names[2:]) == {AS_IT_IS}
    assert choice.kept.setting.name == AS_IT_IS and choice.decision == REACHED


def test_as_it_is_is_not_inserted_if_its_forecast_is_hopeless() -> None:
    choice, names = chosen([arm(AS_IT_IS, 10), arm("other", 90)], {"other": [False] * 20})
    assert names == ["other"] * 2 and choice.decision == MISSED and choice.kept.setting.name == "other"


def test_what_is_left_goes_to_the_next_best_setting() -> None:
    arms = [arm(AS_IT_IS, 10), arm("third", 80), arm("second", 90), arm("best", 97)]
    choice, names = chosen(arms, {"best": [True, False, False], "second": [True] * 20})
    assert names == ["best"] * 3 + ["second"] * 10
    assert choice.kept.setting.name == "second" and choice.decision == REACHED
    outcomes = {"best": [True] * 8 + [False] * 2, "second": [True] * 20}
    choice, names = chosen([arm(AS_IT_IS, 10), arm("second", 90), arm("best", 97)], outcomes)
    assert names == ["best"] * 10 + ["second"] * 10 and choice.decision == REACHED
    outcomes = {"best": [True] * 9 + [False] * 2}  # nine are left: too few for another one to pass
    choice, names = chosen([arm(AS_IT_IS, 10), arm("second", 90), arm("best", 97)], outcomes)
    assert names == ["best"] * 11 and choice.insertions == 11


def test_failures_do_not_speak_for_a_setting_that_was_not_inserted() -> None:
    arms = [arm(AS_IT_IS, 10), arm("third", 94), arm("second", 95), arm("best", 98)]
    outcomes = {"best": [True] * 5 + [False] * 2, "second": [True] * 5 + [False] * 2}
    choice, names = chosen(arms, outcomes)
    assert set(names) == {"best", "second"} and choice.kept.setting.name == "best"
    assert choice.decision != REACHED


def test_nothing_is_claimed_that_the_budget_cannot_show() -> None:
    outcomes = {"other": [True, False, True, False, *[True] * 16], AS_IT_IS: [True, False, True, False]}
    choice, names = chosen([arm(AS_IT_IS, 70), arm("other", 90)], outcomes)
    assert choice.decision in (MISSED, OPEN) and choice.kept.setting.name == "other"
    assert len(names) == choice.insertions < 20 and "is reached" not in choice.verdict


@pytest.mark.parametrize("good", [False, True])
def test_the_policy_learns_on_only_where_no_forecast_is_good_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good: bool
) -> None:
    monkeypatch.setattr(budget, "FORECASTS", 2)
    part, task = make_part_and_task("L", "broad")
    task = replace(task, limits=replace(task.limits, time=0.5, force=20.0))  # too short for any insertion
    controller, trained = TrainedController.open("generalist"), Source.open("generalist").config.task
    file, tuned = tmp_path / "insertions.json", list[TaskConfig]()

    def tune(of: TaskConfig) -> TrainedController:
        tuned.append(of)
        return controller

    def insert(of: Arm, number: int) -> dict[str, Any]:
        return rows([of.setting.name == budget.FINE_TUNED])[0]

    with Evaluator(1) as evaluator:

        def spent() -> Choice:
            own = Budget(4, level=0.3, fine_tune=10)
            told = list[str]().append
            return spend(part, trained, task, controller, own, file, evaluator, told, insert, tune)

        choice = spent()
        assert len(choice.arms) == 5 and len(tuned) == 1
        assert tuned[0].physics.engine == json.loads(file.read_text())["engine"]
        state = json.loads(file.read_text())
        del state["forecasts"][4:]
        if good:
            state["forecasts"][1] = rows([True, True])
        file.write_text(json.dumps(state | {"insertions": []}))
        choice = spent()
        assert len(tuned) == (1 if good else 2) and len(choice.arms) == (4 if good else 5)
        assert len(json.loads(file.read_text())["forecasts"]) == len(choice.arms)


def test_insertions_go_on_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "FORECASTS", 2)
    part, task = make_part_and_task("L", "broad")
    error = replace(task.randomization.hole_estimate, lateral=0.005)
    task = replace(task, randomization=replace(task.randomization, hole_estimate=error))
    task = replace(
        task, limits=replace(task.limits, time=0.5)
    )  # no forecast of an insertion in half a second
    controller, trained = TrainedController.open("generalist"), Source.open("generalist").config.task
    file, told = tmp_path / "insertions.json", list[str]()
    tried: list[int] = []

    def insert(of: Arm, number: int) -> dict[str, Any]:
        if number == 1 and not tried.count(1):
            tried.append(number)
            raise KeyboardInterrupt
        tried.append(number)
        return rows([True])[0]

    with Evaluator(1) as evaluator:

        def spent(stated: TaskConfig) -> Choice:
            return spend(part, trained, stated, controller, Budget(20), file, evaluator, told.append, insert)

        with pytest.raises(KeyboardInterrupt):
            spent(task)
        state = json.loads(file.read_text())
        assert len(state["insertions"]) == 1 and {len(of) for of in state["forecasts"]} == {2}
        choice = spent(task)
        assert tried[:2] == [0, 1] and tried[2:] == list(range(1, choice.insertions))  # the first once
        assert not is_changed(choice) and choice.decision == REACHED and choice.insertions == 10
        assert any("5 mm, in training 3 mm" in line for line in told)
        with pytest.raises(ValueError, match="other conditions"):
            spent(replace(task, limits=replace(task.limits, time=0.6)))

"""When a bundle for a robot that lags, or with another law, is refused; and what the other engine says."""

from dataclasses import replace

import pytest

from assembly_rl.controllers.validation import InputError
from assembly_rl.deployment.parity import Comparison
from assembly_rl.deployment.robustness import for_robot, is_within, judge, judge_engine
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.robots.config import ResponseConfig, RobotConfig

RESPONSE = ResponseConfig(lag=[0.01, 0.04], delay=[0.0, 0.01])
TRAINED = TaskConfig(robot=RobotConfig(response=RESPONSE))
SOFT = [100.0, 100.0, 800.0, 1.0, 1.0, 1.0]


def of(successes: int, total: int = 100) -> Comparison:
    return Comparison(0.0, 1, successes, [{"success": number < successes} for number in range(total)])


def judged(task: TaskConfig, found: Comparison, *others: Comparison) -> tuple[list[str], list[TaskConfig]]:
    remaining, asked = list(others), []

    def compared(task: TaskConfig) -> Comparison:
        asked.append(task)
        return remaining.pop(0)

    return judge(found, task, TRAINED, compared), asked


def test_without_a_wish_nothing_is_run_or_noted() -> None:
    assert for_robot(TRAINED, None, None, {}) == TRAINED
    assert judged(TRAINED, of(0)) == ([], [])


def test_a_robot_has_one_lag_and_one_delay() -> None:
    response = for_robot(TRAINED, 0.03, 0.0, {}).robot.response
    assert (response.lag, response.delay) == ([0.03, 0.03], [0.0, 0.0])
    assert for_robot(TRAINED, None, 0.0, {}).robot.response.lag == [0.01, 0.04]


@pytest.mark.parametrize(
    ("lag", "delay", "within"),
    [(0.01, 0.0, True), (0.04, 0.01, True), (0.0, None, False), (0.041, None, False), (None, 0.02, False)],
)
def test_the_ranges_of_the_training_count(lag: float | None, delay: float | None, within: bool) -> None:
    task = for_robot(TRAINED, lag, delay, {})
    assert is_within(task, TRAINED) is within
    notes, asked = judged(task, of(95), of(96))
    assert asked == ([] if within else [TRAINED])
    assert ("within the training's lag 10 to 40 ms" in notes[0]) is within
    assert ("96 of 100" in notes[0]) is not within
    assert "95 of 100 (95 % interval 89 to 98 %)" in notes[0]


@pytest.mark.parametrize(
    ("found", "reference", "refused"), [(79, 100, True), (85, 100, False), (0, 0, False)]
)
def test_outside_the_interval_has_to_reach_nine_tenths_of_the_training(
    found: int, reference: int, refused: bool
) -> None:
    """Of 79 in 100 the interval ends at 86 %, of 85 at 91 %."""
    task = for_robot(TRAINED, 0.1, None, {})
    if not refused:
        judged(task, of(found), of(reference))
        return
    with pytest.raises(InputError, match=r"79 of 100 .* training 100 of 100 .* less than 90 %"):
        judged(task, of(found), of(reference))
    judged(task, of(found), of(90))


def test_a_law_is_compared_at_the_lag_of_the_robot() -> None:
    task = for_robot(TRAINED, 0.1, None, {"damping": SOFT})
    notes, asked = judged(task, of(95), of(95), of(96))
    assert asked == [TRAINED, replace(task, compliance=TRAINED.compliance)]
    assert "damping [100, 100, 800, 1, 1, 1] instead of" in notes[1] and "1 lost and 0 gained" in notes[1]
    assert "mass" not in notes[1]


def test_a_law_that_loses_significantly_is_refused() -> None:
    task = for_robot(TRAINED, None, None, {"damping": SOFT})
    judged(task, of(90), of(95))  # 5 lost: p = 0.06
    judged(task, of(95), of(80))
    with pytest.raises(InputError, match=r"89 of 100 .* 95 of 100 .* 6 lost and 0 gained .* 0\.031"):
        judged(task, of(89), of(95))


def test_names_and_values_of_a_law_are_checked() -> None:
    with pytest.raises(InputError, match="unknown field of compliance 'check_contact'"):
        for_robot(TRAINED, None, None, {"check_contact": [0.0]})
    with pytest.raises(InputError, match="damping must be six"):
        for_robot(TRAINED, None, None, {"damping": [1.0]})


@pytest.mark.parametrize(("successes", "leans"), [(95, False), (92, False), (91, True), (99, True)])
def test_the_other_engine_is_told_and_a_difference_named(successes: int, leans: bool) -> None:
    pytest.importorskip("mujoco")
    asked: list[TaskConfig] = []

    def compared(task: TaskConfig) -> Comparison:
        asked.append(task)
        return of(successes)

    (note,) = judge_engine(of(95), PegHole(), TRAINED, compared)
    assert asked == [replace(TRAINED, physics=replace(TRAINED.physics, engine="mujoco"))]
    assert "95 of 100" in note and f"{successes} of 100" in note and ("leans on the engine" in note) is leans


def test_an_engine_that_refuses_the_task_is_told_with_its_reason() -> None:
    task = replace(TRAINED, robot=RobotConfig(model="iiwa"))
    (note,) = judge_engine(of(95), PegHole(), task, lambda _: of(0))
    assert note.startswith("not tried in mujoco: ")

from dataclasses import replace

import pytest

from assembly_rl.controllers.insertion.action import ActionConfig, ActionKind
from assembly_rl.deployment.reconfiguration import AS_IT_IS, STATED, Setting, settings
from assembly_rl.deployment.trials import TrainedController
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.library import make_part_and_task
from assembly_rl.methods.transfer.source import Source


@pytest.fixture(scope="module")
def trained() -> TaskConfig:
    return Source.open("generalist").config.task


def found(trained: TaskConfig, stated: TaskConfig, part: PegHole) -> list[Setting]:
    return settings(part, trained, stated, TrainedController.open("generalist").task(stated))


def fitted(trained: TaskConfig, stated: TaskConfig, part: PegHole) -> tuple[TaskConfig, TaskConfig, Setting]:
    """Return the task as it is, and the one for the conditions, with its setting."""
    by_name = {of.name: of for of in found(trained, stated, part)}
    return by_name[AS_IT_IS].task, by_name[STATED].task, by_name[STATED]


def test_nothing_is_fitted_to_the_conditions_of_the_training(trained: TaskConfig) -> None:
    part, stated = make_part_and_task("L", "broad")
    first, *further = found(trained, stated, part)
    assert first.name == AS_IT_IS and not first.reasons
    assert first.task == TrainedController.open("generalist").task(stated)
    assert [of.name for of in further] == ["for these conditions, faster", "for these conditions, wider"]
    assert all(of.task.action.wrench[0] == 15.0 for of in further)
    assert further[0].task.ceiling.force == 30.0 and further[1].task.ceiling.force is None


def test_a_larger_error_is_seen_as_that_of_the_training(trained: TaskConfig) -> None:
    part, stated = make_part_and_task("L", "broad")
    error = replace(stated.randomization.hole_estimate, lateral=0.006, yaw=0.0872)
    stated = replace(stated, randomization=replace(stated.randomization, hole_estimate=error))
    before, after, setting = fitted(trained, stated, part)
    scales = zip(after.observation.pose_scale, before.observation.pose_scale, strict=True)
    ratios = [now / old for now, old in scales]
    assert ratios == pytest.approx([2.0, 2.0, 1.0, 1.0, 1.0, 2.0])
    assert after.admittance.offset_limit[:2] == pytest.approx([0.008, 0.008])
    assert after.limits.lateral == pytest.approx(0.016) and after.limits.angle == pytest.approx(0.35)
    assert after.ceiling.force is None and after.compliance == before.compliance
    assert "6 mm, in training 3 mm" in setting.reasons[0] and "yaw" in setting.reasons[1]


def test_a_low_force_limit_and_a_slow_robot_get_a_ceiling(trained: TaskConfig) -> None:
    part, stated = make_part_and_task("L", "broad")
    before, after, setting = fitted(trained, replace(stated, limits=replace(stated.limits, force=15.0)), part)
    assert after.ceiling.force == 15.0 and after.path.speed == pytest.approx(before.path.speed * 0.5**0.5)
    response = replace(stated.robot.response, lag=[0.1, 0.1])
    slow = replace(stated, robot=replace(stated.robot, response=response))
    before, after, setting = fitted(trained, slow, part)
    assert after.ceiling.force == 30.0 and after.path == before.path
    assert "lag 100 ms" in setting.reasons[0]
    own = replace(slow, ceiling=replace(slow.ceiling, force=12.0))
    assert all(of.task.ceiling.force == 12.0 for of in found(trained, own, part))  # the user's stays


@pytest.mark.parametrize("name", ["servo_stiffness", "servo_rotational_stiffness"])
def test_a_stiffer_robot_gets_a_ceiling(trained: TaskConfig, name: str) -> None:
    part, stated = make_part_and_task("L", "broad")
    stiff = replace(stated.physics, **{name: 2.0 * getattr(trained.physics, name)})
    before, after, setting = fitted(trained, replace(stated, physics=stiff), part)
    assert before.ceiling.force is None and after == replace(
        before, ceiling=replace(before.ceiling, force=30.0)
    )
    assert "the robot is 2 times as stiff as in training" in setting.reasons[0]
    soft = replace(stated.physics, **{name: 0.5 * getattr(trained.physics, name)})
    assert STATED not in {of.name for of in found(trained, replace(stated, physics=soft), part)}


def test_an_action_means_the_same_speed_with_a_law_of_the_user(trained: TaskConfig) -> None:
    part, stated = make_part_and_task("L", "broad")
    law = replace(trained.compliance, damping=[1.5 * value for value in trained.compliance.damping])
    before, after, _ = fitted(trained, replace(stated, compliance=law), part)
    assert before.compliance == after.compliance == law and before.action == trained.action
    for new, old, damping, known in zip(
        after.action.wrench, trained.action.wrench, law.damping, trained.compliance.damping, strict=True
    ):
        assert new / damping == pytest.approx(old / known)
    assert after.ceiling.force == 30.0
    assert all(a >= b for a, b in zip(after.admittance.reference_limit, after.action.wrench, strict=True))


def test_friction_and_a_short_time_are_met_by_stronger_pushes(trained: TaskConfig) -> None:
    part, stated = make_part_and_task("L", "broad")
    rough = replace(stated, randomization=replace(stated.randomization, friction=[0.8, 0.8]))
    before, after, _ = fitted(trained, rough, part)
    assert (
        after.action.wrench[0] > before.action.wrench[0]
        and after.action.wrench[2:] == before.action.wrench[2:]
    )
    assert after.compliance.damping[0] < before.compliance.damping[0] and after.ceiling.force == 30.0
    hurried = replace(stated, limits=replace(stated.limits, time=3.0))
    before, after, _ = fitted(trained, hurried, part)
    assert after.path.speed == pytest.approx((0.002 + part.hole_depth) / (0.65 * 3.0))
    assert after.symmetry.after == 0.75 and after.ceiling.force is None


def test_a_controller_without_wrenches_is_refused(trained: TaskConfig) -> None:
    part, stated = make_part_and_task("L", "broad")
    own = replace(stated, action=ActionConfig(kind=ActionKind.twist))
    with pytest.raises(ValueError, match="twist"):
        settings(part, trained, stated, own)

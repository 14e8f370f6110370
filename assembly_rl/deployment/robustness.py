"""Judgement of a controller for the lag and delay of a robot, with a swapped law, and in another engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from assembly_rl.controllers.bundles.manifest import ResponseNote
from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.deployment.parity import Comparison
from assembly_rl.envs import PegHole, make_environment
from assembly_rl.envs.config import ComplianceConfig, TaskConfig
from assembly_rl.evaluation import LEANS_ON_ENGINE, mcnemar, wilson_interval

LEAST_SHARE = 0.9
"""Share of the success under trained conditions that the success outside of them has to be able to reach."""
SIGNIFICANCE = 0.05
"""Largest p-value of McNemar's test at which a loss counts."""
OTHER_ENGINE = {"bullet": "mujoco", "mujoco": "bullet"}
"""Engine of a training -> engine in which its policy is tried as well."""
LAW = ("mass", "damping", "stiffness")
"""Fields of a law that can be swapped."""


def for_robot(
    trained: TaskConfig, lag: float | None, delay: float | None, law: Mapping[str, Sequence[float]]
) -> TaskConfig:
    """Return the task of a training with the lag, delay and law of a robot.

    Args:
        trained: Task of the training.
        lag: Lag of the robot [s]; None for the range of the training.
        delay: Delay of the robot [s], likewise.
        law: Other mass, damping or stiffness of the law, six numbers each.

    Raises:
        ValueError: A name in the law is none of these, or a value is refused.
    """
    for name in law:
        if name not in LAW:
            raise InputError(unknown("field of compliance", name, LAW))
    times = {name: [value] * 2 for name, value in (("lag", lag), ("delay", delay)) if value is not None}
    response = replace(trained.robot.response, **times)
    values: dict[str, Any] = {name: list(value) for name, value in law.items()}
    return replace(
        trained,
        robot=replace(trained.robot, response=response),
        compliance=replace(trained.compliance, **values),
    )


def response_of(task: TaskConfig) -> ResponseNote:
    """Return lag and delay of a task's robot as a manifest has them."""
    return ResponseNote(list(task.robot.response.lag), list(task.robot.response.delay))


def is_within(task: TaskConfig, trained: TaskConfig) -> bool:
    """Return True if lag and delay of a task's robot are within the ranges of the training."""
    robot, known = task.robot.response, trained.robot.response
    pairs = ((robot.lag, known.lag), (robot.delay, known.delay))
    return all(own[0] >= ranges[0] and own[1] <= ranges[1] for own, ranges in pairs)


def judge(
    found: Comparison, task: TaskConfig, trained: TaskConfig, compared: Callable[[TaskConfig], Comparison]
) -> list[str]:
    """Judge the success of a controller for a robot, and return the results in words.

    Args:
        found: Insertions with the robot's lag and delay, and the law of the controller.
        task: Task of these insertions.
        trained: Task of the training.
        compared: Function that runs the same insertions in another task.

    Raises:
        ValueError: Lag or delay are outside of the training's ranges, and the upper end of the success's
            interval is below ``LEAST_SHARE`` of the success in training; or the law is another one, and more
            insertions are lost than gained, significantly by McNemar's test.
    """
    notes = []
    if not is_within(task, trained):
        notes.append(_judge_response(found, compared(trained), task, trained))
    elif task.robot != trained.robot:
        notes.append(
            f"{response_of(task).words()}, within the training's {response_of(trained).words()}: "
            f"{_success(found)} insertions succeed"
        )
    if task.compliance != trained.compliance:
        before = compared(replace(task, compliance=trained.compliance))
        notes.append(_judge_law(found, before, task.compliance, trained.compliance))
    return notes


def judge_engine(
    found: Comparison, part: PegHole, task: TaskConfig, compared: Callable[[TaskConfig], Comparison]
) -> list[str]:
    """Compare the success with that of the same insertions in the other engine, in words.

    Args:
        found: Insertions in the engine of the task.
        part: Part of these insertions.
        task: Task of these insertions.
        compared: Function that runs the same insertions in another task.
    """
    name = OTHER_ENGINE.get(task.physics.engine)
    if name is None:
        return []
    elsewhere = replace(task, physics=task.physics.in_engine(name))
    try:
        make_environment(part, elsewhere).close()
    except InputError as error:
        return [f"not tried in {name}: {error}"]
    other = compared(elsewhere)
    difference = (other.exported - found.exported) / len(found.rows)
    leans = ": this controller leans on the engine" if abs(difference) > LEANS_ON_ENGINE else ""
    return [
        f"{_success(found)} insertions succeed in {task.physics.engine}, {_success(other)} in {name}{leans}"
    ]


def _judge_response(found: Comparison, reference: Comparison, task: TaskConfig, trained: TaskConfig) -> str:
    share = reference.exported / len(reference.rows)
    text = (
        f"{response_of(task).words()}, outside of the training's {response_of(trained).words()}: "
        f"{_success(found)} insertions succeed; under the conditions of the training {_success(reference)}"
    )
    if wilson_interval(found.exported, len(found.rows))[1] < LEAST_SHARE * share:
        raise InputError(
            f"{text}. That is less than {100 * LEAST_SHARE:g} % of it: train with task.robot.response that "
            "includes this lag and delay, or try a law for them with compliance.damping=[...]"
        )
    return text


def _judge_law(
    found: Comparison, before: Comparison, law: ComplianceConfig, trained: ComplianceConfig
) -> str:
    effect = mcnemar(before.rows, found.rows)
    changes = ", ".join(
        f"{name} {_row(getattr(law, name))} instead of {_row(getattr(trained, name))}"
        for name in LAW
        if getattr(law, name) != getattr(trained, name)
    )
    text = (
        f"law with {changes}: {_success(found)} insertions succeed; with the law of the training "
        f"{_success(before)}; {effect.lost} lost and {effect.gained} gained (McNemar p = {effect.p:.2g})"
    )
    if effect.lost > effect.gained and effect.p < SIGNIFICANCE:
        raise InputError(f"{text}: choose a law that loses less, or train with it")
    return text


def _success(found: Comparison) -> str:
    total = len(found.rows)
    low, high = wilson_interval(found.exported, total)
    return f"{found.exported} of {total} (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"


def _row(values: Sequence[float]) -> str:
    return f"[{', '.join(f'{value:g}' for value in values)}]"

"""Settings of a trained controller for conditions beyond those of its training, each with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from warnings import catch_warnings, simplefilter

from assembly_rl.controllers.insertion.action import ActionKind
from assembly_rl.controllers.validation import InputError, InputWarning
from assembly_rl.deployment.robustness import response_of
from assembly_rl.envs import PegHole, TaskConfig, make_environment
from assembly_rl.envs.config import ComplianceConfig
from assembly_rl.envs.physics import PhysicsConfig

AS_IT_IS, STATED = "as it is", "for these conditions"
FASTER, WIDER = "for these conditions, faster", "for these conditions, wider"
"""Names of the settings that are forecast."""
FASTEST = 2.0
"""Largest factor on the wrench of an action."""
SOFTEST = 0.66
"""Smallest factor on the damping of the law."""
SHARE_OF_TIME = 0.65
"""Largest share of the time limit for the path alone."""
STRONGER = 1.25
"""Factor on a lateral wrench, or on the scale of positions, where a search has to be faster or wider."""


@dataclass(frozen=True)
class Setting:
    """Setting of a trained controller.

    Attributes:
        name: Name in tables.
        task: Conditions, with the controller's law, action, observation and limits in this setting.
        reasons: Changes with their causes, in words.
    """

    name: str
    task: TaskConfig
    reasons: list[str]


def settings(part: PegHole, trained: TaskConfig, stated: TaskConfig, own: TaskConfig) -> list[Setting]:
    """Return the controller as it is, and in the settings that its conditions suggest.

    Args:
        part: Part.
        trained: Task of the training, with its errors, friction, robot and limits.
        stated: Conditions of the target. A compliance law other than the default one is a request.
        own: The same with the controller's own law, action, observation and rates.

    Returns:
        Settings that make an environment, "as it is" first.

    Raises:
        ValueError: The actions of the controller are no wrenches.
    """
    if own.action.kind is not ActionKind.wrench:
        raise InputError(
            f"a controller whose actions are of kind {own.action.kind.value!r} has no settings for other "
            "conditions: leave out insertions"
        )
    law = None if stated.compliance == ComplianceConfig() else stated.compliance
    plain = own if law is None else replace(own, compliance=law)
    as_it_is = Setting(AS_IT_IS, plain, [])
    fitted = _fitted(part, trained, own, law)
    further = [
        *([fitted] if fitted.reasons else []),
        *([_faster(fitted)] if law is None else []),
        _wider(fitted),
    ]
    return [as_it_is, *(setting for setting in further if _can_be_made(part, setting.task))]


class _Changes:
    """Task that is changed step by step, with the reasons."""

    def __init__(self, task: TaskConfig) -> None:
        self.task, self.reasons = task, list[str]()
        self.lateral, self.softer = 1.0, 1.0
        """Factors on the lateral wrench of an action and on the translational damping."""
        self.presses = ""
        """Why the controller presses harder than in training, if it does."""

    def replace(self, group: str, **values: object) -> None:
        """Replace fields of a group of the task."""
        self.task = replace(self.task, **{group: replace(getattr(self.task, group), **values)})

    def push(self, factor: float) -> None:
        """Ask for a lateral wrench that is larger by a factor, for one more cause."""
        self.lateral = min(FASTEST, self.lateral * factor)


def _fitted(part: PegHole, trained: TaskConfig, own: TaskConfig, law: ComplianceConfig | None) -> Setting:
    """Return the setting that fits a controller to conditions beyond those of its training."""
    changes = _Changes(own)
    _fit_errors(changes, trained)
    _fit_friction(changes, trained)
    _fit_time(changes, part, trained)
    if law is not None and max(law.damping[:3]) > max(own.compliance.damping[:3]):
        changes.presses = "a law with more damping presses harder at the same speed"
    _fit_forces(changes, trained)
    _fit_law(changes, law)
    return Setting(STATED, changes.task, changes.reasons)


def _fit_errors(changes: _Changes, trained: TaskConfig) -> None:
    """Scale what the policy sees of the pose, and how far it may go, by the ratio of the errors."""
    stated, known = changes.task.randomization.hole_estimate, trained.randomization.hole_estimate
    names = ("lateral", "tilt", "yaw")
    ratios = {name: _ratio(getattr(stated, name), getattr(known, name)) for name in names}
    if max(ratios.values()) <= 1.0:
        return
    six = [ratios["lateral"]] * 2 + [1.0] + [ratios["tilt"]] * 2 + [ratios["yaw"]]
    own = changes.task
    changes.replace("observation", pose_scale=_times(own.observation.pose_scale, six))
    changes.replace("admittance", offset_limit=_times(own.admittance.offset_limit, six))
    changes.replace(
        "limits",
        lateral=max(own.limits.lateral, trained.limits.lateral * ratios["lateral"]),
        angle=max(own.limits.angle, trained.limits.angle * max(ratios["tilt"], ratios["yaw"])),
    )
    if ratios["lateral"] > 1.0:
        changes.push(STRONGER)
        changes.reasons.append(
            f"an error of position of {1e3 * stated.lateral:g} mm, in training {1e3 * known.lateral:g} mm: "
            f"the policy sees positions {ratios['lateral']:.2g} times smaller, may go as much farther, and "
            "pushes harder sideways"
        )
    if max(ratios["tilt"], ratios["yaw"]) > 1.0:
        changes.reasons.append(
            f"errors of tilt and yaw of {stated.tilt:.2g} and {stated.yaw:.2g} rad, in training "
            f"{known.tilt:.2g} and {known.yaw:.2g} rad: likewise for angles"
        )


def _fit_friction(changes: _Changes, trained: TaskConfig) -> None:
    """Push harder sideways through a softer law on a part with more friction."""
    friction, known = changes.task.randomization.friction[1], trained.randomization.friction[1]
    ratio = _ratio(friction, known)
    if ratio > 1.0:
        changes.push(ratio)
        changes.softer = max(SOFTEST, 1.0 / ratio)
        changes.presses = "it pushes harder"
        changes.reasons.append(
            f"friction up to {friction:g}, in training {known:g}: it holds the tool back, so the controller "
            "pushes harder sideways and its law has less damping"
        )


def _fit_time(changes: _Changes, part: PegHole, trained: TaskConfig) -> None:
    """Go faster where the time limit leaves little more than the path."""
    own = changes.task
    time, path = own.limits.time, own.path
    speed = (path.start_height + part.hole_depth) / (SHARE_OF_TIME * time)
    if time < trained.limits.time and speed > path.speed:
        changes.replace("path", speed=speed)
        changes.push(STRONGER)
        changes.softer = min(changes.softer, 1.0 / STRONGER)
        after = 0.25 * time
        if own.symmetry.after is not None and after < own.symmetry.after:
            changes.replace("symmetry", after=after, every=min(own.symmetry.every, after / 4.0))
        changes.reasons.append(
            f"{time:g} s, in training {trained.limits.time:g} s: the path is faster, {1e3 * speed:.1f} "
            f"instead of {1e3 * path.speed:g} mm/s, as are pushes sideways, and a policy that is stuck tries "
            "other axes sooner"
        )


def _fit_forces(changes: _Changes, trained: TaskConfig) -> None:
    """Bound the force by a ceiling: the limit is lower, the robot slower or stiffer, or pushes are harder."""
    own = changes.task
    stiffer = _stiffer(own.physics, trained.physics)
    force, robot, known = own.limits.force, response_of(own), response_of(trained)
    slower = robot.lag[1] > known.lag[1] or robot.delay[1] > known.delay[1]
    lower = force < trained.limits.force
    if own.ceiling.force is None and (slower or stiffer > 1.0 or lower or changes.presses):
        changes.replace("ceiling", force=force)
        why = f"the force limit is {force:g} N, in training {trained.limits.force:g} N" if lower else ""
        if slower:
            why = f"{why}{' and ' if why else ''}the robot has {robot.words()}, in training {known.words()}"
        if stiffer > 1.0:
            why = f"{why}{' and ' if why else ''}the robot is {stiffer:.2g} times as stiff as in training"
        why = why or f"{changes.presses}, and the force limit is {force:g} N"
        changes.reasons.append(f"{why}: it commands nothing that could exceed the limit (force ceiling)")
    if lower:
        speed = own.path.speed * sqrt(force / trained.limits.force)
        changes.replace("path", speed=speed)
        changes.reasons.append(f"for the same reason the path is slower, {1e3 * speed:.1f} mm/s")


def _stiffer(stated: PhysicsConfig, known: PhysicsConfig) -> float:
    """Return how many times the robot's servo is as stiff as in training, at least 1."""
    return max(
        _ratio(stated.servo_stiffness, known.servo_stiffness),
        _ratio(stated.servo_rotational_stiffness, known.servo_rotational_stiffness),
    )


def _fit_law(changes: _Changes, law: ComplianceConfig | None) -> None:
    """Set law and wrenches; with a law of the user an action means the speed that it meant in training."""
    own = changes.task
    factors = [changes.lateral] * 2 + [1.0] * 4
    compliance = replace(
        own.compliance, damping=_times(own.compliance.damping, [changes.softer] * 3 + [1.0] * 3)
    )
    if law is not None:
        compliance = law
        speed = [new / old for new, old in zip(law.damping, own.compliance.damping, strict=True)]
        factors = [min(FASTEST, factor) for factor in _times(factors, speed)]
        changes.reasons.append(
            "the law is yours: the wrench of an action follows its damping, up to twice that of training, so "
            "that an action means the speed that it meant there"
        )
    wrench = _times(own.action.wrench, factors)
    changes.task = replace(
        own,
        compliance=compliance,
        action=replace(own.action, wrench=wrench),
        admittance=replace(own.admittance, reference_limit=_largest(own.admittance.reference_limit, wrench)),
    )


def _faster(fitted: Setting) -> Setting:
    """Return a setting that searches faster: stronger pushes, a softer law, and a ceiling of the force."""
    own = _stronger(fitted.task)
    damping = _times(own.compliance.damping, [1.0 / STRONGER] * 3 + [1.0] * 3)
    task = replace(own, compliance=replace(own.compliance, damping=damping))
    if own.ceiling.force is None:
        task = replace(task, ceiling=replace(own.ceiling, force=own.limits.force))
    reason = (
        "faster: pushes sideways stronger by a quarter, a fifth less damping, a ceiling at the force limit"
    )
    return Setting(FASTER, task, [*fitted.reasons, reason])


def _wider(fitted: Setting) -> Setting:
    """Return a setting that searches wider, for parts whose contact tells little."""
    own, six = _stronger(fitted.task), [STRONGER] * 2 + [1.0] * 4
    task = replace(
        own,
        observation=replace(own.observation, pose_scale=_times(own.observation.pose_scale, six)),
        admittance=replace(own.admittance, offset_limit=_times(own.admittance.offset_limit, six)),
        limits=replace(own.limits, lateral=STRONGER * own.limits.lateral),
    )
    reason = "wider: positions are seen smaller by a quarter, and pushes sideways are as much stronger"
    return Setting(WIDER, task, [*fitted.reasons, reason])


def _stronger(task: TaskConfig) -> TaskConfig:
    """Return a task with stronger lateral wrenches, by a quarter."""
    wrench = _times(task.action.wrench, [STRONGER] * 2 + [1.0] * 4)
    limit = _largest(task.admittance.reference_limit, wrench)
    return replace(
        task,
        action=replace(task.action, wrench=wrench),
        admittance=replace(task.admittance, reference_limit=limit),
    )


def _ratio(stated: float, known: float) -> float:
    """Return how many times a stated value exceeds that of training, at least 1."""
    return max(1.0, stated / known) if known > 0.0 else 1.0


def _times(values: Sequence[float], factors: Sequence[float]) -> list[float]:
    return [value * factor for value, factor in zip(values, factors, strict=True)]


def _largest(values: Sequence[float], others: Sequence[float]) -> list[float]:
    return [max(pair) for pair in zip(values, others, strict=True)]


def _can_be_made(part: PegHole, task: TaskConfig) -> bool:
    """Return True if the law is stable and the settings fit together."""
    try:
        with catch_warnings():  # of an unstable law at the largest lag: the forecast shows what it does
            simplefilter("ignore", InputWarning)
            make_environment(part, task).close()
    except InputError:
        return False
    return True

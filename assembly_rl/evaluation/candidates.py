"""Candidates of an evaluation: policies with their tasks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace

from assembly_rl.controllers.guidance import Guidance, make_guidance
from assembly_rl.controllers.insertion.action import ActionConfig
from assembly_rl.controllers.insertion.path import PathConfig
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.config import ComplianceConfig
from assembly_rl.evaluation.policies import GuidedPolicy, LearnedPolicy, Policy

POLICY_FIELDS = (
    "compliance", "admittance", "action", "observation", "policy_rate", "control_rate", "path",
    "coordinates", "symmetry", "base",
)  # fmt: skip
"""Fields of a task that belong to a policy: it acts with the values of its training."""
SETTINGS = ("compliance", "admittance", "action", "path")
"""Those of them in which a policy can learn on: its networks and the meaning of their inputs stay."""


@dataclass
class ControllerConfig:
    """Baseline controller: guidance without learning around its own compliance law.

    Attributes:
        guidance: ``fixed``, ``dither`` or ``reflex``.
        parameters: Fields of the guidance's class; omitted fields keep their defaults.
        compliance: Compliance law.
    """

    guidance: str = "fixed"
    parameters: dict[str, float] = field(default_factory=dict)
    compliance: ComplianceConfig = field(default_factory=ComplianceConfig)

    def __post_init__(self) -> None:
        self.make_guidance()

    def make_guidance(self) -> Guidance:
        """Create the guidance.

        Raises:
            ValueError: Guidance or parameter is unknown.
        """
        return make_guidance(self.guidance, self.parameters)


@dataclass
class Candidate:
    """Policy that is evaluated.

    Attributes:
        name: Name in tables.
        policy: Policy.
        task: Task with the policy's own law, action, observation and rates.
    """

    name: str
    policy: Policy
    task: TaskConfig


def baseline(name: str, controller: ControllerConfig, task: TaskConfig) -> Candidate:
    """Create a candidate from a baseline: its own compliance law, and wrenches within the default scale."""
    action = ActionConfig()
    task = replace(task, compliance=controller.compliance, action=action)
    return Candidate(name, GuidedPolicy(controller.make_guidance(), list(action.wrench)), task)


def trained(name: str, policy: LearnedPolicy, own: TaskConfig, task: TaskConfig) -> Candidate:
    """Create a candidate from a trained policy.

    Args:
        name: Name in tables.
        policy: Policy.
        own: Task of its training.
        task: Task of the evaluation.
    """
    return Candidate(name, policy, as_trained(own, task))


def as_trained(own: TaskConfig, task: TaskConfig) -> TaskConfig:
    """Return a task with the law, action, observation and rates of another one.

    Args:
        own: Task of a policy's training.
        task: Task with the conditions of the evaluation.
    """
    kept = {name: getattr(own, name) for name in POLICY_FIELDS} | {"path": path_of(own.path, task.path)}
    return replace(task, **kept)


def path_of(own: PathConfig, conditions: PathConfig) -> PathConfig:
    """Return the path of a policy's training; it begins higher where the conditions ask for that."""
    return replace(own, start_height=max(own.start_height, conditions.start_height))


def as_asked(own: TaskConfig, task: TaskConfig, given: Collection[str] = ()) -> TaskConfig:
    """Return a task with the law, action, observation and rates of another one, but for what it asks for.

    Args:
        own: Task of a policy's training.
        task: Task with the conditions, and with requests for law, admittance, action and path; a value that
            is the default one is not a request, unless it was given.
        given: Keys that were given, such as ``compliance.damping``.

    Raises:
        ValueError: The task asks for another observation, rate, symmetry or base than the policy's.
    """
    default = TaskConfig()
    require_as_trained(own, task, given, [name for name in POLICY_FIELDS if name not in SETTINGS])
    result = as_trained(own, task)
    for name in SETTINGS:
        asked, usual = getattr(task, name), getattr(default, name)
        changed = {
            of.name: getattr(asked, of.name)
            for of in fields(asked)
            if getattr(asked, of.name) != getattr(usual, of.name) or f"{name}.{of.name}" in given
        }
        result = replace(result, **{name: replace(getattr(result, name), **changed)})
    return result


def require_same_interface(own: TaskConfig, task: TaskConfig) -> None:
    """Refuse a task in which the networks of a policy would have other inputs, or act at another rate.

    Args:
        own: Task of a policy's training.
        task: Task with law, admittance, action and path that the policy is to learn with.

    Raises:
        ValueError: Groups or history of the observation, the kind of action, a rate, base or coordinates
            differ.
    """
    same = {
        "observation.groups": (task.observation.groups, own.observation.groups),
        "observation.history": (task.observation.history, own.observation.history),
        "action.kind": (task.action.kind, own.action.kind),
        **{
            name: (getattr(task, name), getattr(own, name))
            for name in ("policy_rate", "control_rate", "base", "coordinates")
        },
    }
    for name, (asked, kept) in same.items():
        if asked != kept:
            raise InputError(f"task.{name} differs from that of the policy's training: give {kept!r}")


def require_as_trained(
    own: TaskConfig,
    task: TaskConfig,
    given: Collection[str] = (),
    names: Sequence[str] = POLICY_FIELDS,
    or_else: str = "",
) -> None:
    """Refuse a task that asks a policy for another law, action, observation or rate than its own.

    Args:
        own: Task of a policy's training.
        task: Requested task; a field with its default value is not a request, unless it was given.
        given: Keys that were given, such as ``compliance.damping``.
        names: Fields that are checked.
        or_else: Alternative to removing a setting, for the message.

    Raises:
        ValueError: A field has neither its default nor the policy's value, or was given another value.
    """
    default = TaskConfig()
    groups = {key.split(".")[0] for key in given}
    for name in names:
        asked, kept = getattr(task, name), getattr(own, name)
        if name == "path":
            kept = path_of(own.path, task.path)
        if asked != kept and (asked != getattr(default, name) or name in groups):
            raise InputError(
                f"task.{name} differs from the one that the policy was trained with, which it keeps: "
                f"remove task.{name}{' ' * bool(or_else)}{or_else if name in SETTINGS else ''}"
            )

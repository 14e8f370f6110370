"""Manifest of a run's controller."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from assembly_rl.controllers.bundles.manifest import CONVENTIONS, FORMAT
from assembly_rl.controllers.insertion import InsertionConfig, Observer
from assembly_rl.controllers.insertion.observation_terms import OBSERVATION_TERMS
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.controllers.validation import AXES, InputError
from assembly_rl.controllers.wrench import ToolConfig
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.runs import RunDirectory
from assembly_rl.training.config import TrainConfig


def describe(
    run: RunDirectory,
    config: TrainConfig,
    policy: MLP,
    tool: ToolConfig,
    gravity: Sequence[float],
    evaluation: dict[str, Any],
) -> dict[str, Any]:
    """Return the manifest of a controller's bundle, in types of JSON.

    Args:
        run: Run of the training.
        config: Configuration of the training.
        policy: Network of the policy.
        tool: Tool on the robot's sensor, with the compliance centre.
        gravity: Gravity in the robot's base frame [m/s2].
        evaluation: Result of the controller: episodes, successes, interval.

    Raises:
        ValueError: The policy has an input that a robot does not measure.
    """
    task = config.task
    for group in task.observation.groups:
        if not OBSERVATION_TERMS.get(group).measurable:
            raise InputError(
                f"the policy of {run.path} sees {group!r}, which a robot does not measure: train with "
                "task.observation.groups of wrench, pose, last_action, base_action, wrench_history, "
                "pose_history and time"
            )
    part, law = config.geometry.part(), task.law()
    return {
        "format": FORMAT,
        "name": run.path.resolve().name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "conventions": CONVENTIONS,
        "insertion": insertion_of(task),
        "observations": list(Observer(task.observation).names),
        "actions": list(AXES),
        "activations": [activation for *_, activation in policy.layers],
        "law": {name: getattr(law, name).tolist() for name in ("mass", "damping", "stiffness")},
        "contact": asdict(task.stiffest_contact()) if task.compliance.check_contact else None,
        "tool": asdict(tool),
        "gravity": list(gravity),
        "sensor": {"cutoff": task.sensor.cutoff, "delay": task.sensor.delay},
        "response": {"lag": list(task.robot.response.lag), "delay": list(task.robot.response.delay)},
        "part": to_mapping({field.name: getattr(part, field.name) for field in fields(PegHole)}),
        "provenance": {
            "run": str(run.path.resolve().name),
            "algorithm": config.algo.name,
            "method": config.method.name,
            "seed": config.seed,
            "steps": config.steps,
            "versions": run.info.get("versions", {}),
            "source": run.info.get("git"),
            "evaluation": evaluation,
        },
    }


def insertion_of(task: TaskConfig) -> dict[str, Any]:
    """Return the part of a task's configuration that a robot's controller needs, in types of JSON."""
    names = [field.name for field in fields(InsertionConfig)]
    own = InsertionConfig(**{name: getattr(task, name) for name in names} | {"ceiling": task.known_ceiling()})
    result: dict[str, Any] = to_mapping(asdict(own))
    return result

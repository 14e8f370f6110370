"""Trials of a trained controller on a part that it may never have seen, in one engine or in both."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from warnings import warn

from assembly_rl.controllers.bundles import Manifest, read_bundle
from assembly_rl.controllers.bundles.manifest import upgraded
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.validation import InputError, InputWarning
from assembly_rl.controllers.wrench import ToolConfig
from assembly_rl.deployment.manifest import describe
from assembly_rl.deployment.robustness import OTHER_ENGINE, response_of
from assembly_rl.envs import PegHole, TaskConfig, make_environment
from assembly_rl.envs.config import ComplianceConfig
from assembly_rl.evaluation import (
    HELD_OUT_SEED,
    LEANS_ON_ENGINE,
    Evaluator,
    LearnedPolicy,
    Scenario,
    Summary,
    summarize,
)
from assembly_rl.evaluation.candidates import path_of
from assembly_rl.evaluation.episodes import Row
from assembly_rl.runs import RunDirectory
from assembly_rl.runs.checkpoint import POLICY_FILE
from assembly_rl.runs.files import read_bytes
from assembly_rl.training.loading import load_actor, read_config


@dataclass(frozen=True)
class TrainedController:
    """Controller of a bundle or of a run.

    Attributes:
        manifest: Description of the controller.
        policy: Network.
        content: Manifest in types of JSON, of the present format.
        origin: Name and hash of the bundle or run.
    """

    manifest: Manifest
    policy: MLP
    content: dict[str, Any]
    origin: dict[str, str]

    @classmethod
    def open(cls, source: str | Path) -> "TrainedController":
        """Read a controller.

        Args:
            source: File of a bundle, name of one that comes with this package, or folder of a run.

        Raises:
            BundleError: The bundle is refused.
            RunError: The folder is not a run, or has no policy yet.
            ValueError: The policy has an input that a robot does not measure.
        """
        if not Path(source).is_dir():
            bundle = read_bundle(source)
            content = upgraded(bundle.content, bundle.manifest.format)
            origin = {"bundle": bundle.manifest.name, "sha256": bundle.sha256}
            return cls(bundle.manifest, bundle.policy, content, origin)
        run = RunDirectory.open(source)
        config, policy = read_config(run), load_actor(run).network()
        tool = ToolConfig([0.0, 0.0, -config.geometry.part().peg_length])
        content = describe(run, config, policy, tool, (0.0, 0.0, -9.81), {})
        digest = hashlib.sha256(read_bytes(run.best / POLICY_FILE)).hexdigest()
        return cls(
            Manifest.read(content), policy, content, {"run": run.path.resolve().name, "sha256": digest}
        )

    def task(self, conditions: TaskConfig) -> TaskConfig:
        """Return a task with the law, action, observation and rates of this controller.

        Raises:
            ValueError: The law is not diagonal, or the task cannot have its settings.
        """
        own = self.manifest
        law = own.law.law()
        rows = {name: getattr(law, name) for name in ("mass", "damping", "stiffness")}
        if any(
            abs(matrix[i, j]) > 1e-12
            for matrix in rows.values()
            for i in range(6)
            for j in range(6)
            if i != j
        ):
            raise InputError(
                f"the law of the controller {own.name!r} is not diagonal: it is for its own part only"
            )
        compliance = ComplianceConfig(
            **{name: matrix.diagonal().tolist() for name, matrix in rows.items()},
            check_contact=own.contact is not None,
        )
        config = own.insertion
        return replace(
            conditions,
            policy_rate=config.policy_rate,
            control_rate=config.control_rate,
            path=path_of(config.path, conditions.path),
            admittance=config.admittance,
            action=config.action,
            observation=config.observation,
            symmetry=config.symmetry,
            base=config.base,
            compliance=compliance,
        )


@dataclass(frozen=True)
class Trials:
    """Trials of a controller on a part.

    Attributes:
        controller: Controller.
        part: Part.
        task: Conditions, with the controller's own settings.
        rows: Engine -> rows of the same held-out episodes; the engine of the task comes first.
        notes: Remarks in words.
    """

    controller: TrainedController
    part: PegHole
    task: TaskConfig
    rows: dict[str, list[Row]]
    notes: list[str]

    @cached_property
    def summaries(self) -> dict[str, Summary]:
        """Engine -> statistics of the episodes."""
        return {engine: summarize(of) for engine, of in self.rows.items()}

    @property
    def success(self) -> float:
        """Success in the engine in which it is lower."""
        return min(summary.success for summary in self.summaries.values())


def try_out(
    part: PegHole,
    task: TaskConfig,
    source: str | Path = "generalist",
    episodes: int = 200,
    processes: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Trials:
    """Try a controller on a part, in the engine of the task and in the other one if it is installed.

    Args:
        part: Part.
        task: Conditions of the trials: errors, friction, robot. The controller's own law, action, observation
            and rates take the place of the task's.
        source: Bundle of the controller (a file, or the name of one that comes with this package), or the
            folder of a run.
        episodes: Held-out episodes in each engine.
        processes: Number of worker processes; by default one per core.
        progress: Function called with the number of episodes that are done since the call before.

    Raises:
        ValueError: Controller, part or task is refused.

    Warns:
        InputWarning: Lag or delay of the robot is beyond what the controller was trained with.
    """
    controller = TrainedController.open(source)
    return try_setting(controller, part, controller.task(task), episodes, processes, progress)


def try_setting(
    controller: TrainedController,
    part: PegHole,
    task: TaskConfig,
    episodes: int = 200,
    processes: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Trials:
    """Try a controller in a setting, in the engine of the task and in the other one if it is installed.

    Args:
        controller: Controller.
        part: Part.
        task: Conditions, with law, action, observation and rates of the setting.
        episodes: Held-out episodes in each engine.
        processes: Number of worker processes; by default one per core.
        progress: Function called with the number of episodes that are done since the call before.

    Raises:
        ValueError: Part or task is refused.

    Warns:
        InputWarning: Lag or delay of the robot is beyond what the controller was trained with.
    """
    policy = LearnedPolicy(controller.policy)
    notes = _robot_notes(controller, task)
    rows: dict[str, list[Row]] = {}
    with Evaluator(processes) as evaluator:
        for engine in engines_here(part, task):
            rows[engine] = []
            for chunk in evaluator.iterate(
                Scenario(part, _in_engine(task, engine)), policy, episodes, HELD_OUT_SEED
            ):
                rows[engine] += chunk
                if progress is not None:
                    progress(len(chunk))
    found = Trials(controller, part, task, rows, notes)
    return replace(found, notes=notes + _engine_notes(found.summaries))


def engines_here(part: PegHole, task: TaskConfig) -> list[str]:
    """Return the engine of a task, and the other one if it is installed."""
    other = OTHER_ENGINE.get(task.physics.engine)
    if other is None:
        return [task.physics.engine]
    try:
        make_environment(part, _in_engine(task, other)).close()
    except InputError:
        return [task.physics.engine]
    return [task.physics.engine, other]


def _in_engine(task: TaskConfig, engine: str) -> TaskConfig:
    return replace(task, physics=task.physics.in_engine(engine))


def _robot_notes(controller: TrainedController, task: TaskConfig) -> list[str]:
    """Warn of a robot that is slower than those of the training, and return that in words."""
    robot, known = response_of(task), controller.manifest.response
    if known is None or (robot.lag[1] <= known.lag[1] and robot.delay[1] <= known.delay[1]):
        return []
    note = f"the robot's {robot.words()} is beyond what the controller was trained with, {known.words()}"
    warn(note, InputWarning, stacklevel=3)
    return [note]


def _engine_notes(summaries: dict[str, Summary]) -> list[str]:
    """Return the success in two engines in words."""
    if len(summaries) < 2:
        return []
    (one, first), (other, second) = summaries.items()
    leans = abs(first.success - second.success) > LEANS_ON_ENGINE
    return [
        f"{100 * first.success:.1f} % of {first.episodes} insertions succeed in {one}, "
        f"{100 * second.success:.1f} % in {other}{': this controller leans on the engine' if leans else ''}"
    ]

"""Configuration of a training."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assembly_rl.accelerators.processes import MOST_PROCESSES
from assembly_rl.controllers.registry import Registry
from assembly_rl.controllers.serialization import from_mapping
from assembly_rl.controllers.validation import InputError, require_count, require_seed, require_text
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.evaluation.episodes import COMPARISON_SEED, VALIDATION_SEED
from assembly_rl.learners.config import ALGORITHMS, AlgorithmConfig, OffPolicyConfig
from assembly_rl.training.method import METHODS, Method, MethodConfig
from assembly_rl.training.parts import PartsConfig


@dataclass
class EvaluationConfig:
    """Evaluation during and after a training.

    Attributes:
        every: Policy steps between validations.
        episodes: Episodes of each validation; the best policy on them is kept.
        held_out: Episodes of the final result, on which nothing is chosen.
    """

    every: int = 2500
    episodes: int = 100
    held_out: int = 200

    def __post_init__(self) -> None:
        require_count(self, "every")
        require_count(self, "episodes", most=COMPARISON_SEED - VALIDATION_SEED)
        require_count(self, "held_out", most=COMPARISON_SEED - VALIDATION_SEED)


def require_device(name: str) -> None:
    """Raise a ValueError if a text is no name of a device; it need not be on this machine."""
    if not re.fullmatch(r"auto|cpu|(cuda|npu)(:\d{1,3})?", name):
        raise InputError(f"unknown device {name!r}; known: auto, cpu, cuda, cuda:<i>, npu, npu:<i>")


def _require_own_name(key: str, part: Any, registry: Registry[Any]) -> None:
    """Raise a ValueError if the name of an algorithm or method is that of another class."""
    if type(part) in (AlgorithmConfig, MethodConfig):
        return
    kind = registry.get(part.name)
    if kind is not type(part):
        raise InputError(
            f"{key}.name={part.name} is the name of {kind.__name__}, not of {type(part).__name__}: "
            f"choose it by {key}={part.name}"
        )


def _no_transfer() -> MethodConfig:
    """Return the default of the method ``transfer``."""
    return METHODS.get("transfer")()


@dataclass
class TrainConfig:
    """Configuration of ``assembly-rl-train``.

    Attributes:
        geometry: Part and hole.
        parts: Parts of a training over many parts, instead of ``geometry``.
        task: Task: all other properties of the environment.
        algo: Algorithm and its hyperparameters.
        method: Method of learning.
        transfer: Initialisation from another run, where ``transfer.run`` names one.
        seed: Seed of all random generators of the training.
        steps: Policy steps.
        environments: Number of parallel environments, each in its own process if there are several.
        evaluation: Validations, and the final evaluation.
        checkpoint_every: Policy steps between checkpoints.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:<i>``, ``npu`` or ``npu:<i>``.
        plan: ``auto`` chooses device and environments by the predictions of ``assembly-rl-plan``.
        pictures: Draw the learning curve and the trace of an episode, and make a video of one, at the end.
        quick: Try in half a minute whether everything works, with few steps and episodes; the controller is
            not trained to its end.
        verbose: Show the device and the shares of the time, too.
        run_dir: Directory of the run; by default named after the training, under runs/.
        resume: Directory of a run to continue; it keeps its configuration.
    """

    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    parts: PartsConfig = field(default_factory=PartsConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    algo: AlgorithmConfig = field(default_factory=AlgorithmConfig)
    method: MethodConfig = field(default_factory=MethodConfig)
    transfer: MethodConfig = field(default_factory=_no_transfer)
    seed: int = 0
    steps: int = 20_000
    environments: int = 1
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    checkpoint_every: int = 2500
    device: str = "cpu"
    plan: str | None = None
    pictures: bool = True
    quick: bool = False
    verbose: bool = False
    run_dir: str | None = None
    resume: str | None = None

    def __post_init__(self) -> None:
        require_count(self, "steps", "checkpoint_every")
        require_count(self, "environments", most=MOST_PROCESSES)
        require_seed(self)
        require_device(self.device)
        require_text(self, "run_dir", "resume")
        for key, part, registry in (
            ("algo", self.algo, ALGORITHMS),
            ("method", self.method, METHODS),
            ("transfer", self.transfer, METHODS),
        ):
            _require_own_name(key, part, registry)
        if self.plan not in (None, "auto"):
            raise InputError(f"plan must be auto or null, got {self.plan!r}")
        for key, given in (
            ("asymmetric", self.algo.sees_privileged),
            ("symmetrized", self.algo.is_symmetrized),
        ):
            if given and self.method.name not in ("dense", "residual"):
                raise InputError(
                    f"algo.{key}=true goes with method=dense or residual, not with "
                    f"method={self.method.name}: choose one"
                )
        if self.parts.several:
            own = self.evaluation
            for name, episodes, parts in (
                ("episodes", own.episodes, self.parts.validation),
                ("held_out", own.held_out, self.parts.held_out),
            ):
                if episodes % parts:
                    raise InputError(
                        f"evaluation.{name}={episodes} must be a multiple of the {parts} parts that it is "
                        "divided among"
                    )
        self.method.check(self)
        self.transfer.check(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> TrainConfig:
        """Build a checked configuration from the one in a run's ``run.json``.

        Robots of earlier versions followed every command at once, and no weights were averaged.

        Raises:
            ValueError: A value is refused, or algorithm or method is unknown.
        """
        known = {str(key): value for key, value in values.items()}
        task = known.get("task")
        if isinstance(task, Mapping) and isinstance(robot := task.get("robot", {}), Mapping):
            known["task"] = {**task, "robot": {"response": {"lag": [0.0, 0.0], "delay": [0.0, 0.0]}, **robot}}
        if "algo" in known:
            kind = ALGORITHMS.get(known["algo"]["name"])
            earlier = {"averaged_over": 0} if issubclass(kind, OffPolicyConfig) else {}
            known["algo"] = from_mapping(kind, {**earlier, **known["algo"]})
        if "method" in known:
            known["method"] = from_mapping(METHODS.get(known["method"]["name"]), known["method"])
        if "transfer" in known:
            known["transfer"] = from_mapping(METHODS.get("transfer"), known["transfer"])
        return from_mapping(cls, known)

    def training_parts(self) -> list[PegHole]:
        """Return the parts of the training, usually one."""
        return self.parts.training_parts() if self.parts.several else [self.geometry.part()]

    def validation_parts(self) -> list[PegHole]:
        """Return the parts of the validations: other ones, if the training has several."""
        return self.parts.validation_parts() if self.parts.several else [self.geometry.part()]

    def held_out_parts(self) -> list[PegHole]:
        """Return the parts of the final result: other ones, if the training has several."""
        return self.parts.held_out_parts() if self.parts.several else [self.geometry.part()]

    def methods(self) -> list[Method]:
        """Create the methods of the training: the initialisation, then the method of learning."""
        return [self.transfer.create(), self.method.create()]

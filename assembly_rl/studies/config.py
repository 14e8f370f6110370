"""Configuration of a study, fixed before it runs."""

from dataclasses import dataclass, field
from typing import Any

from assembly_rl.accelerators.processes import MOST_PROCESSES
from assembly_rl.controllers.validation import (
    LARGEST_COUNT,
    LARGEST_SEED,
    InputError,
    is_finite,
    require_count,
    require_text,
)
from assembly_rl.evaluation.episodes import COMPARISON_SEED, VALIDATION_SEED

MOST_METHODS = 9
"""Largest number of methods in a study: more cannot be distinguished in a picture."""
METRICS = ("success", "time", "peak_force", "force_p95", "peak_moment", "reward")
"""Columns of a run's evaluations for which thresholds can be set."""


@dataclass
class ComparedMethodConfig:
    """Method that a study compares: a training, a controller that does not learn, or its tuning.

    Attributes:
        overrides: Overrides of ``assembly-rl-train``, applied last. ``{seed}`` in them is the seed of the
            training.
        controller: Condition -> name of a controller of conf/controller, which is evaluated instead.
        tune: Guidance that is tuned instead, once for all parts of a condition.
    """

    overrides: list[str] = field(default_factory=list)
    controller: dict[str, str] = field(default_factory=dict)
    tune: str | None = None


@dataclass
class ConditionConfig:
    """Condition for all methods: a task with each of its geometries at each of its clearances.

    Attributes:
        task: Name in conf/task.
        geometries: Names in conf/geometry.
        clearances: Clearances of the parts [m].
        overrides: Overrides of ``assembly-rl-train``, applied before those of a method.
    """

    task: str = "default"
    geometries: list[str] = field(default_factory=lambda: ["square"])
    clearances: list[float] = field(default_factory=lambda: [1e-4])
    overrides: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        _require_choices(self, "condition", "geometries", "clearances")


@dataclass
class StudyConfig:
    """Study of every method under every condition: fields of conf/study.

    Attributes:
        question: Question of the study, in a sentence or two.
        methods: Name -> method. A method that learns is trained with each algorithm and each seed.
        conditions: Name -> condition; without any, the default task with a square part.
        algorithms: Names in conf/algo.
        seeds: Seeds of the trainings.
        steps: Policy steps of each training.
        every: Policy steps between validations.
        validation: Number of episodes of a validation; the best policy on them is kept.
        episodes: Number of held-out episodes for each trained policy and each controller, the same for all.
        thresholds: Metric -> level to which the report counts the steps, by validations.
        rounds: Rounds of a tuning, each a pair: number of candidates, and number of episodes of each,
            distributed over the parts. The best of a round enter the next one.
    """

    question: str
    methods: dict[str, ComparedMethodConfig]
    conditions: dict[str, ConditionConfig] = field(default_factory=dict)
    algorithms: list[str] = field(default_factory=lambda: ["sac"])
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2, 3, 4])
    steps: int = 20_000
    every: int = 2500
    validation: int = 50
    episodes: int = 100
    thresholds: dict[str, float] = field(default_factory=lambda: {"success": 0.9})
    rounds: list[list[int]] = field(default_factory=lambda: [[128, 8], [32, 24], [8, 96]])

    def __post_init__(self) -> None:
        self.conditions = self.conditions or {"default": ConditionConfig()}
        require_count(self, "steps", "every")
        require_count(self, "validation", "episodes", most=COMPARISON_SEED - VALIDATION_SEED)
        for seed in self.seeds:
            if type(seed) is not int or not 0 <= seed <= LARGEST_SEED:
                raise InputError(f"the study's seeds must be 0 to {LARGEST_SEED}, got {seed}")
        _require_choices(self, "study", "methods", "conditions", "algorithms", "seeds")
        if len(self.methods) > MOST_METHODS:
            raise InputError(
                f"the study has {len(self.methods)} methods, its pictures show {MOST_METHODS}: make two of it"
            )
        _check_rounds(self.rounds)
        for metric in self.thresholds:
            if metric not in METRICS:
                raise InputError(f"no threshold on {metric!r}: evaluated are {', '.join(METRICS)}")
            if not is_finite(self.thresholds[metric]):
                raise InputError(f"the threshold on {metric} must be finite, got {self.thresholds[metric]}")
        for name, method in self.methods.items():
            if sum((bool(method.overrides), bool(method.controller), method.tune is not None)) > 1:
                raise InputError(f"method {name!r} has more than one of overrides, controller and tune")
            missing = [key for key in self.conditions if method.controller and key not in method.controller]
            if missing:
                raise InputError(f"method {name!r} has no controller for condition {missing[0]!r}")


def _check_rounds(rounds: list[list[int]]) -> None:
    if not rounds or any(len(pair) != 2 or min(pair) < 1 or max(pair) > LARGEST_COUNT for pair in rounds):
        raise InputError(f"rounds are pairs of candidates and episodes, at least one, got {rounds}")
    counts = [candidates for candidates, _ in rounds]
    if sorted(counts, reverse=True) != counts:
        raise InputError(f"a round of a tuning cannot have more candidates than the one before: {counts}")


def _require_choices(config: Any, what: str, *fields: str) -> None:
    """Require that each field has at least one value and none twice."""
    for name in fields:
        values = list(getattr(config, name))
        if not values:
            raise InputError(f"the {what} has no {name}: give at least one")
        if len(set(values)) < len(values):
            raise InputError(f"the {what}'s {name} have to differ, got {values}")


@dataclass
class BenchmarkConfig:
    """Configuration of ``assembly-rl-benchmark``.

    Attributes:
        study: Study that is run.
        output: Folder of the study; by default runs/studies/<name>.
        processes: Number of parallel cells; by default one per core. 0 only reports on the existing
            results.
        cell: Number of the only cell that is run, for launchers that distribute cells over machines.
    """

    study: StudyConfig
    output: str | None = None
    processes: int | None = None
    cell: int | None = None

    def __post_init__(self) -> None:
        require_text(self, "output")
        if self.processes is not None:
            require_count(self, "processes", least=0, most=MOST_PROCESSES)

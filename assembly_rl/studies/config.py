"""What a study measures, fixed before it runs."""

from dataclasses import dataclass, field

from assembly_rl.controllers.validation import require_positive

METRICS = ("success", "time", "peak_force", "force_p95", "peak_moment", "reward")
"""Columns of a run's evaluations that a threshold can be set on."""


@dataclass
class MethodConfig:
    """One of the things compared: a way to train, or a controller that does not learn.

    Attributes:
        overrides: Of ``assembly-rl-train``; after everything else, so that they win.
        controller: Task -> name of a controller of conf/controller, which is evaluated instead.
    """

    overrides: list[str] = field(default_factory=list)
    controller: dict[str, str] = field(default_factory=dict)


@dataclass
class StudyConfig:
    """Of conf/study. Every method meets every condition (task, geometry, clearance).

    Attributes:
        question: What the study is to find out, in a sentence or two.
        methods: Name -> method. One that learns is trained with each algorithm and each seed.
        tasks: Names of conf/task.
        geometries: Names of conf/geometry.
        clearances: [m].
        algorithms: Names of conf/algo.
        seeds: Of the trainings.
        steps: Policy steps of each training.
        every: Policy steps between validations.
        validation: Episodes of a validation; the best policy on them is kept.
        episodes: Held-out episodes for each trained policy and each controller, the same for all.
        thresholds: Metric -> level; "steps to" it are counted in validations.
    """

    question: str
    methods: dict[str, MethodConfig]
    tasks: list[str] = field(default_factory=lambda: ["default"])
    geometries: list[str] = field(default_factory=lambda: ["square"])
    clearances: list[float] = field(default_factory=lambda: [1e-4])
    algorithms: list[str] = field(default_factory=lambda: ["sac"])
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2, 3, 4])
    steps: int = 20_000
    every: int = 2500
    validation: int = 50
    episodes: int = 100
    thresholds: dict[str, float] = field(default_factory=lambda: {"success": 0.9})

    def __post_init__(self) -> None:
        require_positive(self, "steps", "every", "validation", "episodes")
        for name in ("methods", "tasks", "geometries", "clearances", "algorithms", "seeds"):
            values = list(getattr(self, name))
            if not values:
                raise ValueError(f"the study has no {name}: give at least one")
            if len(set(values)) < len(values):
                raise ValueError(f"the study's {name} have to differ, got {values}")
        for metric in self.thresholds:
            if metric not in METRICS:
                raise ValueError(f"no threshold on {metric!r}: evaluated are {', '.join(METRICS)}")
        for name, method in self.methods.items():
            if method.controller and method.overrides:
                raise ValueError(
                    f"method {name!r} has both a controller and overrides: it learns or it does not"
                )
            missing = [task for task in self.tasks if method.controller and task not in method.controller]
            if missing:
                raise ValueError(f"method {name!r} has no controller for task {missing[0]!r}")


@dataclass
class BenchmarkConfig:
    """Of ``assembly-rl-benchmark``.

    Attributes:
        study: What to measure.
        output: Folder of the study; by default runs/studies/<name>.
        processes: Cells at a time; by default one for each core.
        cell: Number of the one cell to run, for launchers that spread cells over machines.
    """

    study: StudyConfig
    output: str | None = None
    processes: int | None = None
    cell: int | None = None

"""Configuration of the commands."""

from dataclasses import dataclass, field
from typing import Any

from assembly_rl.controllers.validation import InputError, require_not_negative, require_positive
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.evaluation.candidates import ControllerConfig
from assembly_rl.learners.config import AlgorithmConfig
from assembly_rl.planner.profile import Profile


@dataclass
class EvalConfig:
    """Of ``assembly-rl-eval``; a single value stands for a list of one.

    Attributes:
        run: Folders of runs whose best policies are evaluated.
        controller: Baselines, by name.
        geometry, task: The conditions; where neither is given, those of the first run. Another
            ``task.robot`` than the first run's, if given, is compared with it.
        geometries: Names of geometries to evaluate on, instead of ``geometry``.
        clearance: Clearances [m]; by default the geometry's.
        friction: Coefficients of friction; by default the task's range.
        episodes: Episodes of each cell.
        seed: Seed of the first episode.
        processes: Worker processes; by default one for each core.
        output: CSV file for the rows; by default under runs/.
    """

    run: Any = None
    controller: dict[str, ControllerConfig] = field(default_factory=dict)
    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    geometries: Any = None
    clearance: Any = None
    friction: Any = None
    episodes: int = 200
    seed: int = 2_000_000
    processes: int | None = None
    output: str | None = None

    def __post_init__(self) -> None:
        require_positive(self, "episodes")


@dataclass
class GraphConfig:
    """Of ``assembly-rl-graph``.

    Attributes:
        run: Folder of a run with method=lcrl.
        episodes: Held-out episodes of each evaluation of the ablation; 0 for no ablation.
        reference: Visited states of the estimate from simulator branches to compare with; 0 for none.
        processes: Worker processes; by default one for each core.
    """

    run: Any = None
    episodes: int = 0
    reference: int = 0
    processes: int | None = None

    def __post_init__(self) -> None:
        require_not_negative(self, "episodes", "reference")
        if self.run is None:
            raise InputError("no run: give run=<dir>, the folder of a training with method=lcrl")


@dataclass
class ExportConfig:
    """Of ``assembly-rl-export``.

    Attributes:
        run: Folder of a run.
        output: A new folder; by default ``export`` in that of the run.
        episodes: Held-out insertions in which the bundle is compared with the training stack.
        tool_mass: Of all that hangs on the robot's sensor [kg]; 0 where the sensor compensates it.
        centre_of_mass: Of that, from the flange in its axes [m].
        gravity: In the robot's base frame [m/s2].
        soc: The Ascend chip that the command line of ``atc`` is for.
    """

    run: Any = None
    output: str | None = None
    episodes: int = 100
    tool_mass: float = 0.0
    centre_of_mass: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    gravity: list[float] = field(default_factory=lambda: [0.0, 0.0, -9.81])
    soc: str = "Ascend310P3"

    def __post_init__(self) -> None:
        require_positive(self, "episodes")
        if self.run is None:
            raise InputError("nothing to export: give run=<dir>")


@dataclass
class ReplayConfig:
    """Of ``assembly-rl-replay``.

    Attributes:
        bundle: File.
        recording: CSV file; see ``assembly_rl.controllers.bundles.Recording``.
        output: Folder for plot and commands; by default beside the recording.
    """

    bundle: Any = None
    recording: Any = None
    output: str | None = None

    def __post_init__(self) -> None:
        for name in ("bundle", "recording"):
            if getattr(self, name) is None:
                raise InputError(f"nothing to replay: give {name}=<file>")


@dataclass
class PlanConfig:
    """Of ``assembly-rl-plan``.

    Attributes:
        geometry, task, algo: See there.
        batches: Sizes of a batch to compare; by default the algorithm's.
        networks: Widths of the hidden layers to compare; by default the algorithm's.
        environments: Numbers of environments to compare.
        profile: Devices beside the CPU at hand.
        steps: Policy steps of the training.
    """

    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    algo: AlgorithmConfig = field(default_factory=AlgorithmConfig)
    batches: list[int] = field(default_factory=list)
    networks: list[list[int]] = field(default_factory=list)
    environments: list[int] = field(default_factory=lambda: [1, 2])
    profile: dict[str, Profile] = field(default_factory=dict)
    steps: int = 20_000

    def __post_init__(self) -> None:
        require_positive(self, "steps")
        if not self.environments or min(self.environments) < 1:
            raise InputError(f"environments must be one or more numbers >= 1, got {self.environments}")

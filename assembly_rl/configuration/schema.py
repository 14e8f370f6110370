"""Configuration of the commands: dataclass schemas for Hydra, and the way back from a run's JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from assembly_rl.controllers.guidance import GUIDANCE, Guidance
from assembly_rl.controllers.serialization import from_mapping
from assembly_rl.controllers.validation import require_not_negative, require_positive, unknown
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.config import ComplianceConfig
from assembly_rl.learners.config import ALGORITHMS, AlgorithmConfig, PPOConfig
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.pead.config import LCRLPEADConfig, PEADConfig
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.planner.profile import Profile
from assembly_rl.training.method import DenseConfig, LearningMethod

CONFIG_PACKAGE = "assembly_rl.conf"


METHODS: dict[str, type[LearningMethod]] = {
    "dense": DenseConfig,
    "lcrl": LCRLConfig,
    "pead": PEADConfig,
    "lcrl_pead": LCRLPEADConfig,
}
"""Name -> fields."""


@dataclass
class GeometryConfig:
    """Fields of ``PegHole``, which see."""

    section: str = "square"
    parameters: dict[str, Any] = field(default_factory=dict)
    clearance: float = 1e-4
    chamfer: float = 3e-4
    hole_depth: float = 0.025
    peg_length: float = 0.040

    def part(self) -> PegHole:
        """The part; a ValueError says what is wrong with it."""
        return PegHole(**vars(self))


@dataclass
class ControllerConfig:
    """A baseline controller: guidance without learning around a compliance law of its own.

    Attributes:
        guidance: ``fixed``, ``dither`` or ``reflex``.
        parameters: Fields of the guidance's class; what is not given keeps its default.
        compliance: The law.
    """

    guidance: str = "fixed"
    parameters: dict[str, float] = field(default_factory=dict)
    compliance: ComplianceConfig = field(default_factory=ComplianceConfig)

    def make_guidance(self) -> Guidance:
        """The guidance; a ValueError names an unknown one or an unknown parameter."""
        if self.guidance not in GUIDANCE:
            raise ValueError(unknown("guidance", self.guidance, list(GUIDANCE)))
        return from_mapping(GUIDANCE[self.guidance], self.parameters)


@dataclass
class EvaluationConfig:
    """Evaluation during and after a training.

    Attributes:
        every: Policy steps between evaluations.
        episodes: Validation episodes of each; the best policy on them is kept.
        held_out: Episodes, never seen before, for the final result.
    """

    every: int = 2500
    episodes: int = 100
    held_out: int = 200

    def __post_init__(self) -> None:
        require_positive(self, "every", "episodes", "held_out")


@dataclass
class TrainConfig:
    """Of ``assembly-rl-train``.

    Attributes:
        geometry, task, algo, method: See there.
        transfer: What the training takes over from another run.
        seed: Of everything random in the training.
        steps: Policy steps.
        environments: Environments that are stepped in turn, each in a process of its own if several.
        evaluation: See there.
        checkpoint_every: Policy steps between checkpoints.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:<i>``, ``npu`` or ``npu:<i>``.
        plan: ``auto`` chooses device and environments by what ``assembly-rl-plan`` predicts.
        pictures: Draw the learning curve and the trace of an episode, and film one, at the end.
        run_dir: Folder of the run; by default named after what is trained, under runs/.
        resume: Folder of a run to go on with; it keeps its configuration.
    """

    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    algo: AlgorithmConfig = field(default_factory=AlgorithmConfig)
    method: LearningMethod = field(default_factory=LearningMethod)
    transfer: TransferConfig = field(default_factory=TransferConfig)
    seed: int = 0
    steps: int = 20_000
    environments: int = 1
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    checkpoint_every: int = 2500
    device: str = "cpu"
    plan: str | None = None
    pictures: bool = True
    run_dir: str | None = None
    resume: str | None = None

    def __post_init__(self) -> None:
        require_positive(self, "steps", "environments", "checkpoint_every")
        if self.plan not in (None, "auto"):
            raise ValueError(f"plan must be auto or null, got {self.plan!r}")
        if self.steps <= self.graph_at:
            raise ValueError(
                f"the training ends at step {self.steps}, before its graph is estimated at step "
                f"{self.graph_at}: give more steps or fewer method.samples"
            )
        if isinstance(self.method, PEADConfig) and self.transfer.run is not None:
            raise ValueError(
                f"method={self.method.name} begins in few dimensions, a policy that is carried over moves in "
                "all of them: use method=dense or lcrl with transfer.run"
            )
        if isinstance(self.method, PEADConfig) and self.method.grouping == "cs3" and self.method.shares:
            first = round(self.method.shares[0] * self.steps)
            if first <= self.method.samples:
                raise ValueError(
                    f"the first stage would end at step {first}, before its groups are estimated at step "
                    f"{self.method.samples}: raise method.shares or lower method.samples"
                )

    @property
    def graph_at(self) -> int:
        """Step at which a graph is estimated: the end of the rollout that completes its samples."""
        if not (isinstance(self.method, LCRLConfig) and self.method.estimated):
            return 0
        rollout = self.environments * (self.algo.rollout if isinstance(self.algo, PPOConfig) else 1)
        return -(-self.method.samples // rollout) * rollout


@dataclass
class TransferCommandConfig:
    """Of ``assembly-rl-transfer``.

    Attributes:
        source: Folders of runs to start from; of several the one with the contact most like the new part's.
        geometry, task: The new part, and its conditions.
        transfer: How; its ``run`` is the source.
        steps: Policy steps of distillation and fine-tuning.
        evaluation: See there.
        seed: Of everything random in the training.
        compare: Train also without ETCL, by plain fine-tuning and from scratch, with the same budget.
        device: As of ``assembly-rl-train``.
        processes: Worker processes of the evaluations; by default one for each core.
        run_dir: Folder of the transfer; by default named after source and part, under runs/.
        resume: Folder of a transfer to go on with; it keeps its configuration.
    """

    source: Any = None
    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    transfer: TransferConfig = field(default_factory=TransferConfig)
    steps: int = 1000
    evaluation: EvaluationConfig = field(default_factory=lambda: EvaluationConfig(100, 40, 200))
    seed: int = 0
    compare: bool = False
    device: str = "cpu"
    processes: int | None = None
    run_dir: str | None = None
    resume: str | None = None

    def __post_init__(self) -> None:
        require_positive(self, "steps")
        if self.source is None and self.resume is None:
            raise ValueError("no source: give source=<dir>, the folder of a training, or several")


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
            raise ValueError("no run: give run=<dir>, the folder of a training with method=lcrl")


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
            raise ValueError("nothing to export: give run=<dir>")


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
                raise ValueError(f"nothing to replay: give {name}=<file>")


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
            raise ValueError(f"environments must be one or more numbers >= 1, got {self.environments}")


@cache
def register() -> None:
    """Put the schemas where the YAML files under conf/ find them."""
    store = ConfigStore.instance()
    store.store("train_schema", TrainConfig)
    store.store("eval_schema", EvalConfig)
    store.store("plan_schema", PlanConfig)
    store.store("graph_schema", GraphConfig)
    store.store("export_schema", ExportConfig)
    store.store("replay_schema", ReplayConfig)
    store.store("transfer_schema", TransferCommandConfig)
    store.store("schema", Profile, group="profile")
    store.store("schema", TaskConfig, group="task")
    store.store("schema", GeometryConfig, group="geometry")
    store.store("schema", ControllerConfig, group="controller")
    for group, choices in (("algo", ALGORITHMS), ("method", METHODS)):
        for name, config in choices.items():
            store.store(f"{name}_schema", config, group=group)


def names(group: str) -> list[str]:
    """Names of the choices of a configuration group, sorted."""
    folder = resources.files(CONFIG_PACKAGE).joinpath(group)
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def composed(config_name: str, *overrides: str) -> DictConfig:
    """Compose a configuration, inside or outside of a Hydra command."""
    register()
    if GlobalHydra.instance().is_initialized():
        return compose(config_name, list(overrides))
    with initialize_config_module(CONFIG_PACKAGE, version_base="1.3"):
        return compose(config_name, list(overrides))


def train_config(values: DictConfig | Mapping[str, Any]) -> TrainConfig:
    """Checked configuration from Hydra's, or from that of a run's JSON.

    Raises:
        ValueError: A value is refused.
    """
    if isinstance(values, DictConfig):
        return OmegaConf.to_object(values)  # type: ignore[return-value]
    known = {str(key): value for key, value in values.items()}
    for group, choices in (("algo", ALGORITHMS), ("method", METHODS)):
        if group in known:
            known[group] = from_mapping(choices[known[group]["name"]], known[group])
    return from_mapping(TrainConfig, known)


def plain(config: Any) -> Any:
    """A configuration as JSON can hold it."""
    if isinstance(config, Mapping):
        return {key: plain(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [plain(value) for value in config]
    if isinstance(config, Enum):
        return config.name
    return config if isinstance(config, str | int | float | None) else plain(asdict(config))

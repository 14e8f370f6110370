"""Configuration of ``assembly-rl-transfer``."""

from dataclasses import dataclass, field

from assembly_rl.accelerators.processes import MOST_PROCESSES
from assembly_rl.controllers.validation import InputError, require_count, require_seed, require_text
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.training.config import EvaluationConfig, require_device


@dataclass
class TransferWorkflowConfig:
    """Configuration of ``assembly-rl-transfer``.

    Attributes:
        source: Folders of source runs; the one whose contact is most similar to the new part's is used.
        geometry, task: New part, and its conditions.
        transfer: Configuration of the transfer; its ``run`` is the source.
        steps: Policy steps of distillation and fine-tuning.
        evaluation: Validations, and the final evaluation.
        seed: Seed of all random generators of the training.
        compare: Train also without ETCL, by plain fine-tuning and from scratch, with the same budget.
        device: Device of the training, as for ``assembly-rl-train``.
        processes: Number of worker processes of the evaluations; by default one per core.
        run_dir: Folder of the transfer; by default named after source and part, under runs/.
        resume: Folder of a transfer that is resumed; it keeps its configuration.
    """

    source: list[str] = field(default_factory=list)
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
        require_count(self, "steps")
        require_seed(self)
        require_device(self.device)
        require_text(self, "run_dir", "resume")
        if self.processes is not None:
            require_count(self, "processes", most=MOST_PROCESSES)
        if not self.source and self.resume is None:
            raise InputError("no source: give source=<dir>, the folder of a training, or several")

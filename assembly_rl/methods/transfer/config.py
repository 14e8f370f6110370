"""Configuration of a transfer."""

from dataclasses import dataclass
from typing import ClassVar

from assembly_rl.controllers.validation import (
    InputError,
    require_at_most,
    require_count,
    require_not_negative,
    require_positive,
    require_text,
)
from assembly_rl.learners.config import LARGEST_WEIGHT
from assembly_rl.training.method import Method, MethodConfig, register_method

RULES = ("compliance", "uniform", "shuffled", "none")


@dataclass
class TransferConfig(MethodConfig):
    """Initialisation of a training from another run.

    Attributes:
        run: Folder of the run whose best policy is transferred; null to learn from scratch.
        etcl: Reconfigure the compliance law for the probed contact.
        reconfigured: Learn with law, admittance, action and path of the task, as given, instead of those of
            the source; the other settings have to be the source's.
        weights: Rule of the weights of the distillation: by ``compliance``, ``uniform``, ``shuffled``
            (those by compliance in another order, as a control), or ``none`` for fine-tuning without
            distillation.
        beta: Weight of a difference in compliance.
        strength: Factor on the divergence from the teacher.
        replay: Keep the source's transitions in the replay buffer, as half of each batch.
        gradient_steps: Gradient steps per policy step, in place of ``algo.gradient_steps``; for DDPG, TD3
            and SAC.
        actor_rate: Factor on the actor's learning rate; for DDPG, TD3 and SAC.
        averaged_over: Policy steps of the exponential average of the actor's weights, which is validated
            and kept; 0 for the latest weights. For DDPG, TD3 and SAC.
        warm_up: Policy steps in which the actor only imitates the teacher while the critics learn.
        anneal: Subsequent policy steps in which the weight of the distillation decreases to 0.
    """

    implementation: ClassVar[str | type[Method]] = "assembly_rl.methods.transfer.method:create"

    name: str = "transfer"
    run: str | None = None
    etcl: bool = True
    reconfigured: bool = False
    weights: str = "compliance"
    beta: float = 1.0
    strength: float = 1.0
    replay: bool = True
    gradient_steps: int = 4
    actor_rate: float = 0.3
    averaged_over: int = 100
    warm_up: int = 100
    anneal: int = 400

    def __post_init__(self) -> None:
        require_not_negative(self, "beta", "strength")
        require_at_most(self, LARGEST_WEIGHT, "beta", "strength", "actor_rate")
        require_count(self, "warm_up", "anneal", "averaged_over", least=0)
        require_count(self, "gradient_steps")
        require_positive(self, "actor_rate")
        require_text(self, "run")
        if self.reconfigured and self.etcl:
            raise InputError("transfer.reconfigured=true keeps the law of the task: give transfer.etcl=false")
        if self.weights not in RULES:
            raise InputError(f"transfer.weights must be one of {', '.join(RULES)}, got {self.weights!r}")

    @property
    def starts_trained(self) -> bool:
        """True if a source is configured."""
        return self.run is not None

    def sources_digest(self) -> str:
        """Return the hash of the source's policy."""
        from assembly_rl.methods.transfer.source import source_digest

        return "" if self.run is None else source_digest(self.run)


register_method("transfer", TransferConfig)

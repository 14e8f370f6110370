"""Configuration of residual reinforcement learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from assembly_rl.controllers.validation import (
    InputError,
    require_at_most,
    require_count,
    require_not_negative,
    require_positive,
)
from assembly_rl.learners.config import LARGEST_WEIGHT, OffPolicyConfig
from assembly_rl.training.method import DenseConfig, Method, register_method

if TYPE_CHECKING:
    from assembly_rl.runs.directory import RunDirectory
    from assembly_rl.training.config import TrainConfig
    from assembly_rl.training.method import MethodConfig


@dataclass
class ResidualConfig(DenseConfig):
    """Residual reinforcement learning: the policy begins with the actions of ``task.base``.

    Attributes:
        deviation: Initial standard deviation of an action of SAC.
        strength: Weight of the square of an action in the actor's loss at first: the distillation of the
            base.
        anneal: Policy steps in which that weight would fall to 0, in proportion.
        floor: Weight below which it does not fall.
        warm_up: First policy steps, in which only the critics learn.
        actor_rate: Factor on the actor's learning rate.
        retreat: Factor on the policy's actions, before tanh, after each training episode that fails: a step
            back to the base; 1 for none.
    """

    implementation: ClassVar[str | type[Method]] = "assembly_rl.methods.residual.method:Residual"

    name: str = "residual"
    deviation: float = 0.22
    strength: float = 5.0
    anneal: int = 600
    floor: float = 0.1
    warm_up: int = 250
    actor_rate: float = 0.3
    retreat: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "deviation", "actor_rate")
        require_at_most(self, 1.0, "deviation", "retreat")
        require_not_negative(self, "strength", "floor", "retreat")
        require_at_most(self, LARGEST_WEIGHT, "strength", "floor", "actor_rate")
        require_count(self, "anneal")
        require_count(self, "warm_up", least=0)
        if self.floor > self.strength:
            raise InputError(f"method.floor={self.floor} must be <= method.strength={self.strength}")

    def check(self, training: TrainConfig) -> None:
        """Refuse a training without a base, and one that does not learn from a replay buffer."""
        if training.task.base.guidance is None:
            raise InputError(
                "method=residual needs a controller whose actions it adds to: give task.base.guidance and "
                "task.base.parameters, or experiment=residual"
            )
        if not isinstance(training.algo, OffPolicyConfig):
            raise InputError(
                f"method=residual goes with algo=sac, td3 or ddpg, not with algo={training.algo.name}"
            )

    def for_student(self, source: RunDirectory) -> MethodConfig:
        """Return the method of a student, which keeps the base and starts from the source's residual."""
        return DenseConfig(actor=self.actor)


register_method("residual", ResidualConfig)

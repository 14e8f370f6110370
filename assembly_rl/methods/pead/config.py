"""Configuration of PEAD, progressive extension of action dimension."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from assembly_rl.controllers.validation import (
    InputError,
    require_at_most,
    require_count,
    require_not_negative,
)
from assembly_rl.learners.config import LARGEST_WEIGHT
from assembly_rl.training.method import Method, MethodConfig, register_method

if TYPE_CHECKING:
    from assembly_rl.training.config import TrainConfig

GROUPINGS = ("given", "cs3", "random")
TRIGGERS = ("shares", "plateau")
WARM_UPS = ("free", "tied")


@dataclass
class PEADConfig(MethodConfig):
    """Progressive extension of action dimension: learning starts in a few dimensions.

    Attributes:
        stages: Groups of components of each stage, such as ``x y``; each stage extends the one before.
        grouping: Origin of the groups. ``given``: ``stages``. ``cs3``: as many dimensions, with components
            of similar influence grouped. ``random``: groups of the same sizes, drawn at random.
        trigger: End of a stage. ``shares``: at its share of the training. ``plateau``: also earlier, once
            the success rate of training episodes no longer increases.
        shares: Shares of the training at which each stage but the last one ends.
        window: Training episodes in each of the two means that are compared for a plateau.
        gain: Increase of success below which the two means are a plateau.
        samples: Policy steps in all dimensions before ``cs3`` groups are estimated.
        warm_up: Random actions before learning: ``free`` in all components, or ``tied`` within groups.
        freeze: Policy steps after an extension in which only the critics learn.
        ramp: Policy steps after an extension in which the noise grows from half its scale.
        leash: Weight of a penalty in the actor's loss on the square of its outputs outside the previous
            dimensions. By default 2 with DDPG and TD3, 0.5 with SAC, 0 with PPO.
        restart: Reinitialise the networks at an extension, and keep the transitions; a control.
    """

    implementation: ClassVar[str | type[Method]] = "assembly_rl.methods.pead.method:PEAD"

    name: str = "pead"
    stages: list[list[str]] = field(
        default_factory=lambda: [["x", "y", "z"], ["x", "y", "z", "rx", "ry", "rz"]]
    )
    grouping: str = "given"
    trigger: str = "shares"
    shares: list[float] = field(default_factory=lambda: [0.5])
    window: int = 40
    gain: float = 0.05
    samples: int = 1500
    warm_up: str = "free"
    freeze: int = 300
    ramp: int = 1500
    leash: float | None = None
    restart: bool = False

    def __post_init__(self) -> None:
        require_count(self, "window", "samples")
        require_count(self, "freeze", "ramp", least=0)
        require_not_negative(self, "gain")
        if self.leash is not None:
            require_not_negative(self, "leash")
            require_at_most(self, LARGEST_WEIGHT, "leash")
        for name, known in (("grouping", GROUPINGS), ("trigger", TRIGGERS), ("warm_up", WARM_UPS)):
            if getattr(self, name) not in known:
                raise InputError(
                    f"method.{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )
        if not self.stages:
            raise InputError("method.stages must have at least one stage")
        bounds = [0.0, *self.shares, 1.0]
        rising = all(low < high for low, high in zip(bounds, bounds[1:], strict=False))
        if len(self.shares) != len(self.stages) - 1 or not rising:
            raise InputError(
                f"method.shares must be {len(self.stages) - 1} rising numbers in (0, 1), one for each stage "
                f"but the last, got {list(self.shares)}"
            )

    def check(self, training: TrainConfig) -> None:
        """Refuse a start from a trained policy, and an estimate of groups after the first stage."""
        if training.transfer.starts_trained:
            raise InputError(
                f"method={self.name} begins in few dimensions, a policy that is carried over moves in "
                "all of them: use method=dense or lcrl with transfer.run"
            )
        if self.grouping == "cs3" and self.shares:
            first = round(self.shares[0] * training.steps)
            if first <= self.samples:
                raise InputError(
                    f"the first stage would end at step {first}, before its groups are estimated at step "
                    f"{self.samples}: raise method.shares or lower method.samples"
                )


register_method("pead", PEADConfig)

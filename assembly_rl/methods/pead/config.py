"""How the action dimension grows."""

from dataclasses import dataclass, field

from assembly_rl.controllers.validation import require_not_negative, require_positive
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.training.method import LearningMethod

GROUPINGS = ("given", "cs3", "random")
TRIGGERS = ("shares", "plateau")
WARM_UPS = ("free", "tied")


@dataclass
class PEADConfig(LearningMethod):
    """Progressive extension of action dimension: learn in a few tied dimensions first.

    Attributes:
        stages: Groups of components of each stage, such as ``x y``; each stage extends the one before.
        grouping: Where the groups come from: ``given`` in ``stages``; ``cs3``: as many dimensions as there,
            with components tied whose influence is alike; ``random``: as there, components drawn at random.
        trigger: A stage ends at its ``share`` of the training, or before, with ``plateau``, when training
            episodes do not succeed more often any more.
        shares: Of the training, at which each stage but the last one ends.
        window: Training episodes in the two means that a plateau compares.
        gain: Success that the later one has to have more, or else it is a plateau.
        samples: Policy steps in all dimensions before ``cs3`` groups are estimated.
        warm_up: Random actions before learning: ``free`` in all components, or ``tied``.
        freeze: Policy steps after a growth in which the critics learn alone.
        ramp: Policy steps after a growth in which the noise grows from half.
        leash: Weight in the actor's loss of the square of what it does beyond the dimensions before; see
            ``assembly_rl.methods.pead.ties.leash``. By default 2 with DDPG and TD3, 0.5 with SAC, 0 with PPO.
        restart: Networks start anew at a growth; what was visited stays. A control.
    """

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
        require_positive(self, "window")
        require_not_negative(self, "freeze", "ramp", "gain")
        if self.leash is not None:
            require_not_negative(self, "leash")
        for name, known in (("grouping", GROUPINGS), ("trigger", TRIGGERS), ("warm_up", WARM_UPS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"method.{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )
        if not self.stages:
            raise ValueError("method.stages must have at least one stage")
        bounds = [0.0, *self.shares, 1.0]
        rising = all(low < high for low, high in zip(bounds, bounds[1:], strict=False))
        if len(self.shares) != len(self.stages) - 1 or not rising:
            raise ValueError(
                f"method.shares must be {len(self.stages) - 1} rising numbers in (0, 1), one for each stage "
                f"but the last, got {list(self.shares)}"
            )


@dataclass
class LCRLPEADConfig(LCRLConfig, PEADConfig):
    """Both: tied action components share hidden units and see what any of them sees.

    When they are untied, each gets copies of its own.
    """

    name: str = "lcrl_pead"

    def __post_init__(self) -> None:
        LCRLConfig.__post_init__(self)
        PEADConfig.__post_init__(self)

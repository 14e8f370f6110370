"""How a policy is carried over to another part."""

from dataclasses import dataclass

from assembly_rl.controllers.validation import require_not_negative, require_positive

RULES = ("compliance", "similarity", "error", "uniform", "shuffled", "none")


@dataclass
class TransferConfig:
    """Where a training starts from.

    Attributes:
        run: Folder of the run whose best policy is carried over; null to learn from nothing.
        etcl: Reconfigure the compliance law by what probing finds.
        weights: Of the distillation: by ``compliance``, by the ``similarity`` of influences, by the teacher's
            ``error``; ``uniform``; ``shuffled``, those of compliance in another order, as a control; or
            ``none`` for no distillation: the policy is fine-tuned as it is.
        beta: How much a difference in compliance counts.
        strength: Factor on the divergence from the teacher.
        replay: What the source visited stays in the replay buffer: half of each batch.
        gradient_steps: For each policy step, in place of ``algo.gradient_steps``; of DDPG, TD3 and SAC.
        actor_rate: Factor on the actor's learning rate; of DDPG, TD3 and SAC.
        averaged_over: Policy steps over which the actor's weights are averaged, exponentially, for what is
            validated and kept; 0 for the latest weights. Of DDPG, TD3 and SAC.
        warm_up: Policy steps in which the teacher alone is followed while the critics learn.
        anneal: Policy steps after them in which the teacher's say goes to zero.
    """

    run: str | None = None
    etcl: bool = True
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
        require_not_negative(self, "beta", "strength", "warm_up", "anneal", "averaged_over")
        require_positive(self, "gradient_steps", "actor_rate")
        if self.weights not in RULES:
            raise ValueError(f"transfer.weights must be one of {', '.join(RULES)}, got {self.weights!r}")

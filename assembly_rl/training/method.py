"""How a policy is learned: the base of all methods, and the plain one."""

from dataclasses import dataclass


@dataclass
class LearningMethod:
    """Of conf/method.

    Attributes:
        name: Of the method.
    """

    name: str = "dense"


@dataclass
class DenseConfig(LearningMethod):
    """One network for all action components, with all connections.

    Attributes:
        actor: Widths of the actor's hidden layers; by default those of the algorithm's ``network``.
    """

    actor: list[int] | None = None

    def __post_init__(self) -> None:
        if self.actor is not None:
            require_widths("actor", self.actor)


def require_widths(name: str, widths: list[int]) -> None:
    """Raise a ValueError unless a field of a method has one or more widths."""
    if not widths or min(widths) < 1:
        raise ValueError(f"method.{name} must be one or more widths >= 1, got {list(widths)}")

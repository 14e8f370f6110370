"""How a policy is learned: with all connections, or with those of a graph."""

from dataclasses import dataclass, field

from assembly_rl.controllers.validation import require_not_negative, require_positive

EDGES = ("cs3", "physics", "random", "all")
"""Where the edges of a graph can come from."""


@dataclass
class LearningMethod:
    """Of conf/method: ``dense`` learns with all connections.

    Attributes:
        name: Of the method.
    """

    name: str = "dense"


@dataclass
class LCRLConfig(LearningMethod):
    """Local connection RL: each action component has hidden units of its own, which see a part of the state.

    Attributes:
        head: Hidden units of each action component, layer by layer.
        edges: ``cs3`` estimates them from the first steps; ``physics`` takes those of a rigid contact;
            ``random`` as many as physics has, drawn at random; ``all`` keeps every one.
        graph: File of a graph to use instead.
        samples: Policy steps before the graph is estimated; they are learned from, too.
        floor: Least influence of an edge, in standard deviations of a step's change.
        quantile: Of the influence by chance that an edge has to exceed.
    """

    name: str = "lcrl"
    head: list[int] = field(default_factory=lambda: [24, 24])
    edges: str = "cs3"
    critics: str = "global"
    graph: str | None = None
    samples: int = 1500
    floor: float = 0.1
    quantile: float = 0.99

    def __post_init__(self) -> None:
        require_positive(self, "samples")
        require_not_negative(self, "floor")
        if self.edges not in EDGES:
            raise ValueError(f"method.edges must be one of {', '.join(EDGES)}, got {self.edges!r}")
        if not self.head or min(self.head) < 1:
            raise ValueError(f"method.head must be one or more widths >= 1, got {list(self.head)}")
        if not 0.0 < self.quantile <= 1.0:
            raise ValueError(f"method.quantile must be in (0, 1], got {self.quantile}")


METHODS: dict[str, type[LearningMethod]] = {"dense": LearningMethod, "lcrl": LCRLConfig}
"""Name -> fields."""

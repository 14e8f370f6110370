"""Configuration of LCRL: the connections of a policy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from assembly_rl.controllers.validation import InputError, require_count, require_not_negative, require_text
from assembly_rl.learners.config import require_widths
from assembly_rl.training.method import Method, MethodConfig, register_method

if TYPE_CHECKING:
    from assembly_rl.runs.directory import RunDirectory
    from assembly_rl.training.config import TrainConfig

EDGES = ("endogenous", "cs3", "physics", "all")
"""Origins of the edges of a graph."""
GRAPH_FILE = "graph.json"
"""File of the policy's graph in a run directory; ``graph_<step>.json`` are earlier ones."""
THRESHOLDS = ("cumulative", "chance")
CRITICS = ("seen", "global")


@dataclass
class LCRLConfig(MethodConfig):
    """Local connection RL: each action component has separate hidden units with a part of the state as input.

    Attributes:
        head: Hidden units of each action component, layer by layer.
        edges: Origin of the edges. ``endogenous``: all action components see what any of them influences,
            and what is related to that. ``cs3``: what an action component influences itself. ``physics``:
            rigid contact. ``all``: all edges.
        false_discovery_rate: Largest expected share of chance among the endogenous components.
        threshold: Rule that selects edges by cs3 influence: the largest of each action component with a
            ``cumulative`` share; those above ``chance``.
        quantile: Quantile of the chance influence that an edge has to exceed.
        floor: Least influence of an edge above chance, in standard deviations of a step's change.
        share: Joint share of the edges in the influence of an action component.
        critics: ``seen``: one function of the action and of the state components that an action component
            sees. ``global``: one of the whole state and action.
        graph: File of a graph that is used instead.
        samples: Policy steps before the graph is estimated; they are learned from, too.
        relearn_every: Policy steps between later estimates, from recent transitions.
    """

    implementation: ClassVar[str | type[Method]] = "assembly_rl.methods.lcrl.method:LCRL"

    name: str = "lcrl"
    head: list[int] = field(default_factory=lambda: [24, 24])
    edges: str = "endogenous"
    false_discovery_rate: float = 0.01
    threshold: str = "cumulative"
    quantile: float = 0.99
    floor: float = 0.1
    share: float = 0.9
    critics: str = "seen"
    graph: str | None = None
    samples: int = 500
    relearn_every: int | None = None

    def __post_init__(self) -> None:
        require_count(self, "samples")
        require_not_negative(self, "floor")
        require_text(self, "graph")
        require_widths("method.head", self.head)
        for name, known in (("edges", EDGES), ("threshold", THRESHOLDS), ("critics", CRITICS)):
            if getattr(self, name) not in known:
                raise InputError(
                    f"method.{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )
        for name in ("quantile", "share", "false_discovery_rate"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise InputError(f"method.{name} must be in (0, 1], got {getattr(self, name)}")
        if self.relearn_every is not None and self.estimated and self.relearn_every >= 1:
            require_count(self, "relearn_every")
        elif self.relearn_every is not None:
            raise InputError(
                f"method.relearn_every must be >= 1 and needs edges that are estimated, got "
                f"{self.relearn_every} with edges={self.edges}, graph={self.graph}"
            )

    @property
    def estimated(self) -> bool:
        """True if the graph is estimated from transitions of the training."""
        return self.graph is None and self.edges not in ("physics", "all")

    def graph_step(self, training: TrainConfig) -> int:
        """Return the step of the estimate of the graph: the end of a rollout, with enough samples."""
        if not self.estimated:
            return 0
        rollout = training.algo.rollout_steps(training.environments)
        return -(-self.samples // rollout) * rollout

    def check(self, training: TrainConfig) -> None:
        """Refuse a training that ends before its graph is estimated."""
        if training.steps <= self.graph_step(training):
            raise InputError(
                f"the training ends at step {training.steps}, before its graph is estimated at step "
                f"{self.graph_step(training)}: give more steps or fewer method.samples"
            )

    def for_student(self, source: RunDirectory) -> MethodConfig:
        """Return LCRL with the graph of the source."""
        shared = {
            field.name: getattr(self, field.name) for field in fields(LCRLConfig) if field.name != "name"
        }
        return LCRLConfig(**shared | {"graph": str(source.path / GRAPH_FILE), "relearn_every": None})

    def sources_digest(self) -> str:
        """Return the hash of a given graph."""
        return "" if self.graph is None else hashlib.sha256(Path(self.graph).read_bytes()).hexdigest()


register_method("lcrl", LCRLConfig)

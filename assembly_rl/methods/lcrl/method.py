"""LCRL in a training: the graph is estimated from its first steps, then imposed on its policy."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from gymnasium.spaces.utils import flatdim
from stable_baselines3.common.base_class import BaseAlgorithm

from assembly_rl.accelerators import distributed
from assembly_rl.controllers.validation import AXES, InputError
from assembly_rl.learners.config import HiddenLayers
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.cs3.estimate import FEWEST
from assembly_rl.methods.cs3.transitions import RecentTransitions
from assembly_rl.methods.lcrl import endogenous
from assembly_rl.methods.lcrl.config import GRAPH_FILE, LCRLConfig
from assembly_rl.methods.lcrl.connections import connect, shared_by_groups
from assembly_rl.methods.lcrl.find import estimated_graph, known_graph
from assembly_rl.methods.lcrl.graph import Graph
from assembly_rl.runs import RunError
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import Method, Phases, TrainingContext


class LCRL(Method):
    """Local connections: the inputs of each action component are the state components in its graph column.

    Args:
        config: Configuration.
    """

    def __init__(self, config: LCRLConfig) -> None:
        self._config = config

    def check(self, config: TrainConfig, observation_names: tuple[str, ...]) -> None:
        """Refuse a given graph with other components, and an estimate without enough samples."""
        check_graph(self._config, observation_names)

    def hidden_layers(self, layers: HiddenLayers, actions: int) -> HiddenLayers:
        """Return layers with separate hidden units for each action component."""
        return HiddenLayers([actions * width for width in self._config.head], layers.critic)

    def build(self, model: BaseAlgorithm) -> None:
        """Start with all connections."""
        states, actions = (flatdim(space) for space in (model.observation_space, model.action_space))
        connect(model, np.ones((states, actions), dtype=np.bool_), self._config.critics)

    def first_kept_step(self, config: TrainConfig) -> int:
        """Return the step of the graph: an earlier policy would have other connections."""
        return self._config.graph_step(config)

    def phases(self, context: TrainingContext) -> Phases:
        """Return the actions of the method during a training."""
        return GraphPhases(self._config, context)


def check_graph(config: LCRLConfig, states: tuple[str, ...]) -> None:
    """Check that a training can obtain its graph.

    Args:
        config: Configuration of the method.
        states: Names of the state components of the task.

    Raises:
        ValueError: The training cannot; the message says what is wrong and what to do.
    """
    if config.graph is not None:
        graph = Graph.load(Path(config.graph))
        if (graph.states, graph.actions) != (states, AXES):
            missing = ", ".join(name for name in states if name not in graph.states)
            unknown = ", ".join(name for name in graph.states if name not in states)
            raise RunError(
                f"{config.graph} is a graph of other components than this task's or in another order: it "
                f"lacks {missing or 'none'}; it has besides {unknown or 'none'}"
            )
    elif config.estimated:
        fewest = endogenous.FEWEST if config.edges == "endogenous" else FEWEST
        if config.samples < fewest:
            raise InputError(
                f"edges={config.edges} needs method.samples of at least {fewest} here, got {config.samples}"
            )


class GraphPhases(Phases):
    """Estimation of the graph once there are enough transitions; then the policy has its connections.

    Earlier steps are random, or by the policy with all connections; their transitions are learned from, too.

    Args:
        config: Configuration.
        context: Training.
    """

    def __init__(self, config: LCRLConfig, context: TrainingContext) -> None:
        self._config, self._context, self._model = config, context, context.model
        self._folder, self._states = context.run.path, context.observation_names
        self._transitions = RecentTransitions(self._model, self._folder / "visited.safetensors")
        self._due = self._next_after(self._model.num_timesteps)

    def begin(self) -> None:
        """Connect the policy if the graph is known before the first step."""
        if not self._config.estimated:
            self._use(self._known())

    def _next_after(self, step: int) -> float:
        """Return the step of the next estimate; a checkpoint is taken after the estimate of its step."""
        if not self._config.estimated:
            return float("inf")
        if step < self._config.samples:
            return self._config.samples
        every = self._config.relearn_every
        return step - (step - self._config.samples) % every + every if every else float("inf")

    def before_rollout(self) -> None:
        """Estimate the graph if due."""
        step = self._model.num_timesteps
        if step >= self._due:
            self._use(
                estimated_graph(
                    self._config,
                    self._transitions.transitions(),
                    self._states,
                    AXES,
                    self._context.config.seed,
                    step,
                )
                if distributed.rank() == 0
                else None
            )
            self._due = self._next_after(step)

    def after_rollout(self) -> None:
        """Store a rollout for the estimate if there is no replay buffer."""
        if self._due < float("inf"):
            self._transitions.add_rollout()

    def _known(self) -> Graph:
        if self._config.graph is None:
            return known_graph(self._config.edges, self._states, AXES)
        return Graph.load(Path(self._config.graph))

    def _use(self, graph: Graph | None) -> None:
        """Connect the policy by the graph of the first process."""
        graph = Graph.from_content(json.loads(distributed.broadcast(json.dumps(graph and graph.content()))))
        graph = replace(graph, edges=shared_by_groups(graph.edges, self._model.policy))
        connect(self._model, graph.edges, self._config.critics)
        if isinstance(self._model, Learner):
            self._model.bind()
        graph.save(self._folder / GRAPH_FILE)
        if self._config.relearn_every:
            graph.save(self._folder / f"graph_{self._model.num_timesteps:09}.json")
        count, step = np.count_nonzero(graph.edges), self._model.num_timesteps
        self._context.show(f"  step {step:>7}: graph of {count} edges of {graph.edges.size} ({graph.source})")

"""The graph of a training: built from its first steps, then given to its policy."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from assembly_rl.accelerators import distributed
from assembly_rl.controllers.validation import AXES
from assembly_rl.learners.config import AlgorithmConfig, OffPolicyConfig
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.cs3.estimate import FEWEST
from assembly_rl.methods.cs3.transitions import Visited
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.lcrl.connections import connect, united
from assembly_rl.methods.lcrl.find import estimated_graph, known_graph
from assembly_rl.methods.lcrl.graph import Graph
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.training.callbacks import ProgressBar

GRAPH = "graph.json"
"""In a run directory: the graph that the policy has; ``graph_<step>.json`` are all there were."""


def check(config: LCRLConfig, algo: AlgorithmConfig, states: tuple[str, ...]) -> None:
    """Raise an error where a training cannot have such a graph.

    Args:
        config: Of the method.
        algo: What learns.
        states: Names of the state components of the task.

    Raises:
        ValueError: It says what is wrong and what to do.
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
        fewest = FEWEST
        if config.edges in ("relevance", "both"):
            if not isinstance(algo, OffPolicyConfig):
                raise ValueError(
                    f"edges={config.edges} asks a critic of actions: use sac, td3 or ddpg, or edges=cs3"
                )
            fewest += algo.learning_starts  # the critic has to have learned
        if config.samples < fewest:
            raise ValueError(
                f"edges={config.edges} needs method.samples of at least {fewest} here, got {config.samples}"
            )


class GraphBuilder(BaseCallback):
    """Finds the graph when there are enough transitions; from then on the policy has its connections.

    The steps before are random, or of the policy with all connections; what they visited is learned from.

    Args:
        run: Where the graph goes.
        config: See there.
        seed: Of the training.
        bar: Shows what was found.
    """

    def __init__(self, run: RunDirectory, config: LCRLConfig, seed: int, bar: ProgressBar) -> None:
        super().__init__()
        self._folder, self._config, self._seed, self._bar = run.path, config, seed, bar

    def _on_training_start(self) -> None:
        self._visited = Visited(self.model, self._folder / "visited.safetensors")
        (names,) = self.training_env.env_method("get_wrapper_attr", "observation_names", indices=[0])
        self._states = tuple(names)
        self._due = self._next_after(self.num_timesteps)
        if not self._config.estimated and not (self._folder / GRAPH).is_file():
            self._use(self._known())

    def _next_after(self, step: int) -> float:
        """Step of the next estimate; a checkpoint has been taken after the estimate of its step."""
        if not self._config.estimated:
            return float("inf")
        if step < self._config.samples:
            return self._config.samples
        every = self._config.relearn_every
        return step - (step - self._config.samples) % every + every if every else float("inf")

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self._due:
            self._use(
                estimated_graph(
                    self._config, self.model, self._visited.transitions(), self._states, AXES, self._seed
                )
                if distributed.rank() == 0
                else None
            )
            self._due = self._next_after(self.num_timesteps)

    def _on_rollout_end(self) -> None:
        if isinstance(self.model, OnPolicyAlgorithm) and self._due < float("inf"):
            self._visited.add_rollout()

    def _on_step(self) -> bool:
        return True

    def _known(self) -> Graph:
        if self._config.graph is None:
            return known_graph(self._config.edges, self._states, AXES)
        return Graph.load(Path(self._config.graph))

    def _use(self, graph: Graph | None) -> None:
        """Connect the policy by the graph of the first process."""
        graph = Graph.from_content(json.loads(distributed.told(json.dumps(graph and graph.content()))))
        graph = replace(graph, edges=united(graph.edges, self.model.policy))
        connect(self.model, graph.edges, self._config.critics == "local")
        if isinstance(self.model, Learner):
            self.model.bind()
        graph.save(self._folder / GRAPH)
        if self._config.relearn_every:
            graph.save(self._folder / f"graph_{self.num_timesteps:09}.json")
        count = np.count_nonzero(graph.edges)
        self._bar.show(
            f"  step {self.num_timesteps:>7}: graph of {count} edges of {graph.edges.size} ({graph.source})"
        )

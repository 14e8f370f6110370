"""The graph of a training: built from its first steps, then given to its policy."""

import json
from pathlib import Path

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from assembly_rl.controllers.validation import AXES
from assembly_rl.devices import parallel
from assembly_rl.devices.learner import Learner
from assembly_rl.lcrl.config import LCRLConfig
from assembly_rl.lcrl.connections import connect
from assembly_rl.lcrl.estimate import FEWEST
from assembly_rl.lcrl.find import estimated_graph, known_graph
from assembly_rl.lcrl.graph import Graph
from assembly_rl.lcrl.visited import Visited
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.training import ProgressBar

GRAPH = "graph.json"
"""In a run directory: the graph that the policy has; ``graph_<step>.json`` are all there were."""


class GraphBuilder(BaseCallback):
    """Finds the graph when there are enough transitions; from then on the policy has its connections.

    The steps before are random, or of the policy with all connections; what they visited is learned from.

    Args:
        run: Where the graph goes.
        config: See there.
        seed: Of the training.
        bar: Shows what was found.

    Raises:
        RunError: The graph cannot be had from this training.
    """

    def __init__(self, run: RunDirectory, config: LCRLConfig, seed: int, bar: ProgressBar) -> None:
        super().__init__()
        self._folder, self._config, self._seed, self._bar = run.path, config, seed, bar

    def _on_training_start(self) -> None:
        self._visited = Visited(self.model, self._folder / "visited.npz")
        (names,) = self.training_env.env_method("get_wrapper_attr", "observation_names", indices=[0])
        self._states = tuple(names)
        self._check()
        self._due = self._next_after(self.num_timesteps)
        if not self._config.estimated and not (self._folder / GRAPH).is_file():
            self._use(self._known())

    def _check(self) -> None:
        if not self._config.estimated:
            return
        if self._config.samples < FEWEST:
            raise RunError(
                f"method.samples must be at least {FEWEST} to estimate, got {self._config.samples}"
            )
        if self._config.edges not in ("relevance", "both"):
            return
        if not isinstance(self.model, OffPolicyAlgorithm):
            raise RunError(f"edges={self._config.edges} needs a critic of actions: use sac, td3 or ddpg")
        if self._config.samples < self.model.learning_starts + FEWEST:
            raise RunError(
                f"edges={self._config.edges} asks a critic that has learned: method.samples must be at least "
                f"{self.model.learning_starts + FEWEST}, {FEWEST} more than algo.learning_starts; got "
                f"{self._config.samples}"
            )

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
                if parallel.rank() == 0
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
        graph = Graph.load(Path(self._config.graph))
        if (graph.states, graph.actions) != (self._states, AXES):
            missing = [name for name in self._states if name not in graph.states]
            unknown = [name for name in graph.states if name not in self._states]
            raise RunError(
                f"{self._config.graph} is a graph of other states than this task's: it lacks "
                f"{', '.join(missing) or 'none'}; it has besides {', '.join(unknown) or 'none'}"
            )
        return graph

    def _use(self, graph: Graph | None) -> None:
        """Connect the policy by the graph of the first process."""
        graph = Graph.from_content(json.loads(parallel.told(json.dumps(graph and graph.content()))))
        connect(self.model, graph.edges, self._config.critics == "local")
        if isinstance(self.model, Learner):
            self.model.bind()
        graph.save(self._folder / GRAPH)
        if self._config.relearn_every:
            graph.save(self._folder / f"graph_{self.num_timesteps:09}.json")
        density = np.count_nonzero(graph.edges)
        self._bar.show(
            f"  step {self.num_timesteps:>7}: graph of {density} edges of {graph.edges.size} ({graph.source})"
        )

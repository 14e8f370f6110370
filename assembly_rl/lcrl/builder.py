"""The graph of a training: built from its first steps, then given to its policy."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback

from assembly_rl.controllers.validation import AXES
from assembly_rl.devices.learner import Learner
from assembly_rl.lcrl.config import LCRLConfig
from assembly_rl.lcrl.connections import connect
from assembly_rl.lcrl.estimate import Transitions, estimate
from assembly_rl.lcrl.graph import Graph, from_influence, given, random_edges
from assembly_rl.lcrl.physics import physics_edges
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.training import ProgressBar


class GraphBuilder(BaseCallback):
    """Finds the graph when there are enough transitions; from then on the policy has its connections.

    The steps before are random, or of the policy with all connections; they stay in the replay buffer.

    Args:
        run: Where ``graph.json`` goes.
        config: See there.
        seed: Of the training.
        bar: Shows what was found.
    """

    def __init__(self, run: RunDirectory, config: LCRLConfig, seed: int, bar: ProgressBar) -> None:
        super().__init__()
        self._path, self._config, self._seed, self._bar = run.path / "graph.json", config, seed, bar
        self._steps: list[tuple[NDArray[np.float32], ...]] = []
        self._connected = False

    def _on_training_start(self) -> None:
        self._connected = self.num_timesteps >= self._config.samples  # a checkpoint has its masks
        if not self._connected and self._needs_no_samples():
            self._use(self._without_samples())

    def _needs_no_samples(self) -> bool:
        return self._config.graph is not None or self._config.edges != "cs3"

    def _without_samples(self) -> Graph:
        if self._config.graph is not None:
            graph = Graph.load(Path(self._config.graph))
            if (graph.states, graph.actions) != (self._states(), AXES):
                raise RunError(
                    f"{self._config.graph} is a graph of states {', '.join(graph.states)}; this task has "
                    f"{', '.join(self._states())}"
                )
            return graph
        physics = physics_edges(self._states(), AXES)
        edges = {
            "physics": physics,
            "random": random_edges(physics, np.random.default_rng(self._seed)),
            "all": np.ones_like(physics),
        }[self._config.edges]
        return given(edges, self._states(), AXES, self._config.edges)

    def _on_rollout_start(self) -> None:
        if not self._connected and self.num_timesteps >= self._config.samples:
            influence = estimate(self._transitions(), self._seed)
            self._use(
                from_influence(
                    influence,
                    self._states(),
                    AXES,
                    self.num_timesteps,
                    self._config.floor,
                    self._config.quantile,
                )
            )

    def _on_step(self) -> bool:
        return True

    def _transitions(self) -> Transitions:
        """Of the replay buffer, in the order of each environment's episodes."""
        buffer: Any = self.model.replay_buffer
        size = buffer.size()
        parts = [buffer.observations[:size], buffer.actions[:size], buffer.next_observations[:size]]
        states, actions, following = (np.concatenate(part.swapaxes(0, 1)) for part in parts)
        ends = np.concatenate(buffer.dones[:size].T) > 0.0
        ages = np.zeros(len(ends), dtype=np.int64)
        for row in range(1, len(ends)):
            ages[row] = 0 if ends[row - 1] or row % size == 0 else ages[row - 1] + 1
        return Transitions(states, actions, following - states, ages)

    def _states(self) -> tuple[str, ...]:
        (names,) = self.training_env.env_method("get_wrapper_attr", "observation_names", indices=[0])
        return tuple(names)

    def _use(self, graph: Graph) -> None:
        connect(self.model, graph.edges, self._config.critics == "local")
        if isinstance(self.model, Learner):
            self.model.bind()
        graph.save(self._path)
        self._connected = True
        self._bar.show(
            f"  step {self.num_timesteps:>7}: graph of {graph.edges.sum()} edges of {graph.edges.size} "
            f"({graph.source})"
        )

"""LCRL with PEAD in a training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm

from assembly_rl.learners.config import HiddenLayers
from assembly_rl.methods.lcrl.connections import connect, connected, shared_by_groups, split
from assembly_rl.methods.lcrl.method import LCRL, GraphPhases
from assembly_rl.methods.lcrl_pead.config import LCRLPEADConfig
from assembly_rl.methods.pead.extension import Extension
from assembly_rl.methods.pead.method import PEAD
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import Method, Phases, TrainingContext

Leading = NDArray[np.int64]


class LCRLPEAD(Method):
    """LCRL and PEAD combined: the action dimension is extended first, then the graph is estimated.

    Args:
        config: Configuration.
    """

    def __init__(self, config: LCRLPEADConfig) -> None:
        self._config, self._lcrl, self._pead = config, LCRL(config), PEAD(config)

    def check(self, config: TrainConfig, observation_names: tuple[str, ...]) -> None:
        """Run the checks of both methods."""
        self._lcrl.check(config, observation_names)
        self._pead.check(config, observation_names)

    def hidden_layers(self, layers: HiddenLayers, actions: int) -> HiddenLayers:
        """Return the layers of LCRL."""
        return self._lcrl.hidden_layers(layers, actions)

    def build(self, model: BaseAlgorithm) -> None:
        """Start in all dimensions and with all connections."""
        self._pead.build(model)
        self._lcrl.build(model)

    def first_kept_step(self, config: TrainConfig) -> int:
        """Return the step of the graph."""
        return self._lcrl.first_kept_step(config)

    def phases(self, context: TrainingContext) -> Phases:
        """Return the actions of the method during a training."""

        def reconnect(before: Leading | None, after: Leading | None) -> None:
            if before is not None and after is not None:
                split(context.model, before, after)
            edges = shared_by_groups(connected(context.model), context.model.policy)
            connect(context.model, edges, self._config.critics)

        extension = Extension(self._config, context, reconnect)
        return _Both(extension, GraphPhases(self._config, context))


class _Both(Phases):
    """Phases of two methods, one after the other."""

    def __init__(self, *phases: Phases) -> None:
        self._phases = phases

    def begin(self) -> None:
        for phases in self._phases:
            phases.begin()

    def after_load(self) -> None:
        for phases in self._phases:
            phases.after_load()

    def before_rollout(self) -> None:
        for phases in self._phases:
            phases.before_rollout()

    def after_step(self, infos: Sequence[dict[str, Any]]) -> None:
        for phases in self._phases:
            phases.after_step(infos)

    def after_rollout(self) -> None:
        for phases in self._phases:
            phases.after_rollout()

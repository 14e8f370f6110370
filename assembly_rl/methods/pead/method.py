"""PEAD in a training."""

from stable_baselines3.common.base_class import BaseAlgorithm

from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.methods.pead.extension import Extension, stages_of
from assembly_rl.methods.pead.grouping import FULL
from assembly_rl.methods.pead.policy import regroup
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import Method, Phases, TrainingContext


class PEAD(Method):
    """Progressive extension of the action dimension.

    Args:
        config: Configuration.
    """

    def __init__(self, config: PEADConfig) -> None:
        self._config = config

    def check(self, config: TrainConfig, observation_names: tuple[str, ...]) -> None:
        """Refuse stages that do not extend each other."""
        stages_of(self._config, config.task.action.scale, config.seed)

    def build(self, model: BaseAlgorithm) -> None:
        """Start with each action component as a separate dimension."""
        regroup(model, FULL)

    def phases(self, context: TrainingContext) -> Phases:
        """Return the actions of the method during a training."""
        return Extension(self._config, context)

"""A method: a smaller actor, whose exploration noise is halved step by step."""

from dataclasses import dataclass
from typing import ClassVar

from assembly_rl.controllers.validation import InputError, require_positive
from assembly_rl.learners.config import HiddenLayers, OffPolicyConfig
from assembly_rl.learners.off_policy import Learner
from assembly_rl.runs import RowLog
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import Method, MethodConfig, Phases, TrainingContext, register_method


class FadingNoise(Method):
    """Hooks of the method."""

    def check(self, config: TrainConfig, observation_names: tuple[str, ...]) -> None:
        if not isinstance(config.algo, OffPolicyConfig):
            raise InputError(f"method=fading_noise needs algo=sac, td3 or ddpg, got {config.algo.name}")
        if self._config.every >= config.steps:
            raise InputError(f"method.every must be less than steps={config.steps}, got {self._config.every}")

    def hidden_layers(self, layers: HiddenLayers, actions: int) -> HiddenLayers:
        first, *others = layers.actor
        return HiddenLayers([max(1, first // 2), *others], layers.critic)

    def phases(self, context: TrainingContext) -> Phases:
        return NoiseSchedule(self._config.every, context)


class NoiseSchedule(Phases):
    """Halves the noise of the actions, and writes ``noise.csv`` into the run."""

    def __init__(self, every: int, context: TrainingContext) -> None:
        assert isinstance(context.model, Learner)
        self._every, self._model = every, context.model
        self._rows = RowLog(context.run.path / "noise.csv", ("scale",))
        self._stage = -1

    def after_load(self) -> None:
        step = self._model.num_timesteps
        self._use(step // self._every)  # a checkpoint does not hold the scale of the noise

    def before_rollout(self) -> None:
        step = self._model.num_timesteps
        if step // self._every != self._stage:
            self._use(step // self._every)
            self._rows.append(step, {"scale": self._model.noise_scale})

    def _use(self, stage: int) -> None:
        self._stage = stage
        self._model.noise_scale = 0.5**stage


@dataclass
class FadingNoiseConfig(MethodConfig):
    """Configuration of the method.

    Attributes:
        every: Policy steps after which the noise is halved.
    """

    implementation: ClassVar[str | type[Method]] = FadingNoise

    name: str = "fading_noise"
    every: int = 5000

    def __post_init__(self) -> None:
        require_positive(self, "every")


register_method("fading_noise", FadingNoiseConfig)

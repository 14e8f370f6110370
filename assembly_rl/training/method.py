"""Interface of learning methods.

A method consists of a dataclass ``MethodConfig``, selected in the configuration, and of the ``Method`` that
it creates, whose hooks the training calls. The hooks of the base class change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar

from assembly_rl.controllers.registry import Registry
from assembly_rl.learners.config import HiddenLayers, require_widths
from assembly_rl.runs.directory import RunDirectory

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from assembly_rl.training.config import TrainConfig


@dataclass
class MethodConfig:
    """Configuration of a method; a subclass adds its fields.

    Attributes:
        name: Name of the method.
    """

    implementation: ClassVar[str | type[Method]] = f"{__name__}:Method"
    """Class of the method, or ``module:name`` of a factory that is imported when it is needed."""

    name: str = "dense"

    @property
    def starts_trained(self) -> bool:
        """True if a training starts from a trained policy."""
        return False

    def sources_digest(self) -> str:
        """Return a hash (hex) of the files that a training depends on; empty without any."""
        return ""

    def check(self, training: TrainConfig) -> None:
        """Check that the method is compatible with the rest of a training's configuration.

        Raises:
            ValueError: The method is not compatible; the message says what to change.
        """

    def create(self) -> Method:
        """Create the method for one training."""
        factory: Any = self.implementation
        method: Method = (resolve_name(factory) if isinstance(factory, str) else factory)(self)
        return method

    def for_student(self, source: RunDirectory) -> MethodConfig:
        """Return the method for a student whose teacher was trained with this one.

        Args:
            source: Run of the teacher.
        """
        return DenseConfig()


@dataclass
class DenseConfig(MethodConfig):
    """One network for all action components, with all connections.

    Attributes:
        actor: Widths of the actor's hidden layers; by default those of the algorithm's ``network``.
    """

    implementation: ClassVar[str | type[Method]] = f"{__name__}:Dense"

    actor: list[int] | None = None

    def __post_init__(self) -> None:
        if self.actor is not None:
            require_widths("method.actor", self.actor)

    def for_student(self, source: RunDirectory) -> MethodConfig:
        """Return the same method."""
        return DenseConfig(actor=self.actor)


@dataclass(frozen=True)
class TrainingContext:
    """Access of a method to a training.

    Attributes:
        run: Directory of the run, in which a method may write its own files.
        config: Configuration.
        model: Model that learns.
        observation_names: Name of each component of the observation.
        show: Function that prints a line of text for the user.
    """

    run: RunDirectory
    config: TrainConfig
    model: BaseAlgorithm
    observation_names: tuple[str, ...]
    show: Callable[[str], None]


class Phases:
    """Actions of a method during a training.

    A training runs ``begin`` or ``after_load``; then, until its last step, ``before_rollout``, ``after_step``
    for each step of the environments, ``after_rollout``, and the updates of the learner. A checkpoint is
    taken after ``before_rollout``: files and rows that a method has written by then belong to it.
    """

    def begin(self) -> None:
        """Act before the first rollout of a new training."""

    def after_load(self) -> None:
        """Act before the first rollout of a training resumed from a checkpoint, instead of ``begin``."""

    def before_rollout(self) -> None:
        """Act before transitions are collected; the networks may be changed here."""

    def after_step(self, infos: Sequence[dict[str, Any]]) -> None:
        """Act after a step of all environments.

        Args:
            infos: Info of each environment.
        """

    def after_rollout(self) -> None:
        """Act after transitions are collected, before the updates that learn from them."""


class Method:
    """Hooks of a learning method, in the order in which a training calls them.

    Args:
        config: Configuration of the method.
    """

    def __init__(self, config: MethodConfig) -> None:
        self._config: Any = config

    def configure(self, config: TrainConfig) -> TrainConfig:
        """Return the complete configuration of the training; called once, before the run exists.

        Raises:
            ValueError: Configuration or sources cannot be used.
        """
        return config

    def check(self, config: TrainConfig, observation_names: tuple[str, ...]) -> None:
        """Check a configuration against the environment, before the run exists.

        Raises:
            ValueError: They are not compatible; the message says what to change.
        """

    def created(self, run: RunDirectory) -> None:
        """Write the files that the training depends on into the directory of a new run.

        The run gets its final path when all methods have done so; until then it is in a hidden folder.
        """

    def hidden_layers(self, layers: HiddenLayers, actions: int) -> HiddenLayers:
        """Return the hidden layers of the networks.

        Args:
            layers: Layers from the algorithm's configuration.
            actions: Number of action components.
        """
        return layers

    def build(self, model: BaseAlgorithm) -> None:
        """Change a new model, before a checkpoint is loaded into it."""

    def first_kept_step(self, config: TrainConfig) -> int:
        """Return the step after which a validated policy may become the best one."""
        return 0

    def phases(self, context: TrainingContext) -> Phases:
        """Return the actions of the method during a training."""
        return Phases()


class Dense(Method):
    """One network for all action components."""

    def __init__(self, config: DenseConfig) -> None:
        self._config = config

    def hidden_layers(self, layers: HiddenLayers, actions: int) -> HiddenLayers:
        """Return the hidden layers of the networks, with the actor's widths from the configuration."""
        return HiddenLayers(list(self._config.actor or layers.actor), layers.critic)


METHODS: Registry[type[MethodConfig]] = Registry("method")


def register_method(name: str, config: type[MethodConfig]) -> None:
    """Register a method under its name in ``method.name``.

    Args:
        name: Name of the method.
        config: Configuration, a dataclass whose ``name`` defaults to that name.

    Raises:
        ValueError: Another method has the name.
    """
    METHODS.register(name, config)


register_method("dense", DenseConfig)

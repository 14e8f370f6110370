"""Order of the phases of a training."""

from collections.abc import Sequence

from stable_baselines3.common.callbacks import BaseCallback

from assembly_rl.runs import Checkpointer
from assembly_rl.training.episode_log import EpisodeLog
from assembly_rl.training.method import Phases
from assembly_rl.training.progress import TrainingProgress
from assembly_rl.training.speed import SpeedLog
from assembly_rl.training.validation import Validation


class TrainingLoop(BaseCallback):
    """Callback that runs the phases of a training in stable-baselines3's loop of rollouts and updates.

    Before a rollout the learner's time ends, the methods act, and a checkpoint is taken if due. After a step
    the methods act, finished episodes are logged, and a validation runs if due. After a rollout the learner's
    time begins, and the methods act.

    Args:
        methods: Phases of the methods, in the order of their actions.
        checkpointer: Callback that saves checkpoints and stops the training at a signal.
        episodes: Log of the training episodes.
        validation: Validation; None in processes that only learn.
        speed: Log of the training speed.
        progress: Display of the progress.
    """

    def __init__(
        self,
        methods: Sequence[Phases],
        checkpointer: Checkpointer,
        episodes: EpisodeLog,
        validation: Validation | None,
        speed: SpeedLog,
        progress: TrainingProgress,
    ) -> None:
        super().__init__()
        self._methods, self._checkpointer, self._episodes = list(methods), checkpointer, episodes
        self._validation, self._speed, self._progress = validation, speed, progress

    @property
    def validation_time(self) -> float:
        """Time spent in validations so far [s]."""
        return self._validation.seconds if self._validation is not None else 0.0

    def _init_callback(self) -> None:
        self._checkpointer.init_callback(self.model)

    def _on_training_start(self) -> None:
        self._speed.begin(self.model)
        self._checkpointer.on_training_start(self.locals, self.globals)
        if self._validation is not None:
            self._validation.begin(self.model)

    def _on_rollout_start(self) -> None:
        self._speed.learning_ended(self.model, self.logger, self.validation_time)
        for phases in self._methods:
            phases.before_rollout()
        self._speed.method_ended()
        self._checkpointer.on_rollout_start()

    def _on_step(self) -> bool:
        infos = self.locals["infos"]
        for phases in self._methods:
            phases.after_step(infos)
        goes_on = self._checkpointer.on_step()
        self._episodes.add(self.num_timesteps, infos, self.logger)
        if self._validation is not None:
            self._validation.after_step(self.model)
        self._progress.update(self.num_timesteps)
        return goes_on

    def _on_rollout_end(self) -> None:
        self._speed.rollout_ended(self.model)
        for phases in self._methods:
            phases.after_rollout()
        self._checkpointer.on_rollout_end()

    def _on_training_end(self) -> None:
        self._speed.learning_ended(self.model, self.logger, self.validation_time)
        self._checkpointer.on_training_end()

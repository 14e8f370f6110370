"""Times of checkpoints, stop of a training by a signal, and its continuation."""

import signal
import threading
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList

from assembly_rl.accelerators.distributed import any_process
from assembly_rl.controllers.validation import InputError
from assembly_rl.runs.checkpoint import save_checkpoint
from assembly_rl.runs.directory import RunDirectory
from assembly_rl.runs.resume import rows_of
from assembly_rl.runs.states import get_streams, set_streams


class Checkpointer(BaseCallback):
    """Callback that saves checkpoints during training and turns signals into a clean stop.

    Use it as a context manager around `learn_until`. SIGTERM or Ctrl-C then ends the training after the
    present rollout, its updates and a checkpoint; a second Ctrl-C raises KeyboardInterrupt at once.
    Checkpoints are saved only at the start of rollouts: in ``_on_step`` the environment is one transition
    ahead of the replay buffer.

    Attributes:
        interrupted: True if a signal ended the training before its last step.
    """

    def __init__(self, run: RunDirectory, every: int, keep: int = 2) -> None:
        """Initialise the callback.

        Args:
            run: Directory of the run.
            every: Policy steps between checkpoints.
            keep: Number of newest checkpoints to keep.
        """
        super().__init__()
        if every < 1 or keep < 1:
            raise InputError(f"every and keep must be at least 1, got every={every} and keep={keep}")
        self.run = run
        self.every = every
        self.keep = keep
        self.interrupted = False
        self._signalled = False
        self._collecting = False
        self._saved: int | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Checkpointer":
        if threading.current_thread() is threading.main_thread():  # Python allows handlers only there
            for number in (signal.SIGTERM, signal.SIGINT):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._previous:
            number, handler = self._previous.popitem()
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # Only a second Ctrl-C interrupts at once: tools such as timeout(1) send SIGTERM twice.
        if number == signal.SIGINT and self._signalled:
            raise KeyboardInterrupt
        self._signalled = True

    def _on_training_start(self) -> None:
        step = self.model.num_timesteps
        self._saved = step if self.run.checkpoint(step).is_dir() else None

    def _on_rollout_start(self) -> None:
        self._collecting = True
        # The first one is saved, too, so that a state that cannot be saved fails now, not hours later.
        stop = any_process(self._signalled)
        due = self._saved is None or self.model.num_timesteps // self.every > self._saved // self.every
        if due or stop:
            self._save()
        self.interrupted = stop

    def _on_step(self) -> bool:
        return not self.interrupted

    def _on_rollout_end(self) -> None:
        self._collecting = False

    def _on_training_end(self) -> None:
        # The state after a rollout that a callback has stopped is not consistent.
        if not self._collecting:
            self._save()

    def _save(self) -> None:
        step = self.model.num_timesteps
        if step != self._saved:
            save_checkpoint(self.model, self.run.checkpoint(step), rows_of(self.run))
            self.run.prune(self.keep)
            self._saved = step


class _RestoreStreams(BaseCallback):
    """Callback that reverts a side effect of ``learn``: it resets action noise and redraws gSDE noise."""

    def __init__(self, model: BaseAlgorithm) -> None:
        super().__init__()
        self._streams = get_streams(model)
        self._pending = True

    def _on_rollout_start(self) -> None:
        if self._pending:
            set_streams(self.model, *self._streams)
            self._pending = False

    def _on_step(self) -> bool:
        return True


def learn_until(
    model: BaseAlgorithm, total_timesteps: int, callbacks: Sequence[BaseCallback] = (), **options: Any
) -> None:
    """Train a new or restored model up to ``total_timesteps`` steps, counted from its beginning.

    Args:
        model: Model; one that `load_checkpoint` has just restored continues as if it
            had never stopped.
        total_timesteps: Policy steps of the whole training, including those already done.
        callbacks: Callbacks, called in this order.
        **options: Further arguments of the model's ``learn``.
    """
    first = [_RestoreStreams(model)] if model._last_obs is not None else []
    remaining = total_timesteps - model.num_timesteps
    # Without the reset, schedules cover the whole training and continue.
    model.learn(remaining, CallbackList([*first, *callbacks]), reset_num_timesteps=False, **options)

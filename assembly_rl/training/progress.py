"""Display of a training: a progress bar with the success rate of recent episodes, and lines above it."""

from collections import deque
from types import TracebackType

from rich.console import Console

from assembly_rl.reports.progress import progress_bar

WINDOW = 100
"""Number of training episodes in the displayed success rate."""


class TrainingProgress:
    """Display of a training's progress on a console.

    Args:
        steps: Policy steps of the training.
        console: Console; a quiet one shows nothing.
    """

    def __init__(self, steps: int, console: Console) -> None:
        self._progress = progress_bar(console, transient=False, unit="steps")
        self._task = self._progress.add_task("training", total=steps)
        self._latest: deque[bool] = deque(maxlen=WINDOW)

    def __enter__(self) -> "TrainingProgress":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def count_episode(self, success: bool) -> None:
        """Count a training episode."""
        self._latest.append(success)

    def show(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(text)

    def update(self, step: int) -> None:
        """Show the number of policy steps done."""
        share = f", {100 * sum(self._latest) / len(self._latest):.0f} % succeed" if self._latest else ""
        self._progress.update(self._task, completed=step, description=f"training{share}")

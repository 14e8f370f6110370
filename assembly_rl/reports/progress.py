"""Progress bar of all commands; lines from time to time where there is no terminal."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

SPEED_PERIOD = 1800.0
"""Longest averaging time of the speed for the remaining time [s]: cells of a study take minutes."""
LINE_PERIOD = 10.0
"""Time between lines where the output is not a terminal [s]."""


class _LinesOrBar(Progress):
    """Progress bar; where the output is a file or a pipe, which shows no bar, a line every ten seconds."""

    _line_due = float("inf")
    unit = ""

    def start(self) -> None:
        """Start the display."""
        if not (self.console.is_terminal or self.console.is_jupyter):
            self._line_due = time.monotonic() + LINE_PERIOD
        super().start()

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Update a task."""
        super().update(task_id, **changes)
        self._print_if_due(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Advance a task."""
        super().advance(task_id, advance)
        self._print_if_due(task_id)

    def _print_if_due(self, task_id: TaskID) -> None:
        if time.monotonic() < self._line_due:
            return
        self._line_due = time.monotonic() + LINE_PERIOD
        task = next(task for task in self.tasks if task.id == task_id)
        of = "" if task.total is None else f" of {task.total:,.0f}"
        left = f", {task.time_remaining:.0f} s left" if task.time_remaining else ""
        self.console.print(
            f"{task.description}: {task.completed:,.0f}{of}{self.unit}{left}", highlight=False, markup=False
        )


def progress_bar(console: Console, transient: bool = True, unit: str = "") -> Progress:
    """Create a bar with description, count, and remaining time; at the end, elapsed time.

    Args:
        console: Console of the bar.
        transient: True to remove the bar at the end.
        unit: Name of what is counted, shown behind the count.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(24),
        MofNCompleteColumn(),
        *([TextColumn(unit)] if unit else []),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    bar = _LinesOrBar(
        *columns,
        console=console,
        transient=transient,
        refresh_per_second=4,
        speed_estimate_period=SPEED_PERIOD,
    )
    bar.unit = f" {unit}" if unit else ""
    return bar

"""Progress bar of all commands."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SPEED_PERIOD = 1800.0
"""Longest time over which the speed is averaged for the time left [s]: cells of a study take minutes."""


def progress_bar(console: Console, transient: bool = True) -> Progress:
    """Make a bar with description, count, and the time left; at the end, the time taken.

    Args:
        console: Console that it is drawn on.
        transient: Remove the bar when it is done.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    return Progress(
        *columns,
        console=console,
        transient=transient,
        refresh_per_second=4,
        speed_estimate_period=SPEED_PERIOD,
    )

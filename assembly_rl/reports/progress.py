"""Progress bar of all commands."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SPEED_PERIOD = 1800.0
"""Longest averaging time of the speed for the remaining time [s]: cells of a study take minutes."""


def progress_bar(console: Console, transient: bool = True) -> Progress:
    """Create a bar with description, count, and remaining time; at the end, elapsed time.

    Args:
        console: Console of the bar.
        transient: True to remove the bar at the end.
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

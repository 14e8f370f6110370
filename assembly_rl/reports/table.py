"""Table of several controllers side by side."""

from math import isnan

from rich import box
from rich.table import Table
from rich.text import Text

from assembly_rl.evaluation import Summary


def comparison_table(entries: list[tuple[str, str, Summary]]) -> Table:
    """Create a table with a row for each controller and condition, at most 100 columns wide.

    Args:
        entries: Controller, condition (such as "square 0.10 mm, friction 0.2") and summary of its episodes.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left", padding=(0, 1, 0, 0))
    table.add_column("controller", overflow="fold", min_width=10, max_width=18)
    table.add_column("condition", overflow="fold", min_width=19, max_width=28)
    for name in ("success\n95 % interval", "time\n[s]", "force\n[N]", "p95\n[N]", "moment\n[Nm]"):
        table.add_column(Text(name), justify="right", no_wrap=True)
    table.add_column("results", overflow="fold", min_width=14)
    table.add_column(Text("certif.\nfailed"), justify="right", no_wrap=True)
    for controller, condition, summary in entries:
        low, high = summary.interval
        table.add_row(
            Text(controller),
            Text(condition),
            f"{100 * summary.success:.1f} %\n{100 * low:.1f} - {100 * high:.1f}",
            "-" if isnan(summary.time) else f"{summary.time:.2f}",
            f"{summary.peak_force:.1f}",
            f"{summary.force_p95:.1f}",
            f"{summary.peak_moment:.2f}",
            "\n".join(f"{count} {result.replace('_', ' ')}" for result, count in summary.results.items()),
            f"{summary.certificates_failed}",
        )
    table.caption = (
        "Medians over episodes: time of the successes, largest force, 95th percentile of the force, largest "
        "moment. Certif. failed: episodes whose contacts penetrated too deep to say anything about the fit."
    )
    return table

"""Display of a connection graph: a table for the terminal, and a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from rich import box
from rich.table import Table
from rich.text import Text

from assembly_rl.methods.lcrl.graph import Graph
from assembly_rl.reports.style import BLUE, GREY, INK, LIGHT, SKY, new_figure, save

Rows = Sequence[Mapping[str, Any]]

ROW_HEIGHT = 0.2
WIDEST = 7.0
"""Line width of an edge with influence 1 [pt]."""


def graph_table(graph: Graph, ablation: Rows = ()) -> Table:
    """Return a table of influences, those of edges in bold, with the success lost without an edge.

    Args:
        graph: Graph.
        ablation: Rows of ``assembly_rl.methods.lcrl.ablation``.
    """
    lost = {(row["state"], row["action"]): row for row in ablation}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left", padding=(0, 1, 0, 0))
    table.add_column("state")
    for action in graph.actions:
        table.add_column(action, justify="right", no_wrap=True)
    for row, state in enumerate(graph.states):
        cells = []
        for column, action in enumerate(graph.actions):
            text = f"{graph.influence[row, column]:.2f}"
            if not graph.edges[row, column]:
                cells.append(Text(text, style="dim"))
                continue
            cell = Text(f"[{text}]", style="bold")
            if (state, action) in lost:
                cell.append(f" {_points(float(lost[state, action]['success_lost']))}", style="yellow")
            cells.append(cell)
        table.add_row(Text(state), *cells)
    table.caption = f"[0.50]: an edge, {_unit(graph)}."
    if ablation:
        table.caption += " Behind it: percentage points of success when the edge is cut."
    return table


def _points(lost: float) -> str:
    """Format a loss of success as a change in percentage points."""
    change = round(-100.0 * lost)
    return f"{change:+d}" if change else "0"


def _unit(graph: Graph) -> str:
    if graph.source == "endogenous":
        return "with the correlation of the action with the component's change, or of their magnitudes"
    if graph.samples == 0:
        return "given, not estimated"
    return "with the influence on the component, in standard deviations of its change"


def plot_graph(graph: Graph, path: Path, title: str, ablation: Rows = ()) -> None:
    """Draw influences as a heat map, the edges between components, and the loss without each edge.

    The width of an edge is the lower end of its interval, that of its halo the upper end.

    Args:
        graph: Graph.
        path: File of the picture; its suffix selects the format.
        title: Title of the picture.
        ablation: Rows of ``assembly_rl.methods.lcrl.ablation``; without any, there is no third part.
    """
    count = len(graph.states)
    ratios = [1.0, 1.3, 1.0] if ablation else [1.0, 1.3]
    figure = new_figure(4.2 * sum(ratios), 1.8 + ROW_HEIGHT * count)
    figure.suptitle(title, color=INK, fontsize=13, fontweight="bold")
    axes = list(figure.subplots(1, len(ratios), gridspec_kw={"width_ratios": ratios}))
    _draw_heat_map(axes[0], graph)
    _draw_edges(axes[1], graph)
    if ablation:
        _draw_ablation(axes[2], graph, ablation)
    save(figure, path)


def _grid(axes: Axes, graph: Graph, title: str) -> None:
    axes.set_title(title, color=INK, fontsize=10, loc="left")
    axes.set_xticks(range(len(graph.actions)), graph.actions)
    axes.set_yticks(range(len(graph.states)), graph.states, fontsize=7)
    axes.tick_params(colors=INK, length=0.0)
    axes.xaxis.tick_top()
    axes.spines[:].set_visible(False)


def _draw_heat_map(axes: Axes, graph: Graph) -> None:
    top = max(float(graph.influence.max()), 1e-9)
    axes.imshow(graph.influence, cmap="Blues", vmin=0.0, vmax=top, aspect="auto")
    for row, column in np.argwhere(graph.edges):
        value = graph.influence[row, column]
        ink = "white" if value > 0.6 * top else INK
        axes.text(column, row, f"{value:.2f}", color=ink, ha="center", va="center", fontsize=6.5)
    _grid(axes, graph, "influence; numbers: edges")


def _draw_edges(axes: Axes, graph: Graph) -> None:
    count, actions = len(graph.states), len(graph.actions)
    heights = np.linspace(0.08, 0.92, actions) * (count - 1)
    scale = WIDEST / max(1.0, float(graph.high[graph.edges].max()))
    for row, column in np.argwhere(graph.edges):
        ends = [0.0, 1.0], [float(row), float(heights[column])]
        low, high = max(0.0, graph.low[row, column]), graph.high[row, column]
        axes.plot(*ends, color=SKY, linewidth=scale * high, alpha=0.35, solid_capstyle="butt")
        axes.plot(*ends, color=BLUE, linewidth=max(0.4, scale * low), solid_capstyle="butt")
    seen = np.any(graph.edges, axis=1, keepdims=True)[:, 0]
    for row, name in enumerate(graph.states):
        colour = INK if seen[row] else GREY
        axes.plot(0.0, row, "o", color=colour, markersize=3.5 if seen[row] else 2.0)
        axes.text(-0.04, row, name, color=colour, ha="right", va="center", fontsize=7)
    for height, name in zip(heights, graph.actions, strict=True):
        axes.plot(1.0, height, "o", color=INK, markersize=7)
        axes.text(1.05, height, name, color=INK, va="center", fontweight="bold")
    axes.set_xlim(-0.55, 1.2)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_title(
        f"{graph.edges.sum()} edges of {graph.edges.size}: state to action", color=INK, fontsize=10
    )
    axes.axis("off")


def _draw_ablation(axes: Axes, graph: Graph, ablation: Rows) -> None:
    lost = np.full(graph.edges.shape, np.nan)
    for row in ablation:
        lost[graph.states.index(row["state"]), graph.actions.index(row["action"])] = row["success_lost"]
    top = max(0.05, float(np.nanmax(np.abs(lost))))
    axes.imshow(np.zeros_like(lost), cmap="Greys", vmin=0.0, vmax=10.0, aspect="auto")
    axes.imshow(-lost, cmap="RdBu", norm=TwoSlopeNorm(0.0, -top, top), aspect="auto")
    for row, column in np.argwhere(np.isfinite(lost)):
        value = -100.0 * lost[row, column]
        ink = "white" if abs(value) > 60.0 * top else INK
        axes.text(column, row, _points(lost[row, column]), color=ink, ha="center", va="center", fontsize=6.5)
    axes.set_facecolor(LIGHT)
    _grid(axes, graph, "success when an edge is cut [percentage points]")

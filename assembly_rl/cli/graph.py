"""assembly-rl-graph: show the inputs of each action component, their origin, and the value of each edge."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig
from rich.console import Console
from scipy.stats import spearmanr

from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import GraphConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.controllers.mlp import MLP
from assembly_rl.evaluation import Evaluator, LearnedPolicy, Scenario
from assembly_rl.methods.cs3.branches import reference
from assembly_rl.methods.lcrl.ablation import Edge, Row, ablate, edges_of, seen
from assembly_rl.methods.lcrl.config import GRAPH_FILE
from assembly_rl.methods.lcrl.graph import Graph
from assembly_rl.methods.lcrl.report import graph_table, plot_graph
from assembly_rl.reports.progress import progress_bar
from assembly_rl.runs import RowLog, RunDirectory, RunError
from assembly_rl.runs.files import replacing, write_json, writing
from assembly_rl.runs.folders import require_own_files
from assembly_rl.runs.lock import FolderLock
from assembly_rl.training.loading import load_policy, read_config

COLUMNS = (
    "state", "action", "episodes", "success",
    "success_lost", "success_low", "success_high", "reward_lost", "reward_low", "reward_high",
)  # fmt: skip


def show(config: GraphConfig, console: Console) -> None:
    """Show a run's graph; if configured, also its ablation and the reference estimate."""
    run = RunDirectory.open(Path(config.run))
    settings = read_config(run)
    graph = Graph.load(run.path / GRAPH_FILE)
    scenario = Scenario(settings.geometry.part(), settings.task)
    rows: list[Row] = []
    if config.episodes:
        policy = load_policy(run)
        graph = _graph_of(policy.actor, run, graph)
        rows = _ablation(config, run, policy, graph, scenario, console)
    console.print(graph_table(graph, rows))
    picture = run.figures / "graph.png"
    require_own_files(run.path)
    with writing(picture):
        run.figures.mkdir(exist_ok=True)
        with replacing(picture) as partial:
            plot_graph(graph, partial, run.path.name, rows)
    console.print(f"graph: {run.path / GRAPH_FILE}  picture: {picture}", markup=False)
    if config.reference:
        _compare(config, run, graph, scenario, console)


def _graph_of(actor: MLP, run: RunDirectory, latest: Graph) -> Graph:
    """Return the graph of the best policy, which may be earlier than the latest one."""
    connected = seen(actor, len(latest.actions))
    earlier = [Graph.load(path) for path in sorted(run.path.glob("graph_*.json"), reverse=True)]
    for graph in (latest, *earlier):
        if not (connected & ~graph.edges).any():
            return graph
    raise RunError(f"{run.path}: its best policy has connections that are not in its graph")


def _ablation(
    config: GraphConfig,
    run: RunDirectory,
    policy: LearnedPolicy,
    graph: Graph,
    scenario: Scenario,
    console: Console,
) -> list[Row]:
    """Return the rows of all edges; those of an interrupted ablation are reused."""
    weights = hashlib.sha256(b"".join(part.tobytes() for layer in policy.actor.layers for part in layer[:2]))
    path = run.path / f"ablation_{config.episodes}_{weights.hexdigest()[:10]}.csv"
    edges = edges_of(graph)
    with FolderLock(f".{path.stem}.lock").holding(run.path):
        return _ablated(config, RowLog(path, COLUMNS, console.print), policy, graph, edges, scenario, console)


def _ablated(
    config: GraphConfig,
    log: RowLog,
    policy: LearnedPolicy,
    graph: Graph,
    edges: list[Edge],
    scenario: Scenario,
    console: Console,
) -> list[Row]:
    known = {int(row["step"]) for row in log}
    with Evaluator(config.processes) as evaluator, progress_bar(console) as bar:
        progress = bar.add_task("edges cut", total=len(edges), completed=len(known))
        left = [number for number in range(len(edges)) if number not in known]

        def done(number: int, row: Row) -> None:
            log.append(number, row)
            bar.advance(progress)

        ablate(
            evaluator,
            scenario,
            policy,
            graph,
            {number: edges[number] for number in left},
            config.episodes,
            done,
        )
    console.print(f"ablation: {log.path}", markup=False)
    return list(log)


def _compare(
    config: GraphConfig, run: RunDirectory, graph: Graph, scenario: Scenario, console: Console
) -> None:
    """Estimate CS3 from simulator branches, and print its agreement with the graph."""
    with progress_bar(console) as bar:
        progress = bar.add_task("states branched", total=config.reference)
        values = reference(
            scenario, config.reference, config.processes, lambda done: bar.update(progress, completed=done)
        )
    found = agreement(graph, values.mean(0))
    write_json(run.path / "reference.json", {"format": 1, "influence": values.mean(0).tolist(), **found})
    console.print(
        f"reference from {config.reference} branched states: correlation {found['pearson']:.2f}, rank "
        f"correlation {found['spearman']:.2f}; of the edges that either has, both have "
        f"{found['jaccard']:.0%} ({run.path / 'reference.json'})",
        highlight=False,
    )


def agreement(graph: Graph, influence: NDArray[np.float64]) -> dict[str, float]:
    """Compute the agreement of a graph with a reference influence (states, actions).

    The reference has an edge where its influence exceeds the graph's threshold.
    """
    other = influence > graph.threshold
    return {
        "pearson": float(np.corrcoef(graph.influence.ravel(), influence.ravel())[0, 1]),
        "spearman": float(spearmanr(graph.influence.ravel(), influence.ravel()).statistic),
        "jaccard": float((other & graph.edges).sum() / (other | graph.edges).sum()),
        "only_graph": int((graph.edges & ~other).sum()),
        "only_reference": int((other & ~graph.edges).sum()),
    }


def _job(values: DictConfig) -> None:
    show(checked(values, GraphConfig), console())


def main() -> None:
    """Run the command."""
    command("graph", _job)


if __name__ == "__main__":
    main()

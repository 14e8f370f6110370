"""Remove the inputs of a trained policy one after the other, the least important first.

    python scripts/fewest_inputs.py <run> --output rows.csv

The importance of an input is the reward that a policy with local connections loses when all edges of the
input are cut, on validation episodes. Then the most important ones are kept, fewer and fewer, on held-out
episodes.
A row of the file is a number of inputs with the policy's success.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assembly_rl.controllers.mlp import MLP
from assembly_rl.evaluation import HELD_OUT_SEED, VALIDATION_SEED, Evaluator, LearnedPolicy, Scenario
from assembly_rl.methods.lcrl.config import GRAPH_FILE
from assembly_rl.methods.lcrl.graph import Graph
from assembly_rl.runs import RunDirectory
from assembly_rl.training.loading import load_policy, read_config

SHARES = (1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1)
"""Shares of the inputs that are kept."""


def without(actor: MLP, states: Sequence[int]) -> MLP:
    """Return an actor that receives zero in place of some state components."""
    (weight, bias, activation), *others = actor.layers
    weight = weight.copy()
    weight[:, list(states)] = 0.0
    return MLP([(weight, bias, activation), *others])


def main() -> None:
    """Rank the inputs, evaluate the policy with fewer and fewer of them, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--ranking", type=int, default=20, help="episodes of each ranked input")
    parser.add_argument("--episodes", type=int, default=200, help="episodes of each row")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    run = RunDirectory.open(arguments.run)
    settings, policy = read_config(run), load_policy(run)
    graph = Graph.load(run.path / GRAPH_FILE)
    scenario = Scenario(settings.geometry.part(), settings.task)
    seen: list[int] = np.flatnonzero(graph.edges.any(1)).tolist()
    with Evaluator(arguments.processes) as evaluator:

        def evaluate(cut: Sequence[int], episodes: int, seed: int) -> tuple[float, float]:
            rows = evaluator.evaluate(scenario, LearnedPolicy(without(policy.actor, cut)), episodes, seed)
            means = [np.mean([float(row[name]) for row in rows]) for name in ("success", "reward")]
            return float(means[0]), float(means[1])

        rewards = [evaluate([state], arguments.ranking, VALIDATION_SEED)[1] for state in seen]
        ranked = [seen[place] for place in np.argsort(rewards)]  # the most important first
        with arguments.output.open("x", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("run", "inputs", "edges", "success", "reward", "episodes", "last_kept"))
            for share in SHARES:
                count = max(1, round(share * len(ranked)))
                success, reward = evaluate(ranked[count:], arguments.episodes, HELD_OUT_SEED)
                edges = int(graph.edges[ranked[:count]].sum())
                last = graph.states[ranked[count - 1]]
                writer.writerow((run.path.name, count, edges, success, reward, arguments.episodes, last))
                file.flush()
                print(f"{count} inputs, {edges} edges: {100.0 * success:.1f} %")


if __name__ == "__main__":
    main()

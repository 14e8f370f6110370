import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assembly_rl.methods.lcrl.graph import Graph, given
from assembly_rl.methods.lcrl.physics import physics_edges
from assembly_rl.methods.lcrl.report import graph_table, plot_graph
from assembly_rl.runs import RunError

STATES, ACTIONS = ("fx", "mz", "z", "last_action_ry", "second_my#2", "fy[t-3]"), ("x", "y", "rz")


def graph() -> Graph:
    rng = np.random.default_rng(0)
    mean = rng.random((6, 3))
    edges = mean > 0.5
    edges[0] = True
    return Graph(STATES, ACTIONS, edges, mean, mean - 0.1, mean + 0.2, np.full((6, 3), 0.5), "cs3", 1500)


def test_a_graph_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    graph().save(path)
    found = Graph.load(path)
    for name, value in vars(graph()).items():
        np.testing.assert_array_equal(getattr(found, name), value)
    assert found.edges.dtype == np.bool_


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edges": None}, "it has no 'edges'"),
        ({"low": [[0.0]]}, r"its low are of shape \(1, 1\), not \(6, 3\)"),
        ({"edges": [[True, False, True]] * 6}, "y has no edge"),
        ({"influence": [[float("nan")] * 3] * 6}, "its influence are not all finite"),
        ({"format": 2}, "has format 2, this assembly_rl reads up to 1"),
        ({"samples": "many"}, "is not a connection graph"),
    ],
)
def test_a_damaged_graph_is_refused(tmp_path: Path, changes: dict, message: str) -> None:
    path = tmp_path / "graph.json"
    graph().save(path)
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    with pytest.raises(RunError, match=message):
        Graph.load(path)


def test_a_missing_graph_says_where_one_comes_from(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="written by a training with method=lcrl"):
        Graph.load(tmp_path / "graph.json")


def test_physics_couples_forces_with_tilts() -> None:
    edges = physics_edges(STATES, ACTIONS)
    expected = [
        [1, 0, 0],  # fx
        [0, 0, 1],  # mz
        [1, 1, 1],  # z: the depth, for all
        [1, 0, 0],  # last_action_ry
        [1, 0, 0],  # second_my
        [0, 1, 0],  # fy[t-3]
    ]
    np.testing.assert_array_equal(edges, np.array(expected, dtype=bool))


def test_table_and_picture_show_what_cutting_costs(tmp_path: Path) -> None:
    rows = [{"state": "fx", "action": "y", "success_lost": "0.25"}]
    table = graph_table(graph(), rows)
    assert table.row_count == 6
    assert [str(cell) for cell in table.columns[0].cells] == list(STATES)
    assert "-25" in str(list(table.columns[2].cells)[0])
    for name, ablation in (("with", rows), ("without", [])):
        plot_graph(graph(), tmp_path / f"{name}.png", "a graph", ablation)
    assert (tmp_path / "with.png").stat().st_size > (tmp_path / "without.png").stat().st_size > 10_000
    assert "correlation" in str(graph_table(replace(graph(), source="endogenous")).caption)
    only = given(np.eye(3, dtype=bool), ACTIONS, ACTIONS, "all")
    plot_graph(only, tmp_path / "given.png", "given")

"""A training with a graph, and the graph's command, as a user types them."""

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import NARROW, QUICK, Run, start
from safetensors.numpy import load_file
from test_train import rows, tensors

from assembly_rl.methods.lcrl.ablation import seen
from assembly_rl.methods.lcrl.graph import Graph
from assembly_rl.runs import RunDirectory
from assembly_rl.training.loading import load_policy, read_config

LCRL = [
    *[text for text in QUICK if not text.startswith(("steps=", "evaluation.every", "algo.network"))],
    NARROW,
    "algo=td3",
    "method=lcrl",
    "method.head=[2]",
    "method.edges=cs3",
    "method.samples=520",
    "steps=700",
    "evaluation.every=500",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose graph is estimated, and estimated again."""
    folder = tmp_path_factory.mktemp("trained")
    process = start(folder, "train", *LCRL, "method.relearn_every=120", "run_dir=run")
    output, _ = process.communicate(timeout=1800)
    assert process.returncode == 0, output
    assert "edges of 108 (cs3)" in output
    return folder / "run"


def test_the_policy_has_the_graph_of_its_run(trained: Path) -> None:
    graph = Graph.load(trained / "graph.json")
    assert graph.samples == 640 and 6 <= graph.edges.sum() < 108
    assert [path.name for path in sorted(trained.glob("graph_*.json"))] == [
        "graph_000000520.json", "graph_000000640.json",
    ]  # fmt: skip
    run = RunDirectory.open(trained)
    connected = seen(load_policy(run).actor, 6)
    assert not connected[~graph.edges].any() and connected[graph.edges].mean() > 0.5
    evaluated = [line.split(",")[0] for line in (trained / "evaluations.csv").read_text().splitlines()[1:]]
    assert evaluated == ["500", "700"]
    config = read_config(run)
    assert config.method.create().first_kept_step(config) == 520


def test_stopped_before_its_graph_and_resumed_it_is_the_same(
    trained: Path, command: Run, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = start(tmp_path, "train", *LCRL, "method.relearn_every=120", "run_dir=run")
    deadline = time.monotonic() + 1800
    while not (run / "checkpoints" / "step_0000000400").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=1800)
    stopped = sorted(run.glob("checkpoints/step_*"))[-1].name
    assert stopped < "step_0000000520", "too late to test anything"
    command("train", "resume=run")
    assert tensors(run) == tensors(trained)
    assert rows(run) == rows(trained)
    assert (run / "graph.json").read_bytes() == (trained / "graph.json").read_bytes()


def test_resumed_after_its_graph_it_is_the_same(trained: Path, command: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start(tmp_path, "train", *LCRL, "method.relearn_every=120", "run_dir=run")
    deadline = time.monotonic() + 1800
    while not (run / "graph.json").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=1800)
    stopped = sorted(run.glob("checkpoints/step_*"))[-1].name
    assert "step_0000000520" <= stopped < "step_0000000700", stopped
    command("train", "resume=run")
    assert tensors(run) == tensors(trained)


def test_ppo_gathers_what_it_visits(command: Run, tmp_path: Path) -> None:
    own = [text for text in LCRL if not text.startswith(("algo", "method.samples"))]
    own += ["algo=ppo", "algo.batch_size=50", "algo.rollout=150", "environments=2", "method.samples=560"]
    shown = command("train", *own, "run_dir=run")
    assert "step     600: graph of" in shown
    assert Graph.load(tmp_path / "run" / "graph.json").samples == 600


def test_a_graph_is_used_again(trained: Path, command: Run, tmp_path: Path) -> None:
    own = [text for text in LCRL if not text.startswith(("steps", "method.samples", "evaluation.every"))]
    file = trained / "graph.json"
    command("train", *own, f"method.graph={file}", "steps=200", "evaluation.every=200", "run_dir=run")
    assert (tmp_path / "run" / "graph.json").read_bytes() == file.read_bytes()
    assert not seen(load_policy(RunDirectory.open(tmp_path / "run")).actor, 6)[~Graph.load(file).edges].any()


def test_the_default_leaves_out_what_no_action_influences(command: Run, tmp_path: Path) -> None:
    left = ("method.edges", "method.samples", "steps", "evaluation.every", "task.observation")
    own = [text for text in LCRL if not text.startswith(left)]
    own += ["experiment=telemetry", "method.samples=400", "steps=440", "evaluation.every=440"]
    assert "(endogenous)" in command("train", *own, "run_dir=run")
    graph = Graph.load(tmp_path / "run" / "graph.json")
    kept = {name for name, of in zip(graph.states, graph.edges, strict=True) if of.all()}
    assert (graph.edges.all(1) == graph.edges.any(1)).all() and len(kept) < 80
    assert {"fx", "fy", "fz", "x", "y", "last_action_x", "joint_velocity_1"} < kept
    unseen = ~graph.edges.any(1)
    weights = load_file(sorted((tmp_path / "run").glob("checkpoints/step_*"))[-1] / "policy.safetensors")
    first = [weight for name, weight in weights.items() if name.endswith((".mu.0.weight", ".qf0.0.weight"))]
    assert len(first) == 4
    for weight in first:
        assert not weight[:, : len(unseen)][:, unseen].any()  # exactly zero


def test_the_graph_is_shown_with_its_ablation(trained: Path, command: Run) -> None:
    shown = command("graph", f"run={trained}", "episodes=2")
    assert "last_action_rz" in shown and "percentage points" in shown
    assert (trained / "figures" / "graph.png").stat().st_size > 30_000
    (file,) = trained.glob("ablation_2_*.csv")
    lines = file.read_text().splitlines()
    assert len(lines) == 1 + Graph.load(trained / "graph.json").edges.sum()
    file.write_text("\n".join(lines[:-2]) + "\n")  # as if it had been stopped
    command("graph", f"run={trained}", "episodes=2")
    assert file.read_text().splitlines() == lines
    command("graph", f"run={trained}", "reference=4")
    found = json.loads((trained / "reference.json").read_text())
    assert np.array(found["influence"]).shape == (18, 6) and 0.0 < found["pearson"] <= 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["method=lcrl", "steps=400"], "ends at step 400, before its graph is estimated at step 500"),
        (
            ["method=lcrl", "method.samples=100"],
            "edges=endogenous needs method.samples of at least 256 here, got 100",
        ),
        (["method=lcrl", "method.edges=cs3"], "needs method.samples of at least 512 here, got 500"),
        (["method=lcrl", "method.edges=cs4"], "method.edges must be one of endogenous, cs3, physics, all"),
        (["method=lcrl", "method.critics=own"], "method.critics must be one of seen, global"),
        (["method=lcrl", "method.head=[]"], "method.head must be one or more widths >= 1, got []"),
        (["method=lcrl", "method.graph=nothing.json"], "nothing.json does not exist: a graph is written by"),
        (["method=lcrl", "method.edges=all", "method.relearn_every=100"], "needs edges that are estimated"),
        (["method=lcrll"], "did you mean 'lcrl'? Known: dense, lcrl"),
        (["method.actor=[0]"], "method.actor must be one or more widths >= 1, got [0]"),
    ],
)
def test_bad_input_is_one_clear_error(
    refused: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    assert message in refused("train", *arguments)
    assert not list(tmp_path.iterdir())


def test_a_graph_of_another_task_is_refused(refused: Run, trained: Path) -> None:
    file = trained / "graph.json"
    error = refused("train", "method=lcrl", f"method.graph={file}", "task.observation.groups=[wrench,twist]")
    assert "it lacks velocity_x" in error and "it has besides x, y, z" in error


def test_a_run_without_a_graph_is_refused(refused: Run, tmp_path: Path) -> None:
    assert "no run: give run=<dir>" in refused("graph")
    assert "is not a run" in refused("graph", "run=.")

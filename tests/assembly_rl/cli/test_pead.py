"""A training whose action grows, as a user types it."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import NARROW, QUICK, Run, start
from safetensors.numpy import load_file
from test_train import rows, tensors

from assembly_rl.runs import RunDirectory
from assembly_rl.training.loading import load_policy

PEAD = [
    *[text for text in QUICK if not text.startswith(("steps", "evaluation.every"))],
    NARROW,
    "steps=500",
    "evaluation.every=250",
    "method=pead",
    "method.stages=[['x y z','rx ry rz'],['x y','z','rx ry','rz'],['x','y','z','rx','ry','rz']]",
    "method.shares=[0.3,0.6]",
    "method.freeze=30",
    "method.ramp=60",
]


def stages(run: Path) -> list[list[str]]:
    return [line.split(",")[:3] for line in (run / "stages.csv").read_text().splitlines()[1:]]


def leash(run: Path, component: int) -> float:
    """What draws a component back in the last checkpoint."""
    folder = sorted(run.glob("checkpoints/step_*"))[-1]
    return float(load_file(folder / "policy.safetensors")["leash"][component, component])


def trained(folder: Path, *arguments: str) -> Path:
    process = start(folder, "train", *arguments, "run_dir=run")
    output, _ = process.communicate(timeout=1800)
    assert process.returncode == 0, output
    return folder / "run"


@pytest.mark.parametrize("algorithm", ["td3", "ppo"])
def test_stopped_in_the_second_stage_and_resumed_it_is_the_same(
    algorithm: str, command: Run, tmp_path: Path
) -> None:
    own = [*PEAD, f"algo={algorithm}"]
    if algorithm == "ppo":
        own = [text for text in own if not text.startswith(("algo.learning_starts", "algo.batch_size"))]
        own += ["algo.batch_size=20", "algo.rollout=50", "algo.epochs=4"]
    (tmp_path / "whole").mkdir()
    whole = trained(tmp_path / "whole", *own)
    assert stages(whole) == [["0", "1", "2"], ["150", "2", "4"], ["300", "3", "6"]]
    run = tmp_path / "run"
    process = start(tmp_path, "train", *own, "run_dir=run")
    deadline = time.monotonic() + 1800
    while not (run / "checkpoints" / "step_0000000200").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=1800)
    stopped = sorted(run.glob("checkpoints/step_*"))[-1].name
    assert stopped < "step_0000000500", "too late to test anything"
    shown = command("train", "resume=run")
    assert "3 of 3" in shown or stopped >= "step_0000000300"
    assert tensors(run) == tensors(whole)
    assert rows(run) == rows(whole)
    assert stages(run) == stages(whole)
    assert leash(run, 0) == (2.0 if algorithm == "td3" else 0.0)  # x was tied to y before


def test_the_best_policy_is_evaluated_with_all_its_outputs(command: Run, tmp_path: Path) -> None:
    own = [text for text in PEAD if not text.startswith(("method.s", "evaluation.every", "pictures"))]
    groups = "method.stages=[['x -y','rx ry rz'],['x','y','z','rx','ry','rz']]"
    command("train", *own, "algo=sac", groups, "method.shares=[0.5]", "evaluation.every=240", "run_dir=run")
    actor = load_policy(RunDirectory.open(tmp_path / "run")).actor
    assert actor(np.zeros(18, np.float32)).shape == (6,)
    assert (tmp_path / "run" / "figures" / "learning_curve.png").is_file()
    assert leash(tmp_path / "run", 2) == 1.0  # z did not move; SAC has a weaker one


def test_with_a_graph_and_groups_from_the_same_estimate(command: Run, tmp_path: Path) -> None:
    own = [
        text for text in PEAD if not text.startswith(("method=", "steps", "method.shares", "algo.learning"))
    ]
    shown = command(
        "train", *own, "algo=td3", "method=lcrl_pead", "method.grouping=cs3", "method.edges=cs3",
        "method.samples=520",
        "method.head=[2]", "algo.learning_starts=520", "steps=800", "method.shares=[0.75,0.85]",
        "run_dir=run",
    )  # fmt: skip
    assert "stage 1 of 3" in shown and "edges of 108 (cs3)" in shown
    assert stages(tmp_path / "run")[0] == ["520", "1", "2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["method.stages=[['x y z']]", "method.shares=[]"], "no stage reaches rx, ry, rz"),
        (["method.stages=[['x rx','y z ry rz']]", "method.shares=[]"], "ties N and Nm: state the ratio"),
        (["method.shares=[0.5,0.4]"], "method.shares must be 1 rising numbers in (0, 1)"),
        (
            ["method.stages=[['x q']]", "method.shares=[]"],
            "the group 'x q' has 'q'; known components: x, y, z",
        ),
        (["method.grouping=moon"], "method.grouping must be one of given, cs3, random"),
        (["method.grouping=cs3", "method.samples=12000"], "the first stage would end at step 10000, before"),
    ],
)
def test_bad_input_is_one_clear_error(
    refused: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    assert message in refused("train", "method=pead", *arguments)
    assert not list(tmp_path.iterdir())

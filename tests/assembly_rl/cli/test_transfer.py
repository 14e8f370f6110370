"""A controller carried over to a new part, as a user types it."""

import json
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import QUICK, Run, start
from safetensors.numpy import load_file
from test_train import rows, tensors

OWN = [
    "steps=60", "evaluation.every=20", "evaluation.episodes=3", "evaluation.held_out=3",
    "transfer.warm_up=20", "transfer.anneal=30",
]  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    own = ["algo.gradient_steps=2", "run_dir=source"]
    process = start(folder, "train", *QUICK, *own)
    output, _ = process.communicate(timeout=1800)
    assert process.returncode == 0, output
    return folder / "source"


def test_a_transfer_reports_every_step_and_compares(
    command: Run, refused: Run, tmp_path: Path, source: Path
) -> None:
    shown = command(
        "transfer", f"source={source}", "geometry=L", "geometry.chamfer=0", "compare=true", *OWN, "run_dir=t"
    )
    for part in ("as it is", "WDPD and fine-tuning", "held-out episodes", "plain", "from scratch"):
        assert part in shown
    report = json.loads((tmp_path / "t" / "report.json").read_text())
    assert [step["name"] for step in report["steps"]][0] == "as it is"
    assert report["steps"][-1]["samples"] >= 50  # probing counts
    plan = json.loads((tmp_path / "t" / "plan.json").read_text())
    etcl = plan["etcl"]
    # Compared on episodes that have chosen no checkpoint.
    assert [row["seed"] for row in plan["steps"][0]["rows"]] == [1_500_000, 1_500_001, 1_500_002]
    others = {"plain fine-tuning", "from scratch"} | ({"WDPD only"} if etcl else set())
    assert set(report["others"]) == others
    assert (tmp_path / "t" / "figures" / "transfer.png").is_file()
    # What it starts from is the source's policy, to the last bit; what the source visited is still there.
    evaluations = (tmp_path / "t" / "transfer" / "evaluations.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in evaluations] == ["step", "0", "20", "40", "60"]
    last = tmp_path / "t" / "transfer" / "checkpoints" / "step_0000000060"
    replay = load_file(last / "training.safetensors")
    assert len(replay["replay/observations"]) == 460
    scratch = load_file(
        tmp_path / "t" / "scratch" / "checkpoints" / "step_0000000060" / "training.safetensors"
    )
    assert len(scratch["replay/observations"]) == 60
    # From scratch it learns with the source's own gradient steps, not with those of the transfer.
    steps = {
        path.name: json.loads((path / "run.json").read_text())["config"]["algo"]["gradient_steps"]
        for path in (source, tmp_path / "t" / "transfer", tmp_path / "t" / "scratch")
    }
    assert steps == {"source": 2, "transfer": 4, "scratch": 2}
    assert "exists: choose another run_dir" in refused("transfer", f"source={source}", "run_dir=t")


def test_a_stopped_transfer_goes_on_and_is_the_same(command: Run, tmp_path: Path, source: Path) -> None:
    own = [text for text in OWN if not text.startswith(("steps", "evaluation.every"))]
    own += ["evaluation.every=10", "steps=120"]
    command("transfer", f"source={source}", "geometry=triangle", *own, "run_dir=whole")
    process = start(tmp_path, "transfer", f"source={source}", "geometry=triangle", *own, "run_dir=part")
    deadline = time.monotonic() + 1800
    while not (tmp_path / "part" / "transfer" / "checkpoints" / "step_0000000060").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=1800)
    command("transfer", "resume=part")
    one, other = (tmp_path / name / "transfer" for name in ("whole", "part"))
    assert tensors(one) == tensors(other)
    held = load_file(one / "checkpoints" / "step_0000000120" / "training.safetensors")
    # What was kept is the average at the last validation: in a second nothing is inserted, and among equals
    # the latest counts. One update came after it.
    last = load_file(one / "checkpoints" / "step_0000000120" / "policy.safetensors")
    best = load_file(one / "checkpoints" / "best" / "policy.safetensors")
    latest, kept = (
        np.concatenate([value.ravel() for name, value in of.items() if name.startswith("actor.")])
        for of in (last, best)
    )
    assert np.abs(np.sort(kept) - np.sort(held["variable/average"])).max() < 0.005
    assert np.abs(kept - latest).max() > 0.02
    assert rows(one) == rows(other)
    command("transfer", f"source={source}", "geometry=triangle", *own, "seed=1", "run_dir=other")
    assert rows(tmp_path / "other" / "transfer") != rows(one)  # the seed is the transfer's, not the source's


def test_a_transfer_killed_before_its_first_step_has_each_row_once(
    command: Run, tmp_path: Path, source: Path
) -> None:
    own = [text for text in QUICK if not text.startswith(("steps", "evaluation.every"))]
    own += [f"transfer.run={source}", "steps=30", "evaluation.every=10"]
    process = start(tmp_path, "train", *own, "run_dir=run")
    deadline = time.monotonic() + 1800
    while not (tmp_path / "run" / "checkpoints" / "step_0000000000").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.001)
    process.kill()
    process.communicate(timeout=1800)
    assert not (tmp_path / "run" / "result.json").exists()
    command("train", "resume=run")
    command("train", *own, "run_dir=whole")
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")
    assert tensors(tmp_path / "run") == tensors(tmp_path / "whole")
    lines = (tmp_path / "run" / "evaluations.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "0", "10", "20", "30"]


def test_a_source_that_learned_faster_from_nothing_is_told(
    command: Run, tmp_path: Path, source: Path
) -> None:
    """Without a comparison: from the source's own validations."""
    shutil.copytree(source, tmp_path / "fast")
    path = tmp_path / "fast" / "evaluations.csv"
    names, first, *others = path.read_text().splitlines()
    values = dict(zip(names.split(","), first.split(","), strict=True)) | {"step": "50", "success": "1.0"}
    path.write_text("\n".join([names, ",".join(values.values()), *others]) + "\n")
    own = ["geometry=L", "geometry.chamfer=0", *OWN]
    assert "probably negative transfer" in command("transfer", "source=fast", *own, "run_dir=a")
    assert json.loads((tmp_path / "a" / "report.json").read_text())["source_from_nothing"] == 1.0
    assert "negative transfer" not in command("transfer", f"source={source}", *own, "run_dir=b")


def test_of_several_sources_the_nearest_is_taken(command: Run, tmp_path: Path, source: Path) -> None:
    command("train", *QUICK, "geometry=circle", "run_dir=round")
    shown = command(
        "transfer", f"source=[{source},round]", "geometry=circle", "geometry.chamfer=0", *OWN, "run_dir=t"
    )
    assert "taken: nearest" in shown
    assert json.loads((tmp_path / "t" / "plan.json").read_text())["source"] == "round"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no source: give source=<dir>"),
        (["source=nowhere"], "nowhere is not a run"),
        (["resume=nowhere"], "nowhere is no transfer"),
        (["source=nowhere", "transfer.weights=heavy"], "transfer.weights must be one of compliance"),
        (["source=nowhere", "transfer.beta=-1"], "beta must be >= 0"),
    ],
)
def test_bad_input_is_one_clear_error(
    refused: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    assert message in refused("transfer", *arguments)
    assert not list(tmp_path.iterdir())


def test_a_student_learns_with_its_teachers_algorithm(refused: Run, source: Path) -> None:
    assert "learned with algo=sac, not with td3" in refused("train", f"transfer.run={source}", "algo=td3")
    assert "use method=dense or lcrl" in refused("train", f"transfer.run={source}", "method=pead")


@pytest.mark.parametrize(
    "own", [["task.compliance.damping=[801,800,800,10,10,10]"], ["task.compliance.stiffness=[0,0,310,3,3,3]"]]
)
def test_a_policy_keeps_the_law_that_it_was_trained_with(
    refused: Run, tmp_path: Path, source: Path, own: list[str]
) -> None:
    """A command that does not learn refuses another one, and one that learns asks whether it is meant."""
    told = "task.compliance differs from the one that the policy was trained with, which it keeps"
    assert told in refused("eval", f"run={source}", *own, "episodes=1", "output=rows.csv")
    shown = refused("train", f"transfer.run={source}", *own)
    assert told in shown and "or give transfer.reconfigured=true transfer.etcl=false" in shown
    both = refused("train", f"transfer.run={source}", "transfer.reconfigured=true", *own)
    assert "give transfer.etcl=false" in both
    assert not list(tmp_path.iterdir())


def test_a_transfer_learns_with_the_law_that_is_asked_for(
    command: Run, refused: Run, tmp_path: Path, source: Path
) -> None:
    asked = [
        "task.compliance.damping=[900,900,900,10,10,10]",
        "task.compliance.stiffness=[0,0,300,3,3,3]",  # the default
        "task.action.wrench=[7,7,7,0.2,0.2,0.2]",
    ]
    shown = command("transfer", f"source={source}", "geometry=L", *asked, *OWN, "run_dir=t")
    assert "so ETCL is left out" in shown
    own = json.loads((source / "run.json").read_text())["config"]["task"]
    task = json.loads((tmp_path / "t" / "transfer" / "run.json").read_text())["config"]["task"]
    assert task["compliance"] == own["compliance"] | {"damping": [900, 900, 900, 10, 10, 10]}
    assert task["action"] == own["action"] | {"wrench": [7, 7, 7, 0.2, 0.2, 0.2]}
    assert task["observation"] == own["observation"] and task["path"] == own["path"]
    told = refused("transfer", f"source={source}", "task.policy_rate=10")
    assert "task.policy_rate differs" in told and "reconfigured" not in told


def test_what_is_not_asked_for_is_the_sources_own(command: Run, tmp_path: Path) -> None:
    command("train", *QUICK, "task.compliance.stiffness=[0,0,310,3,3,3]", "run_dir=other")
    for number, (asked, kept) in enumerate(
        [
            ([], [0, 0, 310, 3, 3, 3]),
            (
                ["task.compliance.stiffness=[0,0,300,3,3,3]"],
                [0, 0, 300, 3, 3, 3],
            ),  # the default one, but asked
        ]
    ):
        command("transfer", "source=other", *asked, *OWN, f"run_dir=t{number}")
        run = json.loads((tmp_path / f"t{number}" / "transfer" / "run.json").read_text())
        assert run["config"]["task"]["compliance"]["stiffness"] == kept


def test_weights_are_kept_with_the_run(command: Run, tmp_path: Path, source: Path) -> None:
    own = [text for text in QUICK if not text.startswith(("steps", "algo.learning"))]
    command("train", f"transfer.run={source}", *own, "steps=40", "transfer.weights=shuffled", "run_dir=run")
    kept = json.loads((tmp_path / "run" / "transfer.json").read_text())
    assert sum(kept["weights"]) == pytest.approx(6.0)
    assert np.array(kept["stiffness"]["new"]).shape == (6, 6)
    assert (tmp_path / "run" / "teacher" / "run.json").is_file()

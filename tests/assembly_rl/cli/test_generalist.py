"""Training over parts, and the deployment of what it gave, as a user types them."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from command_line import QUICK, Run
from safetensors.numpy import load_file

from assembly_rl.controllers.bundles import load_bundle, read_bundle, shipped_bundles

OWN = {
    "steps": "320",
    "environments": "2",
    "algo.update_every": "2",
    "algo.learning_starts": "100",
    "algo.buffer_size": "500",
    "parts.count": "3",
    "parts.validation": "2",
    "parts.held_out": "2",
    "evaluation.every": "160",
    "checkpoint_every": "160",
}
GENERALIST = [
    "experiment=generalist",
    *(text for text in QUICK if text.partition("=")[0] not in OWN),
    *(f"{key}={value}" for key, value in OWN.items()),
]


def test_a_training_over_parts_is_resumed_exactly(command: Run, tmp_path: Path) -> None:
    shown = command("train", *GENERALIST, "run_dir=whole")
    assert "worst tenth of the parts" in shown
    with open(tmp_path / "whole" / "held_out.csv") as file:
        assert len({row["part"] for row in csv.DictReader(file)}) == 2
    shutil.copytree(tmp_path / "whole", tmp_path / "stopped")
    steps = sorted((tmp_path / "stopped" / "checkpoints").glob("step_*"))
    shutil.rmtree(steps[-1])
    for name in ("held_out.csv", "result.json"):
        (tmp_path / "stopped" / name).unlink()
    command("train", "resume=stopped")
    one, other = (
        load_file(tmp_path / run / steps[-1].relative_to(tmp_path / "stopped") / "training.safetensors")
        for run in ("whole", "stopped")
    )
    assert one.keys() == other.keys()
    assert [name for name in one if one[name].tobytes() != other[name].tobytes()] == []
    for name in ("episodes.csv", "evaluations.csv", "held_out.csv"):
        assert (tmp_path / "whole" / name).read_text() == (tmp_path / "stopped" / name).read_text()


def test_the_shipped_controller_is_tried_on_a_part_and_written_for_it(command: Run, tmp_path: Path) -> None:
    (tmp_path / "angle.yaml").write_text(
        "polygon: [[0, 0], [20, 0], [20, 8], [8, 8], [8, 20], [0, 20]]\ndepth: 22\n"
    )
    options = ["episodes=2", "task.ceiling.force=20", "output='[here]'"]
    shown = command("deploy", "geometry=angle.yaml", "robot=ur5e", *options)
    assert "angle, bullet" in shown and "[here]/worst_2.png" in shown  # brackets are no markup
    written = tmp_path / "[here]" / "angle.bundle"
    bundle, shipped = read_bundle(written), read_bundle("generalist")
    assert bundle.manifest.part.hole_depth == 0.022 and bundle.manifest.part.name == "angle"
    assert bundle.manifest.provenance["source"] == {"bundle": shipped.manifest.name, "sha256": shipped.sha256}
    assert bundle.manifest.provenance["evaluation"]["response"]["lag"] == [0.028, 0.03]
    page = (tmp_path / "[here]" / "README.md").read_text()
    assert "inserts the part angle" in page and "lag 28 to 30 ms" in page
    # The bundle was compared with the trials, whose contact force it keeps below the ceiling.
    ceiling = bundle.manifest.insertion.ceiling
    assert (ceiling.force, ceiling.stopping_time) == (20.0, 0.006) and "harder than 20 N" in page
    with open(tmp_path / "[here]" / "episodes.csv") as file:
        rows = list(csv.DictReader(file))
    assert {row["engine"] for row in rows} >= {"bullet"} and len(rows) in (2, 4)


def test_what_a_training_over_parts_gave_is_tuned_and_transferred(command: Run, tmp_path: Path) -> None:
    command("train", *GENERALIST, "run_dir=several")
    options = ["geometry=L", "source=several", "episodes=2", "processes=1", "task.limits.time=1"]
    shown = command("deploy", *options, "fine_tune=40", "level=1", "output=made")
    assert "below the level of 100 %: fine-tuning" in shown and "fine-tuned" in shown
    run = json.loads((tmp_path / "made-fine-tuning" / "run.json").read_text())
    assert run["config"]["algo"]["asymmetric"] and run["config"]["steps"] == 40
    origin = read_bundle(next((tmp_path / "made").glob("*.bundle"))).manifest.provenance["source"]
    assert origin["run"] == "made-fine-tuning"
    assert len((tmp_path / "made" / "episodes_before.csv").read_text().splitlines()) in (3, 5)
    assert "fine-tuning" not in command("deploy", *options, "fine_tune=40", "level=0", "output=as_it_is")
    short = ["steps=4", "evaluation.every=4", "evaluation.episodes=1", "evaluation.held_out=2"]
    shown = command("transfer", "source=several", "geometry=L", "processes=1", "task=broad", *short)
    assert "several learned several parts" in shown and "as it is" in shown


def test_a_fine_tuning_in_the_model_is_one_of_the_settings(command: Run, tmp_path: Path) -> None:
    command("train", *GENERALIST, "run_dir=several")
    options = [
        "geometry=L", "source=several", "episodes=2", "processes=1", "task.limits.time=1",
        "task.limits.force=25", "insertions=2", "fine_tune=40",
    ]  # fmt: skip
    shown = command("deploy", *options, "output=made")
    assert "fine-tuning in the model" in shown and ", fine-tuned: " in shown
    run = json.loads((tmp_path / "made-fine-tuning" / "run.json").read_text())
    state = json.loads((tmp_path / "made-insertions.json").read_text())
    tuned = run["config"]["task"]
    assert tuned["physics"]["engine"] == state["engine"] and tuned["limits"]["force"] == 25
    assert tuned in [of | {"physics": tuned["physics"]} for of in state["target"]["settings"].values()]
    assert len(state["forecasts"]) == len(state["target"]["settings"]) + 1
    state["forecasts"][-1] = [row | {"success": True, "time": 1.0} for row in state["forecasts"][-1]]
    (tmp_path / "again-insertions.json").write_text(json.dumps(state | {"insertions": []}))
    shown = command("deploy", *options, "output=again")  # the forecasts are there
    assert "kept: fine-tuned" in shown and "trained on for 40 steps" in shown
    origin = read_bundle(next((tmp_path / "again").glob("*.bundle"))).manifest.provenance["source"]
    assert origin["run"] == "again-fine-tuning"


def test_a_setting_is_chosen_by_a_forecast_and_insertions(command: Run, tmp_path: Path) -> None:
    error = "task.randomization.hole_estimate.lateral=0.006"
    options = ["geometry=L", error, "task.limits.time=1", "insertions=2", "episodes=2", "processes=1"]
    shown = command("deploy", *options, "output=made")
    assert "for these conditions: 0 %" in shown and "kept: as it is; the level of 95 %" in shown
    state = json.loads((tmp_path / "made-insertions.json").read_text())
    assert len(state["forecasts"]) == 4 and len(state["insertions"]) == 1
    evaluation = read_bundle(next((tmp_path / "made").glob("*.bundle"))).manifest.provenance["evaluation"]
    assert "1 insertions used" in evaluation["notes"][-1]
    state["forecasts"][1] = [row | {"success": True, "time": 1.0} for row in state["forecasts"][1]]
    (tmp_path / "again-insertions.json").write_text(json.dumps(state | {"insertions": []}))
    shown = command("deploy", *options, "output=again")  # goes on with the forecast that is there
    assert "kept: for these conditions" in shown
    bundle = read_bundle(next((tmp_path / "again").glob("*.bundle"))).manifest
    assert bundle.insertion.observation.pose_scale[:2] == [0.002, 0.002]
    assert bundle.insertion.admittance.offset_limit[:2] == [0.008, 0.008]
    assert any("6 mm, in training 3 mm" in note for note in bundle.provenance["evaluation"]["notes"])
    assert len((tmp_path / "again" / "episodes_before.csv").read_text().splitlines()) in (3, 5)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["robot=ur5e"], "no part: give one by name or file"),
        (["geometry=L", "source=missing"], "missing cannot be read"),
        (["geometry=L", "level=2"], "level must be in [0, 1], got 2"),
        (["geometry=L", "output=taken"], "taken exists; nothing is overwritten"),
        (["geometry=L", "episodes=0"], "episodes"),
        (["geometry=L", "fine_tune=-1"], "fine_tune"),
        (["geometry=L", "insertions=-1"], "insertions"),
        (["geometry=L", "insertions=20", "confidence=1"], "confidence must be above 0.5 and below 1"),
        (["geometry=L", "insertions=20", "level=1"], "level must be above 0.2 and below 1"),
        (["geometry=L", "source=missing", "fine_tune=10"], "missing is not a run"),
    ],
)
def test_bad_input(refused: Run, tmp_path: Path, arguments: list[str], told: str) -> None:
    (tmp_path / "taken").mkdir()
    assert told in refused("deploy", *arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["parts.count=2", "parts.kinds=[hexagon]"], "hexagon"),
        (["parts.count=2", "parts.seed=499999"], "lower one of them"),
        (["parts.count=2"], "evaluation.episodes=100 must be a multiple of the 40 parts"),
        (["parts.count=2", "parts.size=[0.02]"], "parts.size must be [low, high]"),
        (["parts.given=[missing]", "evaluation.episodes=80"], "missing"),
        (["algo.update_every=2"], "must divide environments=1"),
        (["algo.asymmetric=true", "method=lcrl"], "not with method=lcrl"),
        (
            [
                "parts.count=2",
                "evaluation.episodes=80",
                "algo.symmetric=true",
                "task.observation.groups=[wrench,pose,second_pose]",
            ],
            "symmetry",
        ),
    ],
)
def test_bad_trainings(refused: Run, arguments: list[str], told: str) -> None:
    assert told in refused("train", *arguments, "run_dir=run")


def test_a_shipped_bundle_is_loaded_by_its_name_with_lengths_of_another_part() -> None:
    assert "generalist" in shipped_bundles()
    controller = load_bundle("generalist", hole_depth=0.03, peg_length=0.05)
    assert controller.manifest.part.hole_depth == 0.03
    assert controller.manifest.tool.centre == [0.0, 0.0, -0.05]
    with pytest.raises(ValueError, match="hole_depth"):
        load_bundle("generalist", hole_depth=-1.0)


def test_a_file_of_the_same_name_goes_before_the_shipped_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "generalist").write_text(json.dumps({}))
    with pytest.raises(ValueError, match="no bundle"):
        load_bundle("generalist")

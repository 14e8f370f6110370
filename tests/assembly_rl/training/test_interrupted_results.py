"""Results and continuations that a kill has left half-made are completed; strange runs are one line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import assembly_rl as arl
from assembly_rl.evaluation.episodes import Row
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.files import write_tensors
from assembly_rl.training.config import EvaluationConfig, TrainConfig
from assembly_rl.training.continuation import FILE, continue_run, continued
from assembly_rl.training.loading import load_actor, read_config
from assembly_rl.training.results import read_result, write_rows

SMALL = ["algo.learning_starts=20", "algo.network=[8]", "algo.batch_size=8", "task.limits.time=0.5"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = arl.make_config(
        *SMALL, steps=40, checkpoint_every=20, evaluation=EvaluationConfig(20, 1, 1), pictures=False
    )
    return arl.train(config, run_dir=tmp_path_factory.mktemp("finished") / "run", processes=1).path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> RunDirectory:
    return RunDirectory.open(shutil.copytree(finished, tmp_path / "run"))


def content(path: Path) -> dict[str, bytes]:
    return {name: (path / name).read_bytes() for name in ("held_out.csv", "result.json", "evaluations.csv")}


@pytest.mark.parametrize("left", [["held_out.csv"], ["result.json"], []])
def test_a_result_that_a_kill_left_half_written_is_written_again(
    finished: Path, run: RunDirectory, left: list[str]
) -> None:
    for name in {"held_out.csv", "result.json"} - set(left):
        (run.path / name).unlink()
    if left == ["held_out.csv"]:
        (run.path / "held_out.csv").write_text("seed,resu")
    arl.open_run(run.path).continue_(processes=1)
    assert content(run.path) == content(finished)


def test_a_continuation_killed_before_its_results_are_renamed_is_completed(run: RunDirectory) -> None:
    before = content(run.path)
    with run.claimed():
        assert continue_run(run, read_config(run), 60).steps == 60
    for name in ("result", "held_out"):  # as if it had been killed after the note
        suffix = "json" if name == "result" else "csv"
        (run.path / f"{name}_40.{suffix}").rename(run.path / f"{name}.{suffix}")
    assert continued(run, read_config(run)).steps == 60
    assert not (run.path / "result_40.json").exists()  # a reader changes nothing
    with pytest.raises(RunError, match="give more than that, got 60; without steps it is finished"):
        continue_run(run, read_config(run), 60)
    arl.open_run(run.path).continue_(processes=1)
    assert (run.path / "result_40.json").read_bytes() == before["result.json"]
    assert (run.path / "held_out_40.csv").read_bytes() == before["held_out.csv"]
    assert (run.path / "result.json").is_file()


@pytest.mark.parametrize(
    "entries",
    [[3], [{"steps": 60}], [{"steps": 30, "at": ""}], [{"steps": 60, "at": "", "results": ["../x"]}],
     [{"steps": 60, "at": "", "evil": 1}]],
)  # fmt: skip
def test_strange_continuations_are_one_line(run: RunDirectory, entries: list[Any]) -> None:
    (run.path / FILE).write_text(json.dumps({"format": 1, "continuations": entries}))
    with pytest.raises(RunError, match=r"continuations.json: continuations\[0\]"):
        continued(run, TrainConfig(steps=40))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"geometry": 5}, "config.geometry must be an object"),
        ({"steps": "many"}, "steps"),
        ({"seed": 1.5}, "TrainConfig.seed must be"),
        ({"algo": "sac"}, "holds no configuration"),
        ({"algo": {"name": ["sac"]}}, "holds no configuration"),
        ({"method": {}}, "holds no configuration"),
        ({"evaluation": {"every": None}}, "every"),
        ({"task": {"limits": 3}}, "TaskConfig.limits must be a mapping"),
        ({"evil": 1}, "no field 'evil'"),
    ],
)
def test_a_strange_configuration_in_a_run_is_one_line_with_its_file(
    run: RunDirectory, change: dict[str, Any], message: str
) -> None:
    info = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps(info | {"config": info["config"] | change}))
    with pytest.raises(RunError, match=f"run.json: config.*{message}") as told:
        read_config(RunDirectory.open(run.path))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "tensors",
    [
        {"actor.mu.weight": torch.zeros(6, 8)},
        {"x": torch.zeros(1)},
        {"actor.mu.0.weight": torch.zeros(6, 8, dtype=torch.int64), "actor.mu.0.bias": torch.zeros(6)},
        {"actor.mu.0.weight": torch.zeros(6, 8), "actor.mu.0.bias": torch.zeros(5)},
    ],
)
def test_a_policy_of_other_names_types_or_shapes_is_one_line(
    run: RunDirectory, tensors: dict[str, torch.Tensor]
) -> None:
    write_tensors(run.best / "policy.safetensors", tensors)
    with pytest.raises(RunError, match="policy.safetensors holds no policy"):
        load_actor(run)


def test_a_damaged_best_policy_is_told_before_the_training_goes_on(run: RunDirectory) -> None:
    (run.best / "policy.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match=r"best/policy.safetensors is missing.*begin again at step 0"):
        arl.open_run(run.path).continue_(steps=60, processes=1)


def test_a_strange_result_is_one_line(run: RunDirectory) -> None:
    for text in ("[]", "{}", "{"):
        (run.path / "result.json").write_text(text)
        with pytest.raises(RunError, match="result.json"):
            read_result(run.path)


def test_rows_are_never_written_over_others(tmp_path: Path) -> None:
    rows: list[Row] = [{"a": 1}]
    (tmp_path / "link.csv").symlink_to(tmp_path / "outside.csv")
    for name in ("a.csv", "link.csv"):
        if name == "a.csv":
            write_rows(tmp_path / name, rows)
        with pytest.raises(RunError, match="exists; results are never overwritten"):
            write_rows(tmp_path / name, [{"a": 2}])
    assert (tmp_path / "a.csv").read_text().split() == ["a", "1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "link.csv"]

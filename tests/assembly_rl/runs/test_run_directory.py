import json
from functools import partial

import pytest
from safetensors.torch import load_file
from toy_training import make_model, train

from assembly_rl.runs import RunDirectory, RunError


def test_a_run_records_what_was_run(tmp_path):
    config = {"algorithm": {"name": "SAC", "lr": 3e-4}, "seed": 3}
    RunDirectory.create(tmp_path / "a" / "run", config, ["assembly-rl-train", "seed=3"], seed=3)
    run = RunDirectory.open(tmp_path / "a" / "run")
    assert run.config == config
    assert run.info["command"] == ["assembly-rl-train", "seed=3"]
    assert run.info["seed"] == 3
    assert {"python", "torch", "stable-baselines3", "pybullet", "assembly_rl"} <= set(run.info["versions"])


def test_a_run_never_overwrites_another(tmp_path):
    RunDirectory.create(tmp_path, {}, [])
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(RunError, match=r"never overwrites.*choose another run_dir.*resume="):
        RunDirectory.create(tmp_path, {"other": 1}, [])
    assert (tmp_path / "run.json").read_bytes() == before
    with pytest.raises(RunError, match="not an empty folder"):
        RunDirectory.create(tmp_path / "run.json", {}, [])


def test_opening_something_else_says_what_is_there(tmp_path):
    with pytest.raises(RunError, match="nowhere is not a run.*does not exist"):
        RunDirectory.open(tmp_path / "nowhere")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RunError, match="a run is a folder with a run.json; found in .*: notes.txt"):
        RunDirectory.open(tmp_path)
    with pytest.raises(RunError, match="is a file"):
        RunDirectory.open(tmp_path / "notes.txt")


def test_a_newer_or_damaged_run_is_refused(tmp_path):
    info = RunDirectory.create(tmp_path, {}, []).info
    (tmp_path / "run.json").write_text(json.dumps(info | {"format": 99}))
    with pytest.raises(RunError, match="run.json has format 99"):
        RunDirectory.open(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(info)[:-20])
    with pytest.raises(RunError, match="run.json is missing or damaged"):
        RunDirectory.open(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(RunError, match="run.json is damaged"):
        RunDirectory.open(tmp_path)


def test_only_the_newest_checkpoints_and_the_best_are_kept(tmp_path):
    run = RunDirectory.create(tmp_path, {}, [])
    with pytest.raises(RunError, match="no checkpoint to continue from"):
        run.latest_checkpoint()
    for name in (
        "best",
        "step_0000000100",
        "step_0000000020",
        "step_10000000000",
        ".step_0000000200.partial",
    ):
        (run.checkpoints / name).mkdir(parents=True)
    run.prune(2)
    assert {folder.name for folder in run.checkpoints.iterdir()} == {
        "best",
        "step_0000000100",
        "step_10000000000",
    }
    assert run.latest_checkpoint() == run.checkpoint(10**10)


def test_a_run_holds_json_csv_and_safetensors_and_nothing_else(tmp_path):
    train(tmp_path / "run", partial(make_model, "SAC"), 120)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".csv", ".safetensors"}
    for path in files:
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".safetensors":
            assert load_file(path)
        assert not path.name.startswith(".")

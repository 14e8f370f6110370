import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from command_line import QUICK, Run, start
from safetensors.numpy import load_file

from assembly_rl.runs import RunDirectory


def tensors(run: Path) -> dict[str, bytes]:
    """Every tensor of the last checkpoint: networks, optimizers, replay, random states."""
    last = sorted((run / "checkpoints").glob("step_*"))[-1]
    return {
        f"{file.name}/{name}": array.tobytes()
        for file in sorted(last.glob("*.safetensors"))
        for name, array in load_file(file).items()
    }


def rows(run: Path) -> str:
    return (run / "evaluations.csv").read_text() + (run / "episodes.csv").read_text()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    process = start(folder, "train", "algo=td3", *QUICK, "run_dir=run")
    output, _ = process.communicate(timeout=1800)
    assert process.returncode == 0, output
    return folder / "run"


def test_run_directory_tells_everything(uninterrupted: Path) -> None:
    info = json.loads((uninterrupted / "run.json").read_text())
    assert info["config"]["algo"]["name"] == "td3"
    assert info["config"]["task"]["action"]["kind"] == "wrench"
    assert info["seed"] == 0
    result = json.loads((uninterrupted / "result.json").read_text())
    assert result["episodes"] == 2
    assert len((uninterrupted / "held_out.csv").read_text().splitlines()) == 3
    assert (uninterrupted / "checkpoints" / "best").is_dir()
    assert list((uninterrupted / "tensorboard").iterdir())
    kinds = {path.suffix for path in uninterrupted.rglob("*") if path.is_file()}
    assert not kinds & {".pkl", ".zip", ".pt", ".pth"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_stopped_and_resumed_training_equals_the_uninterrupted_one(
    uninterrupted: Path, command: Run, tmp_path: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    process = start(tmp_path, "train", "algo=td3", *QUICK, "run_dir=run")
    deadline = time.monotonic() + 1800
    while not (run / "checkpoints" / "step_0000000100").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    process.communicate(timeout=1800)
    assert process.returncode == (130 if number == signal.SIGTERM else -number)
    stopped = sorted(run.glob("checkpoints/step_*"))[-1].name
    assert stopped < "step_0000000400", "too late to test anything"
    command("train", "resume=run")
    assert tensors(run) == tensors(uninterrupted)
    assert rows(run) == rows(uninterrupted)
    assert json.loads((run / "result.json").read_text()) == json.loads(
        (uninterrupted / "result.json").read_text()
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["geometry=sqare"], "did you mean 'square'? Known: D, L, T, U, circle"),
        (["algo=td4"], "did you mean 'td3'? Known: ddpg, ppo, sac, td3"),
        (["task.policy_rate=30"], "policy_rate 30 Hz must divide control_rate 200 Hz"),
        (["geometry.clearance=0"], "clearance must be more than 0"),
        (["geometry.chamfer=0.02"], "chamfer 0.02 m must be less than the wall"),
        (
            [
                "geometry=polygon",
                "geometry.parameters.vertices=[[0,0],[0.01,0.01],[0.01,0],[0,0.01]]",
            ],
            "Self-intersection",
        ),
        (["geometry=polygon"], "vertices"),
        (["resume=."], "is not a run"),
        (["resume=.", "seed=3"], "keeps its configuration, but for device, steps and verbose: remove seed=3"),
        (["task.observation.groups=[wrench,poze]"], "did you mean 'pose'?"),
        (["algo.gamma=1.5"], "gamma must be in (0, 1], got 1.5"),
    ],
)
def test_bad_input_is_one_clear_error_and_nothing_is_written(
    refused: Run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    assert message in refused("train", *arguments)
    assert not list(tmp_path.iterdir())


def test_a_run_is_never_overwritten(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "something").write_text("precious")
    assert "never overwrites" in refused("train", "run_dir=run")
    assert (tmp_path / "run" / "something").read_text() == "precious"


@pytest.mark.parametrize("algorithm", ["ddpg", "sac", "ppo"])
def test_other_algorithms_learn_and_are_evaluated(command: Run, tmp_path: Path, algorithm: str) -> None:
    own = QUICK
    if algorithm == "ppo":
        own = [text for text in QUICK if not text.startswith(("algo.learning_starts", "algo.batch_size"))]
        own += ["algo.batch_size=20", "algo.rollout=100", "environments=2"]
    command("train", f"algo={algorithm}", *own, "run_dir=run")
    shown = command("eval", "run=run", "episodes=2", "output=rows.csv")
    assert "run" in shown
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("engine", ["bullet", "mujoco"])
def test_pictures_are_made_and_a_video_if_the_engine_draws_pictures(
    command: Run, tmp_path: Path, engine: str
) -> None:
    quick = [text for text in QUICK if text != "pictures=false"]
    command("train", "algo=td3", *quick, f"task.physics.engine={engine}", "run_dir=run")
    made = {str(path.relative_to(tmp_path / "run")) for path in tmp_path.glob("run/[fv]i*/*")}
    videos = {"videos/episode.mp4", "videos/episode.gif"} if engine == "bullet" else set()
    assert made == {"figures/learning_curve.png", "figures/episode.png"} | videos


def test_hydras_switch_shows_the_whole_error(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ValueError, match="clearance must be more than 0"):
        command("train", "geometry.clearance=0")


def test_a_finished_training_says_so_and_is_unchanged(command: Run, tmp_path: Path) -> None:
    first = command("train", "algo=td3", *QUICK, "run_dir=run")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    again = command("train", "resume=run")
    assert "has ended after its 400 steps" in again and "steps=800" in again
    assert again.splitlines()[-5:] == first.splitlines()[-6:-1]  # the same table
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}


def test_a_finished_training_goes_on_with_more_steps(
    uninterrupted: Path, command: Run, tmp_path: Path
) -> None:
    shorter = ["steps=200" if text.startswith("steps=") else text for text in QUICK]
    command("train", "algo=td3", *shorter, "run_dir=run")
    command("train", "resume=run", "steps=400")
    assert tensors(tmp_path / "run") == tensors(uninterrupted)
    assert (tmp_path / "run" / "result_200.json").is_file()
    assert (
        json.loads((tmp_path / "run" / "continuations.json").read_text())["continuations"][0]["steps"] == 400
    )


@pytest.mark.parametrize("folder", ["/proc/foo", "/dev/null/run"])
def test_a_folder_that_cannot_be_written_is_one_line(refused: Run, folder: str) -> None:
    assert f"{folder} cannot be written" in refused("train", *QUICK, f"run_dir={folder}")


def test_a_run_of_a_stranger_writes_nothing_outside(
    uninterrupted: Path, refused: Run, tmp_path: Path
) -> None:
    shutil.copytree(uninterrupted, tmp_path / "run")
    (tmp_path / "outside.csv").write_bytes((uninterrupted / "episodes.csv").read_bytes())
    (tmp_path / "run" / "episodes.csv").unlink()
    (tmp_path / "run" / "episodes.csv").symlink_to(tmp_path / "outside.csv")
    assert "run/episodes.csv is a symbolic link" in refused("train", "resume=run", "steps=500")
    assert (tmp_path / "outside.csv").read_bytes() == (uninterrupted / "episodes.csv").read_bytes()
    assert not (tmp_path / "run" / ".lock").exists()


def test_a_run_that_is_being_written_is_not_written_by_another(
    uninterrupted: Path, refused: Run, tmp_path: Path
) -> None:
    shutil.copytree(uninterrupted, tmp_path / "run")
    with RunDirectory.open(tmp_path / "run").claimed():
        assert f"run is being written by process {os.getpid()} on" in refused("train", "resume=run")
        assert "never overwrites another" in refused("train", "run_dir=run")


def test_fewer_steps_than_there_were_are_refused(command: Run, refused: Run, tmp_path: Path) -> None:
    shorter = ["steps=100" if text.startswith("steps=") else text for text in QUICK]
    command("train", "algo=td3", *shorter, "run_dir=run")
    assert "give more than that, got 50" in refused("train", "resume=run", "steps=50")

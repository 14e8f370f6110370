"""A trained controller on its way to a robot, as a user types it."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import QUICK, Run
from rerun.chunk import RrdReader
from safetensors.numpy import load_file

from assembly_rl.controllers import load_bundle
from assembly_rl.controllers.validation import InputWarning
from assembly_rl.deployment.export import export_run
from assembly_rl.deployment.replay import replay_recording
from assembly_rl.envs import PegHole
from assembly_rl.envs.simulation import SimulatedRobot, insert
from assembly_rl.runs import RunDirectory
from assembly_rl.training.loading import load_policy


@pytest.mark.parametrize("algorithm", ["sac", "ppo", "ddpg"])
def test_a_run_leaves_as_bundle_network_and_page(algorithm: str, command: Run, tmp_path: Path) -> None:
    own = QUICK
    if algorithm == "ppo":
        own = [text for text in own if not text.startswith(("algo.learning_starts", "algo.batch_size"))]
        own += ["algo.batch_size=20", "algo.rollout=100", "algo.epochs=2"]
    command("train", f"algo={algorithm}", *own, "run_dir=run")
    shown = command("export", "run=run", "episodes=3", "tool_mass=1.2", "centre_of_mass=[0,0,-0.03]")
    assert "largest difference of an action over" in shown and "steps: 0" in shown
    assert "--soc_version=Ascend310P3" in shown
    folder = tmp_path / "run" / "export"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "atc.sh",
        "policy.onnx",
        "run.bundle",
    ]
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "1.2 kg at (0, 0, -0.03) m" in page and "| `step` | 200 Hz" in page
    assert "wrench:1,6;pose:1,6;last_action:1,6" in (folder / "atc.sh").read_text()
    controller = load_bundle(folder / "run.bundle")
    assert controller.manifest.provenance["evaluation"]["episodes"] == 3
    assert controller.manifest.provenance["algorithm"] == algorithm
    actor = load_policy(RunDirectory.open(tmp_path / "run")).actor
    for own_layer, layer in zip(actor.layers, controller._policy.layers, strict=True):
        np.testing.assert_array_equal(own_layer[0], layer[0])


def test_what_was_recorded_is_replayed(command: Run, refused: Run, tmp_path: Path) -> None:
    command("train", *QUICK, "run_dir=run")
    command("export", "run=run", "episodes=1", "output=out")
    assert "out exists; nothing is overwritten" in refused("export", "run=run", "output=out")
    bundle = tmp_path / "out" / "run.bundle"
    controller, robot = load_bundle(bundle), SimulatedRobot(PegHole())
    insert(robot, controller, 3)
    robot.close()
    controller.recording().save(tmp_path / "a.csv")
    shown = command("replay", "bundle=out/run.bundle", "recording=a.csv")
    assert (
        "commands, bundle less recording" in shown and (tmp_path / "a-replayed.png").stat().st_size > 20_000
    )
    assert "a-replayed.csv exists" in refused("replay", "bundle=out/run.bundle", "recording=a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    bare = [",".join(line.split(",")[1:15]) if "," in line else line for line in lines]
    (tmp_path / "b.csv").write_text("\n".join(bare) + "\n")
    assert "no commands to compare with" in command("replay", "bundle=out/run.bundle", "recording=b.csv")
    assert "none.bundle cannot be read" in refused(
        "replay", "bundle=none.bundle", "recording=a.csv", "output=x"
    )
    assert "none.csv cannot be read" in refused("replay", "bundle=out/run.bundle", "recording=none.csv")


def test_export_and_replay_as_functions(command: Run, tmp_path: Path) -> None:
    command("train", *QUICK, "run_dir=run")
    insertions: list[None] = []
    exported = export_run(
        tmp_path / "run", tmp_path / "out", episodes=2, progress=lambda: insertions.append(None)
    )
    assert exported.episodes == 2 and len(insertions) == 4  # in either engine
    assert "in bullet" in exported.notes[-1] and "in mujoco" in exported.notes[-1]
    assert exported.bundle == tmp_path / "out" / "run.bundle" and exported.bundle.is_file()
    assert exported.sha256 in (exported.folder / "README.md").read_text(encoding="utf-8")
    assert exported.steps > 0 and exported.action_difference < 1e-6
    assert exported.successes == exported.trained_successes
    controller, robot = load_bundle(exported.bundle), SimulatedRobot(PegHole())
    insert(robot, controller, 3)
    robot.close()
    controller.recording().save(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"watch must be viewer, or a file that ends in .rrd, got 'window'"):
        replay_recording(exported.bundle, tmp_path / "a.csv", watch="window")
    replay = replay_recording(exported.bundle, tmp_path / "a.csv", watch=str(tmp_path / "a.rrd"))
    assert replay.differences is not None and not replay.differences.any()
    assert replay.differences.shape == (len(replay.recorded), 6)
    assert (replay.state, replay.reason) == (str(controller.state), controller.reason)
    assert replay.table.is_file() and replay.picture.is_file()
    shown = {"measured": [], "bundle": []}
    for chunk in RrdReader(tmp_path / "a.rrd").stream():
        if not chunk.is_static and chunk.entity_path[1:] in shown:
            shown[chunk.entity_path[1:]] += chunk.to_record_batch().column("Scalars:scalars").to_pylist()
    assert len(shown["measured"]) == len(shown["bundle"]) == len(replay.recorded)
    # The tip is 40 mm below the flange; the hole is nearly upright.
    flange = 1e3 * (replay.replayed.commands[:, 2] - replay.recorded.hole[0][2])
    assert [z for _, _, z in shown["bundle"]] == pytest.approx(flange - 40.0, abs=1.5)


@pytest.mark.filterwarnings("always::assembly_rl.controllers.validation.InputWarning")
def test_a_bundle_for_a_robot_that_lags_and_with_another_law(
    command: Run, refused: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ranges = ["task.robot.response.lag=[0,0.02]", "task.robot.response.delay=[0,0]"]
    heavy = ["task.compliance.damping=[600,600,800,9,9,9]"]  # a law that no lag of this test makes unstable
    command("train", *QUICK, *ranges, *heavy, "run_dir=run")
    capsys.readouterr()
    within = command("export", "run=run", "episodes=2", "lag=0.01", "output=a")
    assert "lag 10 ms, delay 0 ms, within the training's lag 0 to 20 ms, delay 0 ms" in within
    damping = [700.0, 700.0, 800.0, 9.0, 9.0, 9.0]
    other = f"compliance.damping={damping}".replace(" ", "")
    command("export", "run=run", "episodes=2", "lag=0.03", other, "output=b")
    own, law = load_bundle(tmp_path / "a" / "run.bundle"), load_bundle(tmp_path / "b" / "run.bundle")
    for controller in (own, law):
        response = controller.manifest.response
        assert response is not None and (response.lag, response.delay) == ([0.0, 0.02], [0.0, 0.0])
    assert np.diag(own.manifest.law.law().damping).tolist() == [600.0, 600.0, 800.0, 9.0, 9.0, 9.0]
    assert np.diag(law.manifest.law.law().damping).tolist() == damping
    page = (tmp_path / "b" / "README.md").read_text(encoding="utf-8")
    assert "in training it was lag 0 to 20 ms, delay 0 ms" in page
    assert "- lag 30 ms, delay 0 ms, outside of the training's" in page and "- law with damping [700," in page
    assert "robot with lag 30 ms, delay 0 ms" in page
    for arguments, message in (
        (["lag=-1"], "lag must be >= 0"),
        (["delay=2"], "delay must be <= 1 in SI units"),
        (["compliance.damping=[1,2]"], "damping must be six numbers"),
        (["compliance.damping=[1,1,1,0,0,0]"], "the law is unstable against contact stiffness[x]"),
    ):
        assert message in refused("export", "run=run", "episodes=2", *arguments, "output=c")
    assert not (tmp_path / "c").exists()


def test_a_lag_outside_of_the_training_is_warned_of(
    command: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command("train", *QUICK, "task.robot.response.lag=[0,0.02]", "run_dir=run")
    with pytest.warns(InputWarning, match="lag 25 ms, delay 0 to 10 ms is outside of .* lag 0 to 20 ms"):
        export_run(tmp_path / "run", tmp_path / "out", episodes=1, lag=0.025)


def test_what_a_robot_does_not_measure_is_not_exported(command: Run, refused: Run) -> None:
    command("train", *QUICK, "task.observation.groups=[wrench,pose,twist]", "run_dir=run")
    assert "sees 'twist', which a robot does not measure" in refused("export", "run=run")
    assert "nothing to export: give run=<dir>" in refused("export")
    assert "none is not a run" in refused("export", "run=none")


def test_run_directories_hold_nothing_that_could_be_unpickled(command: Run, tmp_path: Path) -> None:
    """Every file that a training leaves and that a command reads is JSON, CSV or safetensors."""
    command("train", *QUICK, "run_dir=run")
    kinds = {".json": json.loads, ".csv": str, ".safetensors": None}
    read = [
        path for path in (tmp_path / "run").rglob("*") if path.is_file() and "tensorboard" not in str(path)
    ]
    assert len(read) > 5
    for path in read:
        assert path.suffix in kinds, path
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".safetensors":
            load_file(path)


def test_a_pickle_planted_in_a_run_does_not_run(command: Run, refused: Run, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> object:
            return Path.mkdir, (tmp_path / "ran",)

    payload = pickle.dumps(Payload())
    command("train", *QUICK, "run_dir=run")
    run = tmp_path / "run"
    shutil.copytree(run, tmp_path / "kept")
    members = [path for path in run.rglob("*") if path.suffix in (".safetensors", ".json")]
    assert {path.name for path in members} >= {"run.json"} and len(members) > 3
    for path in members:
        path.write_bytes(payload)
        saved = "step_" in path.parent.name  # read by a training that goes on, others by an export
        try:
            command(*(("train", "resume=run") if saved else ("export", "run=run")))
        except SystemExit as stop:
            assert stop.code == 2
        shutil.rmtree(run)  # a damaged checkpoint was moved aside
        shutil.copytree(tmp_path / "kept", run)
    assert not (tmp_path / "ran").exists()
    pickle.loads(payload)  # it would have run
    assert (tmp_path / "ran").exists()

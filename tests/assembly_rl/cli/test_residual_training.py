"""A training on the base of a hand-written controller, as a user types it."""

import json
import signal
import time
from pathlib import Path

from command_line import Run, start
from test_train import rows, tensors

from assembly_rl.controllers import load_bundle
from assembly_rl.controllers.bundles import read_bundle

RESIDUAL = [
    "experiment=residual",
    "algo.batch_size=16",
    "algo.network=[8]",
    "algo.gradient_steps=1",
    "method.actor=[8]",
    "method.warm_up=60",
    "method.anneal=200",
    "steps=400",
    "checkpoint_every=100",
    "evaluation.every=200",
    "evaluation.episodes=2",
    "evaluation.held_out=2",
    "pictures=false",
    "task.limits.time=1.5",
]


def test_stopped_and_resumed_it_is_the_same(command: Run, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    process = start(tmp_path / "whole", "train", *RESIDUAL, "run_dir=run")
    output, _ = process.communicate(timeout=1800)
    assert process.returncode == 0, output
    run, whole = tmp_path / "run", tmp_path / "whole" / "run"
    process = start(tmp_path, "train", *RESIDUAL, "run_dir=run")
    deadline = time.monotonic() + 1800
    while not (run / "checkpoints" / "step_0000000100").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=1800)
    stopped = sorted(run.glob("checkpoints/step_*"))[-1].name
    assert stopped < "step_0000000400", "too late to test anything"
    command("train", "resume=run")
    assert tensors(run) == tensors(whole)
    assert rows(run) == rows(whole)


def test_its_bundle_adds_to_the_base(command: Run, tmp_path: Path) -> None:
    command("train", *RESIDUAL, "run_dir=run")
    command("export", "run=run", "output=out")  # compares the bundle's actions with those of the environment
    (bundle,) = (tmp_path / "out").glob("*.bundle")
    hidden, _ = read_bundle(bundle).policy.layers
    assert len(hidden[1]) == 8 * 8  # the views of the averaged actor, side by side
    base = load_bundle(bundle).manifest.insertion.base
    written = json.loads((tmp_path / "run" / "run.json").read_text())["config"]["task"]["base"]
    assert (base.guidance, base.parameters) == (written["guidance"], written["parameters"])
    assert base.guidance == "reflex"
    assert "hand-written controller `reflex`" in (tmp_path / "out" / "README.md").read_text()


def test_without_a_base_it_is_one_clear_error(refused: Run, tmp_path: Path) -> None:
    assert "give task.base.guidance" in refused("train", "method=residual")
    assert not list(tmp_path.iterdir())

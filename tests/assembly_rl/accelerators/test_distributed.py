"""Two processes learn one policy (torchrun, gloo), by the command that a user types."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

QUICK = [
    "algo.learning_starts=40", "algo.batch_size=16", "algo.network=[8]", "steps=120", "checkpoint_every=60",
    "evaluation.every=60", "evaluation.episodes=2", "evaluation.held_out=2", "pictures=false",
]  # fmt: skip


def torchrun(folder: Path, *arguments: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    return subprocess.run(
        [*line, "-m", "assembly_rl.cli.train", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=1800, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def tensors(run: Path, step: int, name: str = "policy") -> dict[str, np.ndarray]:
    return load_file(run / "checkpoints" / f"step_{step:010}" / f"{name}.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parallel")
    done = torchrun(folder, "algo=td3", "run_dir=run", *QUICK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("held-out episodes") == 1  # one process evaluates and speaks
    return folder


def test_both_processes_have_learned_the_same_from_different_episodes(folder: Path) -> None:
    first, second = (tensors(path, 120) for path in (folder / "run", folder / "run" / "rank_1"))
    before = tensors(folder / "run", 60)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)
        assert np.abs(value - before[name]).max() > 1e-4, f"{name} has not learned"
    rows = [(path / "episodes.csv").read_text() for path in (folder / "run", folder / "run" / "rank_1")]
    assert rows[0] != rows[1]


def test_it_goes_on_from_the_last_checkpoint_that_both_have(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "run", tmp_path / "run")
    for checkpoint in tmp_path.glob("run/rank_1/checkpoints/step_*120"):
        shutil.rmtree(checkpoint)
    done = torchrun(tmp_path, "resume=run")
    assert done.returncode == 0, done.stdout + done.stderr
    for path in ("run", "run/rank_1"):
        for kind in ("policy", "training"):
            again, once = (tensors(root / path, 120, kind) for root in (tmp_path, folder))
            for name, value in once.items():
                np.testing.assert_array_equal(again[name], value, err_msg=f"{path} {name}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["algo=ppo"], "several processes learn without a plan, and with sac, td3 or ddpg"),
        (["plan=auto"], "several processes learn without a plan, and with sac, td3 or ddpg"),
        (["device=auto"], "several processes need device=cpu, device=cuda or device=npu, got auto"),
    ],
)
def test_what_several_processes_cannot_do(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = torchrun(tmp_path, "run_dir=run", *arguments)
    assert done.returncode != 0
    assert f"error: {told}" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_run_of_two_is_not_one_of_one(folder: Path) -> None:
    done = torchrun(folder, "resume=run", processes=1)
    assert "error: run is a run of 2 process(es), not of 1" in done.stderr

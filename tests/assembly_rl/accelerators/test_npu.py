"""Training on a device called ``npu``: the memory is the host's, everything else is as with a real one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file

FAKE = Path(__file__).parent / "npu"
QUICK = [
    "algo.learning_starts=40", "algo.batch_size=16", "algo.network=[8]", "steps=120", "checkpoint_every=60",
    "evaluation.every=60", "evaluation.episodes=2", "evaluation.held_out=2", "pictures=false",
]  # fmt: skip

PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # ninja comes with [dev]

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None or shutil.which("ninja", path=PATH) is None,
    reason="builds a backend: needs g++ and ninja",
)


def run(folder: Path, *line: str, fake: bool = True) -> subprocess.CompletedProcess[str]:
    places = [str(FAKE)] * fake + os.environ.get("PYTHONPATH", "").split(os.pathsep)
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PATH": PATH,
        "PYTHONPATH": os.pathsep.join(filter(None, places)),
    }
    return subprocess.run(
        [sys.executable, *line], cwd=folder, capture_output=True, text=True, timeout=1800, env=environment
    )


def train(folder: Path, *arguments: str, fake: bool = True) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "assembly_rl.cli.train", *arguments, fake=fake)


def policy(run: Path, step: int) -> dict:
    return load_file(run / "checkpoints" / f"step_{step:010}" / "policy.safetensors")


def test_the_smoke_script_finds_the_numbers_of_the_cpu(tmp_path: Path) -> None:
    done = run(tmp_path, str(Path(__file__).parents[3] / "scripts" / "npu_smoke.py"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" ok ") == 4
    refused = run(tmp_path, str(Path(__file__).parents[3] / "scripts" / "npu_smoke.py"), fake=False)
    assert refused.returncode == 2 and "pip install 'assembly_rl[npu]'" in refused.stdout


@pytest.mark.parametrize("algo", ["td3", "ppo"])
def test_a_training_on_an_npu_learns(tmp_path: Path, algo: str) -> None:
    quick = [text for text in QUICK if algo != "ppo" or "learning_starts" not in text]
    quick += ["algo.rollout=30"] if algo == "ppo" else []
    done = train(tmp_path, f"algo={algo}", "device=npu", "run_dir=run", *quick)
    assert done.returncode == 0, done.stdout + done.stderr
    before, after = (policy(tmp_path / "run", step) for step in (60, 120))
    assert all(abs(after[name] - before[name]).max() > 1e-4 for name in after if "log_std" not in name)


def test_a_run_of_an_npu_goes_on_without_one(tmp_path: Path) -> None:
    done = train(tmp_path, "device=npu", "run_dir=run", *QUICK)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "step_0000000120")
    (tmp_path / "run" / "result.json").unlink()  # as if it had been stopped before
    refused = train(tmp_path, "resume=run", fake=False)
    assert refused.returncode == 2 and "pip install 'assembly_rl[npu]'" in refused.stderr
    done = train(tmp_path, "resume=run", "device=cpu", fake=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert policy(tmp_path / "run", 120)


def test_connections_are_masked_on_an_npu(tmp_path: Path) -> None:
    own = [text for text in QUICK if not text.startswith(("steps", "checkpoint_every", "evaluation.every"))]
    own += [
        "method=lcrl",
        "method.edges=cs3",
        "method.critics=global",
        "method.threshold=chance",
        "method.samples=560",
    ]
    own += ["method.head=[2]", "steps=600", "checkpoint_every=600", "evaluation.every=600"]
    done = train(tmp_path, "algo=td3", "device=npu", "run_dir=run", *own)
    assert done.returncode == 0, done.stdout + done.stderr
    tensors = policy(tmp_path / "run", 600)
    weight, mask = tensors["actor.mu.0.weight"], tensors["actor.mu.0.mask"]
    assert 0.0 < mask.mean() < 1.0
    assert not weight[mask == 0.0].any() and weight[mask == 1.0].all()


def test_action_components_are_tied_on_an_npu(tmp_path: Path) -> None:
    own = [text for text in QUICK if not text.startswith(("steps", "checkpoint_every", "evaluation.every"))]
    own += ["method=pead", "method.stages=[['x y','z','rx ry rz'],[x,'y',z,rx,ry,rz]]", "method.shares=[0.5]"]
    own += ["method.freeze=20", "method.ramp=50", "steps=300", "checkpoint_every=150", "evaluation.every=300"]
    done = train(tmp_path, "algo=td3", "device=npu", "run_dir=run", *own)
    assert done.returncode == 0, done.stdout + done.stderr
    tied, free = (policy(tmp_path / "run", step)["actor.mu.2.weight"] for step in (150, 300))
    assert (tied[0] == tied[1]).all() and (tied[3] == tied[5]).all()
    assert (free[0] != free[1]).any() and (free[3] != free[5]).any()

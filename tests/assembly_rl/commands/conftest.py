"""The commands as a user types them, each in a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

QUICK = [
    "algo.learning_starts=40",
    "algo.batch_size=16",
    "algo.network=[8]",
    "steps=400",
    "checkpoint_every=100",
    "evaluation.every=200",
    "evaluation.episodes=2",
    "evaluation.held_out=2",
    "pictures=false",
]


@pytest.fixture
def command(tmp_path: Path) -> Run:
    """Runs ``python -m assembly_rl.<name>`` in an empty directory."""

    def run(name: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", f"assembly_rl.{name}", *arguments]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run

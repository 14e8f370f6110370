"""A quick training, and a command in a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., str]

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
    "task.limits.time=1.5",
]
NARROW = "task.observation.groups=[wrench,pose,last_action]"
"""A state of 18 components, of which a graph is estimated in seconds."""


def start(folder: Path, name: str, *arguments: str) -> subprocess.Popen[str]:
    """``python -m assembly_rl.cli.<name>`` in a folder, in a process of its own."""
    line = [sys.executable, "-m", f"assembly_rl.cli.{name}", *arguments]
    return subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

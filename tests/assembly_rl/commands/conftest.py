"""The commands as a user types them."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
]


def start(folder: Path, name: str, *arguments: str) -> subprocess.Popen[str]:
    """``python -m assembly_rl.<name>`` in a folder, in a process of its own."""
    line = [sys.executable, "-m", f"assembly_rl.{name}", *arguments]
    return subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs a command's entry point in an empty directory; returns what it printed."""

    def run(name: str, *arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [f"assembly-rl-{name}", *arguments])
        importlib.import_module(f"assembly_rl.{name}").main()
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(command: Run, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that has to refuse its input with exit code 2; returns its one line of error."""

    def run(name: str, *arguments: str) -> str:
        with pytest.raises(SystemExit) as stop:
            command(name, *arguments)
        assert stop.value.code == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1, error
        return error

    return run

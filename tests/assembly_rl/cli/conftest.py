"""The commands as a user types them."""

import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from command_line import Run


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs a command's entry point in an empty directory; returns what it printed."""

    def run(name: str, *arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [f"assembly-rl-{name}", *arguments])
        (entry,) = entry_points(group="console_scripts", name=f"assembly-rl-{name}")
        entry.load()()
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

"""Progress where there is no terminal: lines from time to time."""

import io

import pytest
from rich.console import Console

from assembly_rl.reports import progress
from assembly_rl.training.progress import TrainingProgress


def shown(period: float, monkeypatch: pytest.MonkeyPatch, terminal: bool = False) -> str:
    monkeypatch.setattr(progress, "LINE_PERIOD", period)
    file = io.StringIO()
    bar = TrainingProgress(4000, Console(file=file, width=110, force_terminal=terminal))
    with bar:
        for success in (True, False, True, True):
            bar.count_episode(success)
        bar.update(1500)
        bar.update(2000)
    return file.getvalue()


def test_a_file_gets_lines_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(0.0, monkeypatch).splitlines()
    assert lines[0].startswith("training, 75 % succeed: 1,500 of 4,000 steps")
    assert lines[1].startswith("training, 75 % succeed: 2,000 of 4,000 steps")
    assert len(lines) == 3 and "2000/4000 steps" in lines[2]


def test_not_more_often_than_the_period(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(shown(60.0, monkeypatch).splitlines()) == 1


def test_a_terminal_has_the_bar_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "1,500 of 4,000" not in shown(0.0, monkeypatch, terminal=True)

"""A study that is killed goes on; a cell that dies is told; one cell gives one result."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from assembly_rl.runs import RunError
from assembly_rl.runs.lock import FolderLock
from assembly_rl.studies.cells import Cell
from assembly_rl.studies.config import ComparedMethodConfig, StudyConfig
from assembly_rl.studies.expansion import expand
from assembly_rl.studies.run import cell_folder, failure, is_done, run_cell, run_cells

TINY = [
    "~study.conditions.hard",
    "~study.methods.dither",
    "~study.methods.reflex",
    "study.conditions.default.geometries=[square]",
    "study.algorithms=[sac]",
    "study.seeds=[0,1]",
    "study.steps=400",
    "study.every=100",
    "study.validation=2",
    "study.episodes=3",
]
ROWS = ("held_out.csv", "evaluations.csv", "episodes.csv")


def benchmark(folder: Path, *overrides: str) -> subprocess.Popen:
    keys = {text.partition("=")[0] for text in overrides}
    own = [text for text in TINY if text.partition("=")[0] not in keys]
    command = [sys.executable, "-m", "assembly_rl.cli.benchmark", *own, f"output={folder}", *overrides]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder.parent,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def rows(folder: Path) -> dict[str, bytes]:
    return {
        f"{cell.name}/{name}": (cell / name).read_bytes()
        for cell in sorted((folder / "cells").iterdir())
        for name in ROWS
        if (cell / name).is_file()
    }


def evaluation() -> list[Cell]:
    method = ComparedMethodConfig(controller={"default": "fixed"})
    return expand(StudyConfig("", {"fixed": method}, episodes=2))


def broken() -> Cell:
    """Its weights are infinite after the first update."""
    study = StudyConfig(
        "Does it diverge?",
        {"broken": ComparedMethodConfig(["task.reward.time=-1e300", "algo.learning_starts=50"])},
        seeds=[0],
        steps=400,
        every=200,
        validation=2,
        episodes=2,
    )
    return expand(study)[0]


def wait_for_validations(folder: Path, process: subprocess.Popen, lines: int) -> None:
    """Until a training has written so many, with the header."""
    deadline = time.monotonic() + 1800
    while time.monotonic() < deadline and process.poll() is None:
        logs = [path.read_text() for path in folder.glob("cells/learned*/evaluations.csv")]
        if any(log.count("\n") >= lines for log in logs):
            return
        time.sleep(0.02)
    raise AssertionError(f"no {lines} lines: {process.poll()}")


def done(folder: Path) -> int:
    return len(list(folder.glob("cells/*/result.json")))


def test_a_study_that_is_killed_gives_the_rows_of_one_that_is_not(tmp_path: Path) -> None:
    """Stopped by SIGTERM in the middle of two trainings, later by SIGKILL, then run to the end."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    first = benchmark(whole)
    assert "3 of 3 cells done, 0 died" in first.communicate(timeout=1800)[0]
    process = benchmark(cut)
    wait_for_validations(cut, process, 2)
    process.terminate()
    output = process.communicate(timeout=1800)[0]
    assert process.returncode == 130 and "the same command goes on" in output
    assert done(cut) < 2
    process = benchmark(cut)
    wait_for_validations(cut, process, 4)
    process.kill()
    process.communicate(timeout=1800)
    last = benchmark(cut)
    assert "3 of 3 cells done, 0 died" in last.communicate(timeout=1800)[0]
    assert rows(cut) == rows(whole)
    assert len(rows(whole)) == 2 * 3 + 1


def test_two_processes_do_not_run_one_cell(tmp_path: Path) -> None:
    (cell,) = evaluation()
    (tmp_path / "logs").mkdir()
    with (
        FolderLock(f".{cell.name}.lock").holding(tmp_path / "logs"),
        pytest.raises(RunError, match=f"is being written by process {os.getpid()} on "),
    ):
        run_cell(tmp_path, cell)
    run_cell(tmp_path, cell)
    assert is_done(tmp_path, cell)


def test_a_cell_that_dies_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    bad, good = broken(), evaluation()
    lines = Console(record=True, width=300, file=io.StringIO())
    assert run_cells(tmp_path, [bad, *good], 1, lines)
    assert is_done(tmp_path, good[0]) and not is_done(tmp_path, bad)
    why = failure(tmp_path, bad)
    assert why and "nan" in why.lower()
    assert f"died {bad.name}: " in lines.export_text()
    with pytest.raises(Exception, match="(?i)nan"):
        run_cell(tmp_path, bad)
    assert failure(tmp_path, good[0]) is None
    assert (cell_folder(tmp_path, good[0]) / "cell.json").is_file()


def test_cells_run_one_by_one_for_launchers_and_are_reported_together(tmp_path: Path) -> None:
    """The first training diverges until it dies; the sweep goes on, and the report says so."""
    diverging = [
        "study.methods.learned.overrides=['task.reward.time=-1e300', 'algo.learning_starts=50']",
        "study.seeds=[0]",
    ]
    sweep = benchmark(tmp_path / "study", *diverging, "cell=range(0,2)", "-m")
    output = sweep.communicate(timeout=1800)[0]
    assert sweep.returncode == 0, output
    assert "died learned_default-square-0.1mm_seed0" in output
    last = benchmark(tmp_path / "study", *diverging, "processes=0")
    output = last.communicate(timeout=1800)[0]
    assert last.returncode == 0 and "1 of 2 cells done, 1 died" in output
    text = (tmp_path / "study" / "report" / "README.md").read_text(encoding="utf-8")
    assert "  - died: learned_default-square-0.1mm_seed0" in text
    assert "command: `assembly-rl-benchmark '~study.conditions.hard" in text
    (line,) = [line for line in text.splitlines() if line.startswith("| learned | 1 |")]
    assert "| 0.0 % |" in line and "0 of 1 got there" in line

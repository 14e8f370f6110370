"""Execution of the cells of a study: each in its own process, resumable, with reports of failures."""

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType
from typing import TextIO

from rich.console import Console

from assembly_rl.accelerators.processes import exit_with_parent
from assembly_rl.reports.progress import progress_bar
from assembly_rl.runs import RunError
from assembly_rl.runs.files import FULL, read_bytes, write_bytes, writing
from assembly_rl.runs.folders import require_own_files
from assembly_rl.runs.lock import FolderLock, open_own, require_own
from assembly_rl.runs.rows import whole_lines
from assembly_rl.studies.cells import Cell
from assembly_rl.training.results import RESULT, read_result

POLL = 0.5
"""Period of the checks of running cells [s]."""


def cell_folder(study: Path, cell: Cell) -> Path:
    """Return the folder of a cell in that of its study; for a training it is the run directory."""
    return study / "cells" / cell.name


def is_done(study: Path, cell: Cell) -> bool:
    """Return True if a cell has its result."""
    return (cell_folder(study, cell) / RESULT).is_file()


def count_stale_cells(study: Path, cells: Sequence[Cell]) -> int:
    """Count the cells in the folder of a study from other code or another configuration.

    Args:
        study: Folder of the study.
        cells: Present cells of the study.
    """
    names = {cell.name for cell in cells}
    return sum(home.name not in names for home in (study / "cells").glob("*"))


def failure(study: Path, cell: Cell) -> str | None:
    """Return the last line of the traceback of a cell's latest run; None if it did not fail."""
    path = _failure_file(study, cell)
    return _last_line(read_bytes(path)) if path.is_file() else None


def _last_line(content: bytes) -> str:
    return (content.decode(errors="replace").strip().splitlines() or ["it left no message"])[-1]


def _failure_file(study: Path, cell: Cell) -> Path:
    return study / "failures" / f"{cell.name}.txt"


def run_cell(study: Path, cell: Cell) -> None:
    """Run a cell to its end, or resume it; the traceback of a failure is kept.

    Args:
        study: Folder of the study.
        cell: Cell that is run.

    Raises:
        SystemExit: A signal stopped the cell; it can be resumed.
        RunError: Another process is running the cell.
        Exception: The cell failed with this error.
    """
    for name in ("cells", "failures", "logs"):
        with writing(study / name):
            (study / name).mkdir(parents=True, exist_ok=True)
        require_own(study / name)
    lock = FolderLock(f".{cell.name}.lock")
    with lock.holding(study / "logs"), _log(study / "logs" / f"{cell.name}.txt") as log:
        home = cell_folder(study, cell)
        require_own(home)
        require_own_files(home)
        if is_done(study, cell):
            return
        _failure_file(study, cell).unlink(missing_ok=True)
        begin = time.monotonic()
        try:
            with writing(home, FULL):
                cell.run(home, Console(file=log, width=110))
        except Exception:
            write_bytes(_failure_file(study, cell), traceback.format_exc().encode())
            raise
        finally:
            if home.is_dir():
                _note_time(home, time.monotonic() - begin)


def _log(path: Path) -> TextIO:
    with writing(path):
        return open(open_own(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "a", encoding="utf-8")


def wall_clock(study: Path, cell: Cell) -> float:
    """Return the running time of a cell [s], without the time after the last checkpoint before a kill -9."""
    path = cell_folder(study, cell) / "wall_clock.txt"
    if not path.is_file():
        return float("nan")
    try:
        return sum(map(float, whole_lines(read_bytes(path)).split()))
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}; remove it") from error


def _note_time(home: Path, seconds: float) -> None:
    path = home / "wall_clock.txt"
    before = whole_lines(read_bytes(path)) if path.exists() else b""
    write_bytes(path, before + f"{seconds:.1f}\n".encode())


def _cell_process(study: Path, cell: Cell, parent: int) -> None:
    exit_with_parent(parent)
    run_cell(study, cell)


def run_cells(study: Path, cells: Sequence[Cell], processes: int | None, console: Console) -> bool:
    """Run all cells that are not done in parallel, and show the progress.

    After Ctrl-C or SIGTERM the running cells save; the next call resumes them. The failure of a cell is
    reported, and does not stop the others.

    Args:
        study: Folder of the study.
        cells: Cells of the study.
        processes: Number of parallel cells; None for one per core.
        console: Console of the progress.

    Returns:
        True if all cells ended, failed ones included; False if a signal came first.
    """
    waiting = [cell for cell in cells if not is_done(study, cell)]
    running: dict[SpawnProcess, Cell] = {}
    count = processes or len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")  # torch and PyBullet, once in use, do not survive a fork
    with _received_signals() as stopped, progress_bar(console, transient=False) as bar:
        progress = bar.add_task("policy steps", total=sum(cell.steps for cell in waiting))
        finished = 0
        while running or (waiting and not stopped):
            while waiting and len(running) < count and not stopped:
                cell = waiting.pop(0)
                process = context.Process(target=_cell_process, args=(study, cell, os.getpid()))
                process.start()
                running[process] = cell
            time.sleep(POLL)
            if stopped:
                for process in running:
                    process.terminate()  # SIGTERM: save and exit; a second one has no effect
            for process in [process for process in running if not process.is_alive()]:
                cell = running.pop(process)
                finished += cell.steps
                if is_done(study, cell):
                    bar.console.print(f"  {cell.name}: {_result_line(study, cell)}", highlight=False)
                elif not stopped:
                    why = failure(study, cell) or f"exit code {process.exitcode}"
                    bar.console.print(f"[red]died[/] {cell.name}: {why}")
            partial = sum(_completed_steps(study, cell) for cell in running.values())
            bar.update(progress, completed=finished + partial)
    return not stopped


@contextmanager
def _received_signals() -> Iterator[list[int]]:
    """Yield a list to which SIGINT and SIGTERM are appended."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _result_line(study: Path, cell: Cell) -> str:
    result = read_result(cell_folder(study, cell))
    return f"success {result['success']:.0%}, {wall_clock(study, cell) / 60:.1f} min"


def _completed_steps(study: Path, cell: Cell) -> int:
    return min(cell.completed_steps(cell_folder(study, cell)), cell.steps)

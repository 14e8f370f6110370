"""Runs the cells of a study: each in a process of its own, each resumable, each told when it died."""

import fcntl
import json
import multiprocessing
import os
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

from rich.console import Console

from assembly_rl.cli.train import train
from assembly_rl.configuration.schema import ControllerConfig, plain, train_config
from assembly_rl.envs import TaskConfig
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, Scenario, summarize
from assembly_rl.evaluation.episodes import leave_with
from assembly_rl.evaluation.subjects import guided
from assembly_rl.methods.transfer.carry import carry_over, keep
from assembly_rl.reports.progress import progress_bar
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.files import write_json
from assembly_rl.studies.cells import Cell, Tuning
from assembly_rl.studies.tuning import controller_yaml, tune
from assembly_rl.training.results import write_rows

POLL = 0.5
"""Seconds between looks at the running cells."""


def cell_folder(study: Path, cell: Cell) -> Path:
    """Where a cell leaves its rows; of a training it is the run directory, too."""
    return study / "cells" / cell.name


def is_done(study: Path, cell: Cell) -> bool:
    """Whether a cell has its result."""
    return (cell_folder(study, cell) / "result.json").is_file()


def told_command(overrides: Sequence[str]) -> list[str]:
    """The command that ran a study, without what changes no number."""
    silent = ("output=", "processes=", "cell=", "-m", "--multirun", "hydra/", "hydra.")
    return ["assembly-rl-benchmark", *(text for text in overrides if not text.startswith(silent))]


def others(study: Path, cells: Sequence[Cell]) -> int:
    """How many cells there are beside these: of other code or another configuration."""
    names = {cell.name for cell in cells}
    return sum(home.name not in names for home in (study / "cells").glob("*"))


def failure(study: Path, cell: Cell) -> str | None:
    """Last line of what killed a cell when it ran last; None if nothing did."""
    path = _failure_file(study, cell)
    return path.read_text(encoding="utf-8").strip().splitlines()[-1] if path.is_file() else None


def _failure_file(study: Path, cell: Cell) -> Path:
    return study / "failures" / f"{cell.name}.txt"


def run_cell(study: Path, cell: Cell) -> None:
    """Run a cell to its end, from where it was stopped; what kills it is kept.

    Args:
        study: Folder of the study.
        cell: Which.

    Raises:
        SystemExit: A signal stopped it; it can go on.
        RunError: Another process is running it.
        Exception: What killed it.
    """
    for name in ("cells", "failures", "logs"):
        (study / name).mkdir(parents=True, exist_ok=True)
    with (study / "logs" / f"{cell.name}.txt").open("a", encoding="utf-8") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go of when the process ends, however
        except BlockingIOError:
            raise RunError(f"{cell.name} is being run by another process") from None
        if is_done(study, cell):
            return
        _failure_file(study, cell).unlink(missing_ok=True)
        begin = time.monotonic()
        try:
            if cell.subject is None:
                _train(study, cell, Console(file=log, width=110))
            else:
                _evaluate(study, cell)
        except Exception:
            _failure_file(study, cell).write_text(traceback.format_exc(), encoding="utf-8")
            raise
        finally:
            if cell_folder(study, cell).is_dir():
                _note_time(cell_folder(study, cell), time.monotonic() - begin)


def wall_clock(study: Path, cell: Cell) -> float:
    """Seconds that a cell has run, without the time after a checkpoint that a kill -9 lost."""
    path = cell_folder(study, cell) / "wall_clock.txt"
    return sum(map(float, path.read_text(encoding="utf-8").split())) if path.is_file() else float("nan")


def _note_time(home: Path, seconds: float) -> None:
    with (home / "wall_clock.txt").open("a", encoding="utf-8") as file:
        file.write(f"{seconds:.1f}\n")


def _cell_process(study: Path, cell: Cell, parent: int) -> None:
    leave_with(parent)
    run_cell(study, cell)


def _train(study: Path, cell: Cell, console: Console) -> None:
    home = cell_folder(study, cell)
    try:
        run = RunDirectory.open(home)
        run.latest_checkpoint()
        resume = True
    except RunError:
        if home.exists():  # killed before its first checkpoint: nothing to go on from
            (study / "abandoned").mkdir(exist_ok=True)
            home.rename(study / "abandoned" / f"{cell.name}-{time.time_ns()}")
        transfers = cell.config.transfer.run is not None
        config, carried = carry_over(cell.config) if transfers else (cell.config, {})
        run, resume = RunDirectory.create(home, plain(config), sys.argv, config.seed), False
        if carried:
            keep(run, carried)
    write_json(home / "cell.json", cell.description())
    train(train_config(run.config), run, resume, console, processes=1)


def _evaluate(study: Path, cell: Cell) -> None:
    home, config, controller = cell_folder(study, cell), cell.config, cell.subject
    assert controller is not None
    home.mkdir(exist_ok=True)
    write_json(home / "cell.json", cell.description())
    rows = []
    with Evaluator(1) as evaluator:
        parts = [config.geometry]
        if isinstance(controller, Tuning):
            parts = controller.parts
            controller = _tune(home, controller, config.task, evaluator)
        subject = guided(cell.method, controller, config.task)
        for part in parts:
            scenario = Scenario(part.part(), subject.task)
            rows += evaluator.evaluate(scenario, subject.agent, config.evaluation.held_out, HELD_OUT_SEED)
    (home / "held_out.csv").unlink(missing_ok=True)  # of one that was killed before its result
    write_rows(home / "held_out.csv", rows)
    write_json(home / "result.json", vars(summarize(rows)))


def _tune(home: Path, tuning: Tuning, task: TaskConfig, evaluator: Evaluator) -> ControllerConfig:
    scenarios = [Scenario(part.part(), task) for part in tuning.parts]
    best = tune(home, tuning.guidance, scenarios, tuning.rounds, evaluator)
    budget = ", ".join(f"{candidates} x {episodes}" for candidates, episodes in tuning.rounds)
    head = [f"Tuned by: {shlex.join(told_command(sys.argv[1:]))}", f"Candidates x episodes: {budget}"]
    (home / f"{tuning.name}.yaml").write_text(controller_yaml(tuning.name, best, head), encoding="utf-8")
    return best


def run_cells(study: Path, cells: Sequence[Cell], processes: int | None, console: Console) -> bool:
    """Run all cells that are not done, several at a time; show how far they are.

    Ctrl-C or SIGTERM lets the running cells save; the next call goes on. A cell that dies is told, and the
    others go on.

    Returns:
        Whether it came to the end, with or without dead cells.
    """
    waiting = [cell for cell in cells if not is_done(study, cell)]
    work = {cell.name: _steps(cell) for cell in cells}
    running: dict[SpawnProcess, Cell] = {}
    count = processes or len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")  # torch and PyBullet do not survive a fork of a user
    with _signals() as stopped, progress_bar(console, transient=False) as bar:
        progress = bar.add_task("policy steps", total=sum(work[cell.name] for cell in waiting))
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
                    process.terminate()  # SIGTERM: save and leave; a second one changes nothing
            for process in [process for process in running if not process.is_alive()]:
                cell = running.pop(process)
                finished += work[cell.name]
                if is_done(study, cell):
                    bar.console.print(f"  {cell.name}: {_told(study, cell)}", highlight=False)
                elif not stopped:
                    why = failure(study, cell) or f"exit code {process.exitcode}"
                    bar.console.print(f"[red]died[/] {cell.name}: {why}")
            partial = sum(min(_progress(study, cell), work[cell.name]) for cell in running.values())
            bar.update(progress, completed=finished + partial)
    return not stopped


@contextmanager
def _signals() -> Iterator[list[int]]:
    """A list that is empty until SIGINT or SIGTERM comes."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(study: Path, cell: Cell) -> str:
    result = json.loads((cell_folder(study, cell) / "result.json").read_text(encoding="utf-8"))
    return f"success {result['success']:.0%}, {wall_clock(study, cell) / 60:.1f} min"


def _steps(cell: Cell) -> int:
    """Policy steps of a cell, for the progress bar; an episode counts as 50."""
    if isinstance(cell.subject, Tuning):
        episodes = sum(candidates * episodes for candidates, episodes in cell.subject.rounds)
        return 50 * (episodes + len(cell.subject.parts) * cell.config.evaluation.held_out)
    own = 50 * cell.config.evaluation.held_out
    return own if cell.subject is not None else own + cell.config.steps


def _progress(study: Path, cell: Cell) -> int:
    """Policy steps of a running cell, as far as its log tells."""
    tuning = cell.subject if isinstance(cell.subject, Tuning) else None
    path = cell_folder(study, cell) / ("trials.csv" if tuning else "evaluations.csv")
    try:
        last = int(path.read_text(encoding="utf-8").splitlines()[-1].split(",")[0])
    except (OSError, ValueError, IndexError):
        return 0
    if tuning is None:
        return last
    each = [episodes for candidates, episodes in tuning.rounds for _ in range(candidates)]
    return 50 * sum(each[: last + 1])

"""Results of a finished training: the held-out result, its rows and its pictures."""

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from assembly_rl.evaluation import Policy, Scenario, Summary
from assembly_rl.runs import RunDirectory, RunError, read_rows
from assembly_rl.runs.checks import require_names
from assembly_rl.runs.files import read_object, replacing, write_bytes, write_json, writing

HELD_OUT, RESULT = "held_out.csv", "result.json"
CURVE, EPISODE = "learning_curve.png", "episode.png"


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows into a new CSV file; floats are exact.

    Raises:
        RunError: The file exists; it is not overwritten.
    """
    whole = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_bytes(whole, _csv(rows))
        with writing(path):
            _name(whole, path)
    finally:
        with suppress(OSError):
            whole.unlink()


def _name(whole: Path, path: Path) -> None:
    """Give a file its name, unless there is one of that name."""
    try:
        os.link(whole, path)
    except OSError:
        if os.path.lexists(path):
            raise RunError(f"{path} exists; results are never overwritten: choose another output") from None
        os.replace(whole, path)  # the file system has no hard links


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def write_result(folder: Path, rows: list[dict[str, Any]], summary: Summary) -> None:
    """Write ``held_out.csv`` and ``result.json`` into the folder of a run, unless both exist already.

    ``result.json`` is written last: with it the run is finished.
    """
    if not ((folder / HELD_OUT).is_file() and (folder / RESULT).is_file()):
        write_bytes(folder / HELD_OUT, _csv(rows))
        write_json(folder / RESULT, vars(summary))


def read_result(folder: Path) -> dict[str, Any]:
    """Read the fields of the summary in ``result.json`` of a run or a cell.

    Raises:
        RunError: The file is missing or damaged.
    """
    path = folder / RESULT
    content = read_object(path)
    require_names(str(path), content, [field.name for field in fields(Summary)])
    return content


def finished(run: RunDirectory, pictures: bool) -> Summary | None:
    """Return the held-out result of a training that has ended with all its files; None for any other one.

    Args:
        run: Directory of the run.
        pictures: True if pictures belong to it.
    """
    wanted = [run.path / HELD_OUT, run.path / RESULT]
    if pictures:
        wanted += [run.figures / CURVE, run.figures / EPISODE]
    if not all(path.is_file() for path in wanted):
        return None
    content = read_result(run.path)
    return Summary(**{field.name: content[field.name] for field in fields(Summary)})


def draw_pictures(
    run: RunDirectory, scenario: Scenario, policy: Policy, rows: list[dict[str, Any]]
) -> Iterator[Path]:
    """Draw the learning curve, then trace and video of the first held-out success; yield the files.

    There is no video if the physics engine draws no pictures.
    """
    from assembly_rl.reports.curve import plot_learning_curve
    from assembly_rl.reports.trace import plot_trace, record_scenario
    from assembly_rl.reports.video import write_video

    with writing(run.path):
        run.figures.mkdir(exist_ok=True)
        run.videos.mkdir(exist_ok=True)
    curve = run.figures / CURVE
    stages = read_rows(run.stages) if run.stages.is_file() else []
    with writing(curve), replacing(curve) as partial:
        plot_learning_curve(
            read_rows(run.evaluations), read_rows(run.episodes), partial, run.path.name, stages
        )
    yield curve
    seed = next((row["seed"] for row in rows if row["success"]), rows[0]["seed"])
    trace = record_scenario(scenario, policy, seed)
    picture = run.figures / EPISODE
    with writing(picture), replacing(picture) as partial:
        plot_trace(trace, partial)
    yield picture
    for name in ("episode.mp4", "episode.gif") if trace.frames else ():
        video = run.videos / name
        try:
            with writing(video), replacing(video) as partial:
                write_video(trace, partial)
        except ImportError:  # the extra [video] is not installed; a GIF does not need it
            continue
        yield video

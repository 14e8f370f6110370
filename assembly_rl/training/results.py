"""Results of a finished training: the held-out result, its rows and its pictures."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assembly_rl.envs import make_environment
from assembly_rl.evaluation import Policy, Scenario, Summary
from assembly_rl.runs import RunDirectory, RunError, read_rows
from assembly_rl.runs.files import write_json


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows into a new CSV file; floats are exact.

    Raises:
        RunError: The file exists; it is not overwritten.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    except FileExistsError:
        raise RunError(f"{path} exists; results are never overwritten: choose another output") from None


def write_result(run: RunDirectory, rows: list[dict[str, Any]], summary: Summary) -> None:
    """Write ``held_out.csv`` and ``result.json`` into a run, unless they exist already."""
    path = run.path / "held_out.csv"
    if not path.exists():
        write_rows(path, rows)
        write_json(run.path / "result.json", vars(summary))


def draw_pictures(
    run: RunDirectory, scenario: Scenario, policy: Policy, rows: list[dict[str, Any]]
) -> Iterator[Path]:
    """Draw the learning curve, then trace and video of the first held-out success; yield the files."""
    from assembly_rl.reports.curve import plot_learning_curve
    from assembly_rl.reports.trace import plot_trace, record_episode
    from assembly_rl.reports.video import write_video

    run.figures.mkdir(exist_ok=True)
    run.videos.mkdir(exist_ok=True)
    curve = run.figures / "learning_curve.png"
    stages = read_rows(run.stages) if run.stages.is_file() else []
    plot_learning_curve(read_rows(run.evaluations), read_rows(run.episodes), curve, run.path.name, stages)
    yield curve
    seed = next((row["seed"] for row in rows if row["success"]), rows[0]["seed"])
    environment = make_environment(scenario.part, scenario.task, render_mode="rgb_array")
    try:
        trace = record_episode(environment, policy, seed, frames=True)
    finally:
        environment.close()
    plot_trace(trace, run.figures / "episode.png")
    yield run.figures / "episode.png"
    for name in ("episode.mp4", "episode.gif"):
        try:
            write_video(trace, run.videos / name)
        except ImportError:  # the extra [video] is not installed; a GIF does not need it
            continue
        yield run.videos / name

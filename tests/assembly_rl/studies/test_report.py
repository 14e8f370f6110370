"""The report against numbers worked out by hand, from cells that are written rather than run."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pyarrow import parquet

from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.runs import RunDirectory
from assembly_rl.runs.files import write_tensors
from assembly_rl.studies.cells import Cell
from assembly_rl.studies.config import ComparedMethodConfig, ConditionConfig, StudyConfig
from assembly_rl.studies.expansion import expand
from assembly_rl.studies.report import write_report
from assembly_rl.studies.results import collect
from assembly_rl.studies.run import cell_folder, count_stale_cells

STUDY = StudyConfig(
    "Does it learn?",
    {"learned": ComparedMethodConfig(), "reflex": ComparedMethodConfig(controller={"default": "reflex"})},
    {"default": ConditionConfig(geometries=["square", "L"])},
    algorithms=["sac", "ppo"],
    seeds=[0, 1, 2],
    steps=1000,
    every=500,
    validation=4,
    episodes=4,
    thresholds={"success": 0.75, "time": 3.0},
)
COMMAND = ["assembly-rl-benchmark", "study=mine"]


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def episode(seed: int, success: bool, time: float = 2.0, valid: bool = True, jammed: bool = False) -> dict:
    result = "success" if success else "timeout" if valid else "certificate_failed"
    return {
        "seed": seed, "result": result, "success": success, "steps": 40, "reward": 1.5, "time": time,
        "depth": 0.02, "peak_force": 10.0 + seed, "force_p95": 8.0, "high_force": 0.25, "peak_moment": 0.2,
        "moment_p95": 0.1, "impulse": 6.0, "jammed": jammed, "penetration": 1e-6, "certificate_valid": valid,
        "physics_hash": "abc",
    }  # fmt: skip


def validation(step: int, success: float, time: float = 2.0) -> dict:
    return {
        "step": step, "episodes": 4, "success": success, "low": 0.0, "high": 1.0,
        "time": time if success else "nan", "peak_force": 9.0, "force_p95": 8.0, "peak_moment": 0.2,
        "reward": 10.0 * success, "certificates_failed": 0,
    }  # fmt: skip


def train(folder: Path, cell: Cell, curve: list[dict], rows: list[dict], weight: float = 1.0) -> None:
    run = RunDirectory.create(cell_folder(folder, cell), to_mapping(cell.config), [], cell.seed)
    write_csv(run.evaluations, curve)
    (cell_folder(folder, cell) / "wall_clock.txt").write_text("60\n30\n")
    state = run.path / "checkpoints" / "step_0000001000"
    state.mkdir(parents=True)
    weights = {"actor.mu": torch.tensor([weight, 0.5]), "critic_target.q": torch.ones(50)}
    weights |= {
        "actor.0.weight": torch.tensor([0.1, 0.0, 0.1]),
        "actor.0.mask": torch.tensor([1.0, 0.0, 1.0]),
    }
    write_tensors(state / "policy.safetensors", weights)
    for name in ("state.json", "arrays.safetensors"):
        (state / name).write_text("{}")
    if rows:
        finish(cell_folder(folder, cell), rows)


def finish(home: Path, rows: list[dict]) -> None:
    home.mkdir(parents=True, exist_ok=True)
    write_csv(home / "held_out.csv", rows)
    (home / "result.json").write_text(json.dumps({"success": 0.5}))


def outcomes(*successes: int) -> list[dict]:
    return [episode(k, bool(success)) for k, success in enumerate(successes)]


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, list[Cell]]:
    """Of sac one training dies and one diverges, of ppo none gets there; one episode is not valid."""
    cells = expand(STUDY)
    for cell in cells:
        if not cell.learns:
            rows = [*outcomes(1, 1, 0), episode(3, False, valid=False)]
            finish(cell_folder(tmp_path, cell), rows)
        elif cell.method == "learned, ppo":
            train(tmp_path, cell, [validation(500, 0.0), validation(1000, 0.5, 4.0)], outcomes(1, 0, 0, 0))
        elif cell.seed == 0:
            rows = [*outcomes(1, 1, 1), episode(3, False, jammed=True)]
            train(tmp_path, cell, [validation(500, 0.75), validation(1000, 1.0)], rows)
        elif cell.seed == 1:
            train(tmp_path, cell, [validation(500, 0.5), validation(1000, 1.0)], outcomes(1, 1, 1, 1), 1e4)
        elif "square" in cell.condition:
            train(tmp_path, cell, [validation(500, 0.25)], [])
            (tmp_path / "failures").mkdir()
            (tmp_path / "failures" / f"{cell.name}.txt").write_text("Traceback\nValueError: it is NaN\n")
        else:
            train(tmp_path, cell, [validation(500, 0.75), validation(1000, 1.0)], outcomes(1, 1, 1, 1))
    return tmp_path, cells


def report(folder: Path, cells: list[Cell]) -> str:
    results = collect(folder, cells)
    path, table = write_report(
        "mine", STUDY, results, count_stale_cells(folder, cells), folder / "report", COMMAND
    )
    text = path.read_text()
    assert table in text
    return text


def row(text: str, section: str, name: str) -> list[str]:
    part = text.split(f"## {section}\n")[1].split("\n## ")[0]
    (line,) = [line for line in part.splitlines() if line.startswith(f"| {name} |")]
    return [entry.strip() for entry in line.strip("|").split(" | ")]


def test_what_went_wrong_is_told_first(written: tuple[Path, list[Cell]]) -> None:
    folder, cells = written
    (folder / "cells" / "of-other-code").mkdir()
    head = report(folder, cells).split("## Result")[0]
    assert "- cells: 14, done 13, died 1, still to be run 0" in head and "Unfinished" not in head
    dead = next(cell for cell in cells if cell.seed == 2 and cell.method == "learned, sac")
    assert f"  - died: {dead.name}: `ValueError: it is NaN`" in head
    assert "- trainings that diverged: 2" in head
    assert head.count("largest weight 1e+04") == 2
    assert "- contact certificates: 2 of 52 episodes failed theirs" in head
    assert "1 of reflex_default-square-0.1mm" in head
    assert "- left out: 1 cells of other code" in head


def test_the_numbers_of_the_overview(written: tuple[Path, list[Cell]]) -> None:
    text = report(*written)
    sac, ppo, reflex = (row(text, "Result", name) for name in ("learned, sac", "learned, ppo", "reflex"))
    assert [sac[1], ppo[1], reflex[1]] == ["6", "6", "2"]
    # Successes of the runs: 0.75, 1 and 0 (died) on the square; 0.75, 1 and 1 on the L.
    # The middle four of 0, 0.75, 0.75, 1, 1, 1 have the mean 0.875.
    assert sac[2].startswith("87.5 (")
    assert ppo[2].startswith("25.0 (25.0 to 25.0)")
    assert reflex[2] == "50.0 %"  # one run under each condition: no interval
    assert sac[3].startswith("90.0 % (")  # 18 of the 20 episodes of those that did not die
    # To 0.75: 500, 1000 and never (it died at 500 with 0.25); 500, 1000 and 500.
    assert sac[5].startswith("500 (") and sac[5].endswith("5 of 6 got there")
    assert ppo[5].startswith("∞") and ppo[5].endswith("0 of 6 got there")
    assert sac[6].endswith("6 of 6 got there")  # all were faster than 3 s before anything else happened
    assert ppo[6].endswith("0 of 6 got there")  # 4 s; no time where there is no success
    # Triangle from step 0, then a trapezium: (s1 / 2 + (s1 + s2) / 2) / 2.
    areas = sorted([0.625, 0.5, 0.125, 0.625, 0.5, 0.625])  # died: (0.125 + 0.125) / 2
    assert sac[7].startswith(f"{np.mean(areas[1:-1]):.2f} (")
    assert [sac[8], reflex[8]] == ["4", "-"]  # without the connection that is masked
    assert sac[9] == "1.5 min"


def test_each_condition_and_each_pair(written: tuple[Path, list[Cell]]) -> None:
    text = report(*written)
    square, corner = row(text, "Each condition", "learned, sac")[1:]
    assert square.startswith("87.5 % (") and square.endswith(", 2.00 s")  # 7 of 8: one run died
    assert corner.startswith("91.7 % (")
    pair = row(text, "Probability of improvement", "learned, sac > learned, ppo")
    # Square: 0.75 and 1 beat 0.25 three times each, 0 never: 6 of 9; L: 9 of 9.
    assert pair[1].startswith("0.83 (")
    # Ranks 1 3 3 3 5 6 on the square, 2 2 2 4 5.5 5.5 on the L: of 20 x 20 exchanges 32 are as far apart.
    assert pair[2] == "0.080"
    assert row(text, "Probability of improvement", "learned, sac > reflex")[2:] == ["-", "-", "-"]


def test_forces_and_failures(written: tuple[Path, list[Cell]]) -> None:
    text = report(*written)
    sac = row(text, "Time, force and failures", "learned, sac")
    assert sac[1:4] == ["2.00", "2 timeout", "11.5"]
    assert sac[8] == "25.0 %" and sac[9].startswith("10.0 %") and sac[10] == "0 of 20"
    reflex = row(text, "Time, force and failures", "reflex")
    assert reflex[2] == "2 timeout, 2 certificate failed" and reflex[10] == "2 of 8"


def test_the_rows_are_one_tidy_table(written: tuple[Path, list[Cell]]) -> None:
    folder, cells = written
    report(folder, cells)
    rows = parquet.read_table(folder / "report" / "episodes.parquet").to_pylist()
    assert len(rows) == 13 * 4
    mine = [row for row in rows if row["method"] == "learned, sac" and row["training_seed"] == 0]
    assert [row["success"] for row in mine] == 2 * [True, True, True, False]
    assert {row["condition"] for row in mine} == {"default, square, 0.1 mm", "default, L, 0.1 mm"}
    assert all(row["training_seed"] is None for row in rows if row["method"] == "reflex")
    assert len(parquet.read_table(folder / "report" / "validations.parquet")) == 11 * 2 + 1


def test_a_study_in_the_middle_compares_what_all_methods_have(written: tuple[Path, list[Cell]]) -> None:
    folder, cells = written
    for cell in cells:
        if cell.method == "learned, ppo" and "L," in cell.condition:
            (cell_folder(folder, cell) / "result.json").unlink()
    text = report(folder, cells)
    assert "**Unfinished**" in text and "still to be run 3" in text
    assert "Over the 1 of 2 conditions that all methods have met:" in text
    assert row(text, "Result", "learned, sac")[1] == "3"
    nothing = write_report("none", STUDY, collect(folder / "empty", cells), 0, folder / "r", COMMAND)[0]
    assert "done 0, died 0, still to be run 14" in nothing.read_text()


def test_pictures_are_there_and_shown(written: tuple[Path, list[Cell]]) -> None:
    folder, cells = written
    text = report(folder, cells)
    pictures = sorted(path.name for path in (folder / "report").glob("*.png"))
    assert pictures == ["curves_reward.png", "curves_success.png", "profile.png", "success.png"]
    assert all(f"({name})" in text for name in pictures)
    assert "- command: `assembly-rl-benchmark study=mine`" in text

"""The scripts that draw the task and the matrix of transfers; plot_physics.py measures too long here."""

import runpy
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

SCRIPTS = Path(__file__).parents[3] / "scripts"


def test_draw_task(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SCRIPTS / "draw_task.py", tmp_path], check=True, timeout=120)
    with Image.open(tmp_path / "task.png") as picture:
        assert picture.size == (1800, 855)
    ElementTree.parse(tmp_path / "task.svg")


def test_transfer_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows land in the field of their source and target, whatever their order; the picture is written."""
    script = SCRIPTS / "plot_transfer_matrix.py"
    parts = runpy.run_path(str(script))["PARTS"]
    conditions = [f"to, {part}, 0.10 mm" for part in ("square", "triangle", "L", "pentagon", "circle")]
    conditions.append("to 1.5 times as large, square, 0.10 mm")
    fields = [(i, j) for i in range(6) for j in range(6)]
    np.random.default_rng(0).shuffle(fields)
    named = [
        {"method": f"from {parts[i]}", "condition": conditions[j], "step": step, "success": level}
        for i, j in fields
        for _ in range(2)
        for step, level in ((0, i / 6), (500, 0.5))
    ]
    parquet.write_table(pyarrow.Table.from_pylist(named), tmp_path / "validations.parquet")
    to_pentagon = [row for row in named if row["condition"] == conditions[3]]
    episodes = [row | {"success": row["method"] == "from L"} for row in to_pentagon]
    parquet.write_table(pyarrow.Table.from_pylist(episodes), tmp_path / "episodes.parquet")

    before, after, runs, steps = runpy.run_path(str(script))["read"](tmp_path)

    np.testing.assert_allclose(before, np.repeat(np.arange(6)[:, None] / 6, 6, axis=1))
    assert (runs, steps) == (2, 500)
    np.testing.assert_array_equal(after[:, 3], [0, 0, 1, 0, 0, 0])
    assert np.isnan(np.delete(after, 3, axis=1)).all()

    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    with Image.open(tmp_path / "matrix.png") as picture:
        assert picture.width > picture.height > 400

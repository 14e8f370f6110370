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
    subprocess.run([sys.executable, SCRIPTS / "draw_task.py", tmp_path], check=True, timeout=1800)
    with Image.open(tmp_path / "task.png") as picture:
        assert picture.size == (2025, 855)
    ElementTree.parse(tmp_path / "task.svg")


def test_transfer_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows land in the field of their source and target, whatever their order; the picture is written."""
    script = SCRIPTS / "plot_transfer_matrix.py"
    parts = runpy.run_path(str(script))["PARTS"]
    conditions = [f"to, {part}, 0.10 mm" for part in ("square", "triangle", "L", "pentagon", "circle")]
    conditions.append("to 1.5 times as large, square, 0.10 mm")
    rows = [
        {"method": f"from {parts[i]}", "condition": conditions[j], "step": step, "success": level + change}
        for i in range(6)
        for j in range(6)
        for step, level in ((0, i / 6), (250, 0.0), (500, j / 6))
        for change in (-0.1, 0.1)
        if (i, j) != (2, 3)
    ]
    np.random.default_rng(0).shuffle(rows)
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "validations.parquet")

    before, after, runs, steps = runpy.run_path(str(script))["read"](tmp_path)

    levels = np.arange(6) / 6
    own, last = np.repeat(levels[:, None], 6, axis=1), np.repeat(levels[None], 6, axis=0)
    own[2, 3] = last[2, 3] = np.nan  # a field without rows yet
    np.testing.assert_allclose(before, own)
    np.testing.assert_allclose(after, last)
    assert (runs, steps) == (2, 500)

    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    with Image.open(tmp_path / "matrix.png") as picture:
        assert picture.width > picture.height > 400

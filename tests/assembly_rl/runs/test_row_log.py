import numpy as np
import pytest

from assembly_rl.runs import RowLog, RunError, read_rows
from assembly_rl.runs.rows import rows_until


def test_floats_come_back_exactly(tmp_path):
    log = RowLog(tmp_path / "rows.csv", ["a", "b"])
    values = [0.1 + 0.2, float(np.nextafter(1, 2)), float("inf"), 1e-308]
    for step, value in enumerate(values):
        log.append(step, {"b": np.float64(value), "a": value})
    assert [row["a"] for row in log] == values
    assert [row["b"] for row in log] == values
    assert [row["step"] for row in log] == [0, 1, 2, 3]


def test_rows_after_a_step_are_dropped_and_appending_goes_on(tmp_path):
    log = RowLog(tmp_path / "rows.csv", ["a"])
    for step in (10, 20, 20, 30):
        log.append(step, {"a": "x, y"})
    (tmp_path / "rows.csv").write_bytes(rows_until(tmp_path / "rows.csv", 20))
    log = RowLog(tmp_path / "rows.csv", ["a"])
    log.append(25, {"a": None})
    assert [(row["step"], row["a"]) for row in log] == [
        (10, "x, y"),
        (20, "x, y"),
        (20, "x, y"),
        (25, ""),
    ]


@pytest.mark.parametrize("torn", ["ste", "step,a\n10,1.5\n20,0.", "step,a\n10,1.5\n2"])
def test_a_torn_last_line_is_dropped(tmp_path, torn):
    path = tmp_path / "rows.csv"
    path.write_text(torn)
    log = RowLog(path, ["a"])
    log.append(30, {"a": 2.5})
    kept = ["step,a", "10,1.5"] if "10" in torn else ["step,a"]
    assert path.read_text().splitlines() == [*kept, "30,2.5"]


@pytest.mark.parametrize("torn", ["", "20,0.", "20,0.5,succ"])
def test_numbers_are_read_as_floats_and_a_torn_last_line_is_dropped(tmp_path, torn):
    path = tmp_path / "rows.csv"
    path.write_text(f'step,time,result\n10,nan,timeout\n15,1e-3,"a, b"\n{torn}')
    first, second = read_rows(path)
    assert np.isnan(first.pop("time")) and first == {"step": 10.0, "result": "timeout"}
    assert second == {"step": 15.0, "time": 0.001, "result": "a, b"}
    path.write_text("step,ti")
    assert read_rows(path) == []
    with pytest.raises(RunError, match="none.csv is missing"):
        read_rows(tmp_path / "none.csv")


def test_wrong_rows_are_refused(tmp_path):
    log = RowLog(tmp_path / "rows.csv", ["a"])
    with pytest.raises(ValueError, match=r"has \['a'\], got \['b'\]"):
        log.append(1, {"b": 1})
    with pytest.raises(ValueError, match="line break"):
        log.append(1, {"a": "x\ny"})
    with pytest.raises(RunError, match="has the columns step,a, not step,b"):
        RowLog(tmp_path / "rows.csv", ["b"])
    assert list(log) == []

"""Recordings as CSV files: everything that is written is read again, and damage is one error."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assembly_rl.controllers import Recording
from assembly_rl.controllers.bundles.recording import COLUMNS, MEASURED
from assembly_rl.controllers.bundles.table import LONGEST_LINE
from assembly_rl.controllers.validation import InputError

HOLE = ((0.1, 0.2, 1 / 3), (0.0, 0.0, 0.6, 0.8))
ROWS = 3


def recording(**changes: Any) -> Recording:
    rng = np.random.default_rng(0)
    fields: dict[str, Any] = {
        "hole": HOLE,
        "bias": (0.1, 0.0, -0.2, 0.0, 0.0, 1e-17),
        "stamps": rng.random(ROWS),
        "times": rng.random(ROWS),
        "wrenches": rng.random((ROWS, 6)),
        "poses": rng.random((ROWS, 7)),
        "commands": rng.random((ROWS, 7)),
        "faults": np.array([0, 4, 9]),
        "states": ["running", "running", "success"],
    }
    return Recording(**(fields | changes))


MEASURED_ONLY = {"commands": np.zeros((0, 7)), "faults": [], "states": []}


def assert_same(one: Recording, other: Recording) -> None:
    assert (one.hole, one.bias, one.states) == (other.hole, other.bias, other.states)
    for name in ("stamps", "times", "wrenches", "poses", "commands", "faults"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def text_of(path: Path, **changes: Any) -> str:
    recording(**changes).save(path / "good.csv")
    return (path / "good.csv").read_text(encoding="utf-8")


def load(path: Path, text: str | bytes) -> Recording:
    (path / "a.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    return Recording.load(path / "a.csv")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        MEASURED_ONLY,
        {"hole": (np.array(HOLE[0]), np.array(HOLE[1])), "bias": np.arange(6.0)},
        {"hole": (tuple(map(np.float64, HOLE[0])), HOLE[1]), "bias": list(map(np.float32, range(6)))},
        {"states": [np.str_("a")] * ROWS, "faults": [np.int64(1)] * ROWS, "times": [1, 2, 3]},
        {"stamps": [math.nan] * ROWS, "wrenches": np.full((ROWS, 6), np.inf), "times": [0.0, math.nan, 1.0]},
    ],
    ids=["all", "measured", "arrays", "scalars", "states", "faulty sensor"],
)
def test_no_type_is_written_that_cannot_be_read(tmp_path: Path, changes: dict[str, Any]) -> None:
    recorded = recording(**changes)
    recorded.save(tmp_path / "a.csv")
    assert "np." not in (tmp_path / "a.csv").read_text()
    assert_same(Recording.load(tmp_path / "a.csv"), recorded)


def test_an_attribute_of_numpy_that_is_set_later_is_written_as_a_number(tmp_path: Path) -> None:
    recorded = recording()
    recorded.bias = tuple(np.arange(6.0))
    recorded.save(tmp_path / "a.csv")
    assert Recording.load(tmp_path / "a.csv").bias == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    recorded.times = np.zeros(2)
    with pytest.raises(InputError, match=r"stamps of a recording must be numbers of shape \(2,\)"):
        recorded.save(tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()


def test_an_empty_recording_is_read_back(tmp_path: Path) -> None:
    empty = Recording.of_rows(HOLE, [0.0] * 6, [])
    empty.save(tmp_path / "a.csv")
    assert_same(Recording.load(tmp_path / "a.csv"), empty)


def test_a_recording_shares_no_array_with_its_caller() -> None:
    times = np.zeros(ROWS)
    recorded = recording(times=times)
    times[0] = 7.0
    assert recorded.times[0] == 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bias": [0.0] * 5}, r"bias of a recording must be numbers of shape \(6,\)"),
        ({"bias": [0.0] * 5 + [math.nan]}, "bias of a recording must be six finite numbers"),
        ({"hole": ((0, 0, 0), (0, 0, 0, 2))}, "hole of a recording must have a unit quaternion"),
        ({"wrenches": np.zeros((ROWS, 5))}, r"wrenches of a recording must be numbers of shape \(3, 6\)"),
        ({"poses": np.zeros((ROWS + 1, 7))}, "poses of a recording must be"),
        ({"commands": np.full((ROWS, 7), np.nan)}, "commands of a recording must be finite"),
        ({"faults": [0.5] * ROWS}, "faults of a recording must be integers"),
        ({"states": ["a"]}, "states of a recording must be 3, got 1"),
        ({"times": "abc"}, "times of a recording must be numbers"),
    ],
)
def test_nothing_is_recorded_that_does_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        recording(**changes)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace(",", ", "),
        lambda text: text.replace(",", " ,\t"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("# hole =", "# a comment\n#hole="),
        lambda text: text.replace("stamp,", '"stamp",'),
        lambda text: "\n" + text + "\n\n",
        lambda text: "# recorded = on Monday\n# hand made\n# hand made\n" + text,
    ],
    ids=["BOM", "padded", "padded more", "CRLF", "CR", "comment", "quoted", "empty lines", "notes"],
)
def test_a_harmless_difference_of_the_file_changes_nothing(tmp_path: Path, change: Any) -> None:
    assert_same(load(tmp_path, change(text_of(tmp_path))), recording())


def test_the_order_of_the_columns_does_not_matter(tmp_path: Path) -> None:
    lines = text_of(tmp_path).splitlines()
    turned = [line if line.startswith("#") else ",".join(line.split(",")[::-1]) for line in lines]
    assert_same(load(tmp_path, "\n".join(turned) + "\n"), recording())


def put(text: str, column: str, value: str, row: int = 1) -> str:
    """Text of a recording with another value in a row."""
    lines = text.split("\n")
    cells = lines[3 + row].split(",")
    cells[COLUMNS.index(column)] = value
    lines[3 + row] = ",".join(cells)
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("fx", "np.float64(1.0)", r"line 5, row 2 has no number in 'fx': 'np\.float64\(1\.0\)'"),
        ("fx", "", "line 5, row 2 has no number in 'fx': ''"),
        ("fx", "1_0", "has no number in 'fx': '1_0'"),
        ("fx", "１", "has no number in 'fx': '１'"),
        ("fx", "0x10", "has no number in 'fx': '0x10'"),
        ("fx", "1e999", "has no number in 'fx': '1e999'"),
        ("fx", "1\0", r"has no number in 'fx': '1\\x00'"),
        ("fx", "# 1", "has no number in 'fx': '# 1'"),
        ("command_qw", "nan", "line 5, row 2: 'command_qw' must be a finite number, got nan"),
        ("command_qw", "-inf", "'command_qw' must be a finite number, got -inf"),
        ("faults", "1.5", r"line 5, row 2: 'faults' must be an integer >= 0, got 1\.5"),
        ("faults", "nan", "'faults' must be an integer >= 0, got nan"),
        ("faults", "inf", "'faults' must be an integer >= 0, got inf"),
        ("faults", "-1", r"'faults' must be an integer >= 0, got -1\.0"),
        ("state", "", "line 5, row 2: 'state' must be the name of a state, got ''"),
        ("fx", "1,2", "line 5 has 25 values for 24 columns"),
        ("fx", '"1', "line . is not CSV|line 6 has"),
        ("fx", "1" * LONGEST_LINE, f"line 5 has {LONGEST_LINE} characters or more"),
        ("fx", "9" * 5000, "has no number in 'fx'"),
    ],
)
def test_no_damaged_value_is_read(tmp_path: Path, column: str, value: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(tmp_path, put(text_of(tmp_path), column, value))
    assert "a.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-1], "line 6, the last, does not end and may be torn"),
        (lambda text: text[:-9], "line 6, the last, does not end and may be torn"),
        (lambda text: text[: text.index("\n", 400)], "may be torn"),
        (lambda text: text.rstrip().rsplit(",", 1)[0] + "\n", "line 6 has 23 values for 24 columns"),
        (lambda text: text.replace("stamp,time", "time,time"), "line 3: the column 'time' is there twice"),
        (lambda text: text.replace("stamp", "stmp"), "line 3: unknown column 'stmp'; did you mean 'stamp'"),
        (lambda text: text.replace("state", ""), "line 3: unknown column ''"),
        (lambda text: text.replace(",mz", ",mzz"), "has no column 'mz'"),
        (lambda text: text.replace(",faults", ",command_fault"), "unknown column 'command_fault'"),
        (lambda text: text.split("\n", 1)[1], "needs a line '# hole = ' with 7 numbers .*, finite$"),
        (lambda text: "# bias = 0 0 0 0 0 0\n" + text, "line 3: '# bias =' is there twice"),
        (
            lambda text: text.replace("# bias = 0.1", "# bias = nan"),
            "'# bias = ' with 6 numbers .*, got 'nan",
        ),
        (lambda text: text.replace("# bias = 0.1", "# bias = np.float64(0.1)"), "'# bias = ' with 6 numbers"),
        (lambda text: text.replace("# bias = 0.1 ", "# bias = "), "'# bias = ' with 6 numbers"),
        (lambda text: "", "has no column 'time'"),
    ],
)
def test_no_damaged_table_is_read(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(tmp_path, change(text_of(tmp_path)))
    assert "a.csv" in str(caught.value)


def test_a_part_of_the_outputs_is_not_dropped(tmp_path: Path) -> None:
    lines = text_of(tmp_path).splitlines()
    short = [line if line.startswith("#") else line.rpartition(",")[0] for line in lines]
    with pytest.raises(
        InputError, match="has the column 'command_x', but not 'state': give all of command_x"
    ):
        load(tmp_path, "\n".join(short) + "\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe# \0h\0", "there is no text in UTF-8 after line 0"),
        (b"# hole = 0 0 0 0 0 0 1\ntime\xe9,\n", "there is no text in UTF-8 after line "),
        (b"\x89PNG\r\n\x1a\n\0\0", "there is no text in UTF-8"),
        (b"\0" * LONGEST_LINE, f"line 1 has {LONGEST_LINE} characters or more"),
    ],
)
def test_no_file_of_another_kind_is_read(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(tmp_path, content)


def test_a_recording_without_outputs_has_those_columns_alone(tmp_path: Path) -> None:
    header = text_of(tmp_path, **MEASURED_ONLY).splitlines()[2]
    assert header == ",".join(("stamp", *MEASURED))


def test_no_damage_raises_anything_but_an_input_error(tmp_path: Path) -> None:
    good, rng = text_of(tmp_path).encode(), np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(good)
        place = int(rng.integers(len(damaged)))
        length, more = (
            int(rng.integers(20)),
            rng.choice([b"", b",", b'"', b"\n", b"nan", b"\xff", b"#", b"7"]),
        )
        damaged[place : place + length] = more
        try:
            read = load(tmp_path, bytes(damaged))
        except InputError as error:
            assert "a.csv" in str(error) and "\n" not in str(error)
        else:
            assert len(read.wrenches) == len(read)

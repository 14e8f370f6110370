"""CSV files of a run: a reader, and a log that a resumed training continues."""

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assembly_rl.controllers.validation import InputError
from assembly_rl.runs.files import RunError, read_bytes, shown, write_bytes, writing
from assembly_rl.runs.lock import open_own, require_own


def read_rows(path: Path, numbers: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Read a CSV file with a header: numbers as floats, other values as text.

    A last line without its line break is not a row yet: a training is writing it, or was killed as it did.

    Args:
        path: CSV file.
        numbers: Names of columns that must be there, with numbers.

    Raises:
        RunError: The file is missing or damaged; the message names the line.
    """
    rows = _parsed(path, whole_lines(read_bytes(path)))
    header = rows[0] if rows else []
    found = [dict(zip(header, map(_number_or_text, row), strict=True)) for row in rows[1:]]
    for line, row in enumerate(found, start=2):
        for name in numbers:
            if not isinstance(row.get(name), float):
                raise RunError(
                    f"{path}, line {line} is damaged: {name} must be a number, got {shown(row.get(name))}; "
                    "put back file or line from a copy"
                )
    return found


def whole_lines(content: bytes) -> bytes:
    """Return a content without what follows its last line break."""
    return content[: content.rfind(b"\n") + 1]


def _parsed(path: Path, content: bytes) -> list[list[str]]:
    """Return the cells of all lines, which must be as many as in the header."""
    rows: list[list[str]] = []
    number = 0
    try:
        for number, line in enumerate(content.split(b"\n")[:-1], start=1):  # noqa: B007
            row = next(csv.reader([line.decode()], strict=True), [])
            if not row or (rows and len(row) != len(rows[0])):
                raise InputError(f"it has {len(row)} values, and the header {len(rows[0]) if rows else 0}")
            rows.append(row)
    except (ValueError, csv.Error) as error:
        raise RunError(
            f"{path}, line {number} is damaged: {error}; put back the file or the line from a copy"
        ) from error
    return rows


def rows_until(path: Path, step: int) -> bytes:
    """Return the content of a log up to the rows of a step, without a torn last row.

    Raises:
        RunError: The file is missing or damaged; the message names the line.
    """
    content = whole_lines(read_bytes(path))
    header, *lines = content.splitlines(keepends=True) or [b""]
    steps = _steps(path, content)
    return b"".join([header, *(line for line, of in zip(lines, steps, strict=True) if of <= step)])


def _steps(path: Path, content: bytes) -> list[int]:
    """Return the steps of all rows of a log."""
    steps = [row[0] for row in _parsed(path, content)[1:]]
    for number, step in enumerate(steps, start=2):
        if not (step.isdecimal() and step.isascii() and len(step) < 19):
            raise RunError(
                f"{path}, line {number} is damaged: its step is {step!r}; put back file or line from a copy"
            )
    return [int(step) for step in steps]


def _number_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


class RowLog:
    """Rows keyed by training step, written to disk as soon as they are appended.

    A callback writes its rows in ``_on_step`` or ``_on_rollout_end``. A checkpoint is taken at
    ``_on_rollout_start``, so that the rows up to its step are exactly those written before it; a resumed
    training finds those, whatever was written later.
    """

    def __init__(
        self, path: Path, columns: Sequence[str], show: Callable[[str], object] = lambda text: None
    ) -> None:
        """Open or create the log.

        Args:
            path: CSV file; an existing one is continued and must have these columns.
            columns: Names of the columns after the first, which is ``step``.
            show: Function that is told in a line of text if the last row was torn and is removed.

        Raises:
            RunError: The existing file has other columns, is damaged, or is no file of its own.
        """
        self.path = Path(path)
        self.columns = tuple(columns)
        header = _line(["step", *columns])
        require_own(self.path)
        content = read_bytes(self.path) if self.path.exists() else b""
        whole = whole_lines(content)
        if not whole:
            with writing(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self.path, header.encode())
            return
        if whole.splitlines()[0] != header.rstrip().encode():
            found = whole.splitlines()[0].decode(errors="replace")
            raise RunError(f"{self.path} has the columns {found}, not {header.rstrip()}")
        _steps(self.path, whole)
        if whole != content:
            show(f"  {self.path}: the last row was torn by a stop and is removed")
            write_bytes(self.path, whole)

    def append(self, step: int, row: Mapping[str, Any]) -> None:
        """Write one row; floats are exact.

        Args:
            step: Training step of the row.
            row: Column -> value, for all columns after ``step``.

        Raises:
            ValueError: The row has other columns, or a value holds a line break.
            RunError: The file cannot be written.
        """
        if set(row) != set(self.columns):
            raise InputError(f"a row of {self.path.name} has {list(self.columns)}, got {list(row)}")
        line = _line([step, *(row[column] for column in self.columns)]).encode()
        with writing(self.path):
            handle = open_own(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            with open(handle, "ab", buffering=0) as file:
                while line:
                    line = line[file.write(line) :]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Iterate over the rows, in the form of ``read_rows``."""
        return iter(read_rows(self.path))


def _line(values: Sequence[Any]) -> str:
    # csv writes floats with repr; numpy's own repr would read "np.float64(0.1)".
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(plain)
    line = buffer.getvalue()
    if line.count("\n") > 1:
        raise InputError(f"a value holds a line break, which would split the row: {line!r}")
    return line

"""CSV files of a run: a reader, and a log that a resumed training continues."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assembly_rl.controllers.validation import InputError
from assembly_rl.runs.files import RunError, publish


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a CSV file with a header: numbers as floats, other values as text.

    A last line without its line break is dropped, because it is incomplete.

    Raises:
        OSError: The file cannot be read.
    """
    rows = csv.DictReader(io.StringIO(_whole_lines(path.read_bytes()).decode(), newline=""))
    return [{name: _number_or_text(value) for name, value in row.items()} for row in rows]


def _whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _number_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


class RowLog:
    """Rows keyed by training step, written to disk as soon as they are appended.

    A callback writes its rows in ``_on_step`` or ``_on_rollout_end``. A checkpoint is taken at
    ``_on_rollout_start``, so that the rows up to its step are exactly those written before it.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        """Open or create the log.

        Args:
            path: CSV file; an existing one is continued and must have these columns.
            columns: Names of the columns after the first, which is ``step``.

        Raises:
            RunError: The existing file has other columns.
        """
        self.path = Path(path)
        self.columns = tuple(columns)
        header = _line(["step", *columns])
        content = self.path.read_bytes() if self.path.exists() else b""
        whole = _whole_lines(content)
        if not whole:
            self._replace(header.encode())
            return
        if whole.splitlines()[0] != header.rstrip().encode():
            raise RunError(
                f"{self.path} has the columns {whole.splitlines()[0].decode()}, not {header.rstrip()}"
            )
        if whole != content:
            self._replace(whole)

    def append(self, step: int, row: Mapping[str, Any]) -> None:
        """Write one row; floats are exact.

        Args:
            step: Training step of the row.
            row: Column -> value, for all columns after ``step``.

        Raises:
            ValueError: The row has other columns, or a value holds a line break.
        """
        if set(row) != set(self.columns):
            raise InputError(f"a row of {self.path.name} has {list(self.columns)}, got {list(row)}")
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(_line([step, *(row[column] for column in self.columns)]))

    def truncate_after(self, step: int) -> None:
        """Delete the rows after ``step``: the training resumed there writes them again."""
        header, *rows = self.path.read_bytes().splitlines(keepends=True)
        kept = [row for row in rows if int(row.split(b",", 1)[0]) <= step]
        if len(kept) < len(rows):
            self._replace(b"".join([header, *kept]))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Iterate over the rows, in the form of ``read_rows``."""
        return iter(read_rows(self.path))

    def _replace(self, content: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f".{self.path.name}.partial")
        partial.write_bytes(content)
        publish(partial, self.path)


def _line(values: Sequence[Any]) -> str:
    # csv writes floats with repr; numpy's own repr would read "np.float64(0.1)".
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(plain)
    line = buffer.getvalue()
    if line.count("\n") > 1:
        raise InputError(f"a value holds a line break, which would split the row: {line!r}")
    return line

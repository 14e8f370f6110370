"""Reading of CSV tables of numbers, with line, column and value in every error."""

import csv
from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import isinf
from os import PathLike
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.validation import InputError, unknown

LONGEST_LINE = 1 << 16
"""Largest number of characters in a line."""


def number(text: str) -> float | None:
    """Convert the text of a decimal number, ``nan`` or ``inf``; None if it is none of these."""
    if "_" in text or not text.isascii():  # Python reads more than other programs write
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return None if isinf(value) and "inf" not in text.lower() else value


@dataclass(frozen=True)
class Table:
    """Rows of a CSV file below lines with notes.

    Attributes:
        path: File.
        notes: Text after ``# name =`` by name.
        columns: Names of the columns.
        lines: Number of the line of each row.
        values: (n, columns) values; NaN in columns of text.
        texts: Values of each column of text.
    """

    path: Path
    notes: dict[str, str]
    columns: tuple[str, ...]
    lines: Sequence[int]
    values: NDArray[np.float64]
    texts: dict[str, list[str]]

    @classmethod
    def read(
        cls,
        path: str | PathLike[str],
        required: Sequence[str],
        optional: Sequence[str] = (),
        texts: Collection[str] = (),
    ) -> "Table":
        """Read a file in UTF-8 of which every line ends.

        Args:
            path: File.
            required: Columns that the file must have.
            optional: Columns that it may have.
            texts: Those of the columns that hold text.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file is no such table; the message has line, column and value.
        """
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            lines = _Lines(path, file)
            try:
                return cls._read(lines, Path(path), required, optional, texts)
            except UnicodeDecodeError:
                raise InputError(f"{path}: there is no text in UTF-8 after line {lines.number}") from None
            except csv.Error as error:
                raise InputError(f"{path}: line {lines.number} is not CSV: {error}") from None

    @classmethod
    def _read(
        cls,
        lines: "_Lines",
        path: Path,
        required: Sequence[str],
        optional: Sequence[str],
        texts: Collection[str],
    ) -> "Table":
        notes = lines.notes()
        reader = csv.reader(lines, strict=True, skipinitialspace=True)
        columns = tuple(cell.strip() for cell in next(reader, []))
        for name in required:
            if name not in columns:
                raise InputError(f"{path} has no column {name!r}; it needs {', '.join(required)}")
        for index, name in enumerate(columns):
            if name in columns[:index]:
                raise InputError(f"{path}: line {lines.number}: the column {name!r} is there twice")
            if name not in (*required, *optional):
                raise InputError(
                    f"{path}: line {lines.number}: {unknown('column', name, (*required, *optional))}"
                )
        values, numbers = array("d"), array("L")
        words: dict[str, list[str]] = {name: [] for name in columns if name in texts}
        for row in reader:
            if not any(map(str.strip, row)) and len(row) < 2:  # an empty line
                continue
            if len(row) != len(columns):
                raise InputError(
                    f"{path}: line {lines.number} has {len(row)} values for {len(columns)} columns"
                )
            numbers.append(lines.number)
            for name, cell in zip(columns, map(str.strip, row), strict=True):
                if name in words:
                    words[name].append(cell)
                    values.append(np.nan)
                    continue
                value = number(cell)
                if value is None:
                    raise InputError(
                        f"{path}: line {lines.number}, row {len(numbers)} has no number in {name!r}: "
                        f"{cell!r:.80}"
                    )
                values.append(value)
        matrix = np.array(values, dtype=np.float64).reshape(len(numbers), len(columns))
        return cls(path, notes, columns, numbers, matrix, words)

    def __len__(self) -> int:
        return len(self.lines)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return the values of a column (n,)."""
        return self.values[:, self.columns.index(name)]

    def require(self, name: str, valid: NDArray[np.bool_], kind: str) -> None:
        """Raise a ValueError for the first row with a value that is not valid.

        Args:
            name: Name of the column.
            valid: (n,) True for a valid value.
            kind: Noun phrase for what a valid value is.
        """
        if not valid.all():
            row = int(np.argmin(valid))
            value = self.texts[name][row] if name in self.texts else float(self.numbers(name)[row])
            raise InputError(
                f"{self.path}: line {self.lines[row]}, row {row + 1}: {name!r} must be {kind}, "
                f"got {value!r:.80}"
            )


class _Lines:
    """Lines of a file, numbered and checked."""

    def __init__(self, path: str | PathLike[str], file: IO[str]) -> None:
        self._path, self._file = path, file
        self._first: str | None = None
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        if self._first is not None:
            yield self._first
        while line := self._next():
            yield line

    def _next(self) -> str:
        """Return the next line; empty at the end of the file."""
        line = self._file.readline(LONGEST_LINE)
        if line:
            self.number += 1
            if len(line) >= LONGEST_LINE:
                raise InputError(f"{self._path}: line {self.number} has {LONGEST_LINE} characters or more")
            if line[-1] not in "\r\n":
                raise InputError(
                    f"{self._path}: line {self.number}, the last, does not end and may be torn: "
                    f"{line[-40:]!r}; if it is complete, add a newline"
                )
        return line

    def notes(self) -> dict[str, str]:
        """Read the lines above the columns; empty ones and comments without ``=`` say nothing."""
        notes: dict[str, str] = {}
        while line := self._next():
            if line.startswith("#"):
                name, sign, text = line[1:].partition("=")
                if not sign:
                    continue
                if name.strip() in notes:
                    raise InputError(f"{self._path}: line {self.number}: '# {name.strip()} =' is there twice")
                notes[name.strip()] = text
            elif line.strip():
                self._first = line
                break
        return notes

"""Recordings of a robot's readings and commands as CSV files."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.se3 import Pose, require_pose
from assembly_rl.controllers.validation import InputError, finite_numbers

Array = NDArray[np.float64]
WRENCH = ("fx", "fy", "fz", "mx", "my", "mz")
POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")
COMMAND = tuple(f"command_{name}" for name in POSE)
MEASURED = ("time", *WRENCH, *POSE)
COLUMNS = ("stamp", *MEASURED, *COMMAND, "faults", "state")


@dataclass
class Recording:
    """Recording of an insertion, with one row per control period and the conventions of a bundle.

    A CSV file has the columns ``time`` [s], ``fx`` ... ``mz`` [N, Nm] and ``x`` ... ``qw`` [m, xyzw]; if
    the age of readings is known, ``stamp`` [s]; and if recorded with a bundle, ``command_x`` ...
    ``command_qw``, ``faults`` and ``state``. Lines above with ``# hole = `` (seven numbers) and
    ``# bias = `` (six) are the arguments of the controller's reset.

    Attributes:
        hole: Estimated T_base_nominal.
        bias: Bias of the sensor (6,) [N, Nm], which is subtracted.
        stamps: (n,) times of the wrench measurements [s]; NaN if unknown.
        times: (n,) times of the steps [s].
        wrenches: (n, 6) readings [N, Nm].
        poses: (n, 7) T_base_flange [m, xyzw].
        commands: (n, 7) T_base_flange [m, xyzw]; empty, (0, 7), if not recorded.
        faults: (n,) faults of the controller, or empty.
        states: n states of the insertion, or empty.
    """

    hole: Pose
    bias: tuple[float, ...]
    stamps: Array
    times: Array
    wrenches: Array
    poses: Array
    commands: Array
    faults: NDArray[np.int64]
    states: list[str]

    @classmethod
    def of_rows(cls, hole: Pose, bias: Iterable[float], rows: Iterable[tuple[object, ...]]) -> "Recording":
        """Create a recording from rows of ``COLUMNS``."""
        table = list(rows)
        numbers = np.array([row[:-2] for row in table], dtype=np.float64).reshape(-1, len(COLUMNS) - 2)
        faults = np.array([int(row[-2]) for row in table], dtype=np.int64)  # type: ignore[call-overload]
        states = [str(row[-1]) for row in table]
        return cls(
            hole, tuple(bias), numbers[:, 0], numbers[:, 1], numbers[:, 2:8], numbers[:, 8:15],
            numbers[:, 15:], faults, states,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.times)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a CSV file; floats are exact.

        Raises:
            FileExistsError: The file exists; it is not overwritten.
        """
        position, orientation = self.hole
        columns = COLUMNS if len(self.commands) else ("stamp", *MEASURED)
        with Path(path).open("x", encoding="utf-8", newline="") as file:
            file.write(f"# hole = {' '.join(map(repr, (*position, *orientation)))}\n")
            file.write(f"# bias = {' '.join(map(repr, self.bias))}\n")
            writer = csv.writer(file)
            writer.writerow(columns)
            for number in range(len(self)):
                row = [self.stamps[number], self.times[number], *self.wrenches[number], *self.poses[number]]
                if len(self.commands):
                    row += [*self.commands[number], self.faults[number], self.states[number]]
                writer.writerow([value.item() if hasattr(value, "item") else value for value in row])

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Recording":
        """Read a CSV file.

        Raises:
            OSError: The file cannot be read.
            ValueError: A column or line is missing or not a number; the message names it.
        """
        notes: dict[str, str] = {}
        lines = []
        with Path(path).open(encoding="utf-8", newline="") as file:
            for line in file:
                if line.startswith("#"):
                    name, _, text = line[1:].partition("=")
                    notes[name.strip()] = text
                else:
                    lines.append(line)
        rows = list(csv.DictReader(lines))
        given = rows[0].keys() if rows else ()
        for name in MEASURED:
            if name not in given:
                raise InputError(f"{path} has no column {name!r}; it needs {', '.join(MEASURED)}")
        hole = _numbers(path, "hole", notes.get("hole"), 7)
        bias = _numbers(path, "bias", notes.get("bias", "0 0 0 0 0 0"), 6)
        pose = ((hole[0], hole[1], hole[2]), (hole[3], hole[4], hole[5], hole[6]))
        require_pose(f"{path}: hole", pose)
        commanded = all(name in given for name in (*COMMAND, "faults", "state"))
        table = {name: _column(path, name, rows) for name in (*MEASURED, *(COMMAND if commanded else ()))}
        return cls(
            pose,
            tuple(bias),
            _column(path, "stamp", rows) if "stamp" in given else np.full(len(rows), np.nan),
            table["time"],
            np.stack([table[name] for name in WRENCH], 1),
            np.stack([table[name] for name in POSE], 1),
            np.stack([table[name] for name in COMMAND], 1) if commanded else np.zeros((0, 7)),
            _column(path, "faults", rows).astype(np.int64) if commanded else np.zeros(0, dtype=np.int64),
            [row["state"] for row in rows] if commanded else [],
        )


def _numbers(path: str | PathLike[str], name: str, text: str | None, count: int) -> list[float]:
    try:
        values = [float(word) for word in (text or "").split()]
    except ValueError:
        values = []
    if not finite_numbers(values, count):
        raise InputError(f"{path} needs a line '# {name} = ' with {count} numbers above its columns")
    return values


def _column(path: str | PathLike[str], name: str, rows: list[dict[str, str]]) -> Array:
    values = np.zeros(len(rows))
    for number, row in enumerate(rows):
        try:
            values[number] = float(row[name])
        except (TypeError, ValueError):
            raise InputError(f"{path}: row {number + 1} has no number in {name!r}: {row[name]!r}") from None
    return values

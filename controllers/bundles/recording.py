"""Recordings of a robot's readings and commands as CSV files."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers.bundles.table import Table, number
from assembly_rl.controllers.se3 import Pose, require_pose
from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]
WRENCH = ("fx", "fy", "fz", "mx", "my", "mz")
POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")
COMMAND = tuple(f"command_{name}" for name in POSE)
MEASURED = ("time", *WRENCH, *POSE)
OUTPUTS = (*COMMAND, "faults", "state")
COLUMNS = ("stamp", *MEASURED, *OUTPUTS)
NOTES = {"hole": 7, "bias": 6}
"""Number of values of each line above the columns."""


@dataclass
class Recording:
    """Recording of an insertion, with one row per control period and the conventions of a bundle.

    A CSV file has the columns ``time`` [s], ``fx`` ... ``mz`` [N, Nm] and ``x`` ... ``qw`` [m, xyzw]; if
    the age of readings is known, ``stamp`` [s]; and if recorded with a bundle, ``command_x`` ...
    ``command_qw``, ``faults`` and ``state``. Lines above with ``# hole = `` (seven numbers) and
    ``# bias = `` (six) are the arguments of the controller's reset. Times, readings and poses may be ``nan``
    or ``inf``, as a faulty sensor gives them; commands are finite. The last line ends with a newline: without
    one it may be torn.

    Everything is copied.

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

    Raises:
        ValueError: A shape, a bias or hole that is not finite, or a command that is not.
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

    def __post_init__(self) -> None:
        require_pose("hole of a recording", self.hole)
        (x, y, z), (qx, qy, qz, qw) = (tuple(map(float, part)) for part in self.hole)
        self.hole = ((x, y, z), (qx, qy, qz, qw))
        bias = _floats("bias", self.bias, (6,))
        if not np.isfinite(bias).all():
            raise InputError(f"bias of a recording must be six finite numbers, got {bias.tolist()}")
        self.bias = tuple(bias.tolist())
        self.times = _floats("times", self.times, (np.size(self.times),))
        rows = len(self.times)
        self.stamps = _floats("stamps", self.stamps, (rows,))
        self.wrenches = _floats("wrenches", self.wrenches, (rows, 6))
        self.poses = _floats("poses", self.poses, (rows, 7))
        recorded = rows if np.size(self.commands) else 0
        self.commands = _floats("commands", self.commands, (recorded, 7))
        if not np.isfinite(self.commands).all():
            raise InputError("commands of a recording must be finite")
        faults = _floats("faults", self.faults, (recorded,))
        self.faults = faults.astype(np.int64)
        if (self.faults != faults).any():
            raise InputError(f"faults of a recording must be integers, got {self.faults!r:.80}")
        self.states = list(map(str, self.states))
        if len(self.states) != recorded:
            raise InputError(f"states of a recording must be {recorded}, got {len(self.states)}")

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
            ValueError: An attribute was replaced by one that does not fit.
        """
        own = replace(self)  # checks attributes that were replaced
        position, orientation = own.hole
        recorded = bool(len(own.commands))
        measured = np.column_stack([own.stamps, own.times, own.wrenches, own.poses])
        numbers = np.column_stack([measured, own.commands]) if recorded else measured
        with Path(path).open("x", encoding="utf-8", newline="") as file:
            file.write(f"# hole = {' '.join(map(repr, (*position, *orientation)))}\n")
            file.write(f"# bias = {' '.join(map(repr, own.bias))}\n")
            writer = csv.writer(file)
            writer.writerow(COLUMNS if recorded else COLUMNS[: -len(OUTPUTS)])
            for index, row in enumerate(numbers.tolist()):
                outputs = [int(own.faults[index]), own.states[index]] if recorded else []
                writer.writerow([*row, *outputs])

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Recording":
        """Read a CSV file.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file is no such table; the message has line, column and value.
        """
        table = Table.read(path, MEASURED, ("stamp", *OUTPUTS), texts=("state",))
        given = [name for name in OUTPUTS if name in table.columns]
        if given and len(given) < len(OUTPUTS):
            missing = next(name for name in OUTPUTS if name not in given)
            raise InputError(
                f"{path} has the column {given[0]!r}, but not {missing!r}: give all of {', '.join(OUTPUTS)}, "
                "or none"
            )
        if given:
            for name in COMMAND:
                table.require(name, np.isfinite(table.numbers(name)), "a finite number")
            faults = table.numbers("faults")
            table.require(
                "faults", (faults >= 0.0) & (faults < 2**31) & (np.floor(faults) == faults), "an integer >= 0"
            )
            table.require("state", np.array(table.texts["state"], dtype=object) != "", "the name of a state")
        hole = _numbers(path, "hole", table.notes.get("hole"))
        bias = _numbers(path, "bias", table.notes.get("bias", "0 0 0 0 0 0"))
        pose = ((hole[0], hole[1], hole[2]), (hole[3], hole[4], hole[5], hole[6]))
        require_pose(f"{path}: hole", pose)
        return cls(
            pose,
            tuple(bias),
            table.numbers("stamp") if "stamp" in table.columns else np.full(len(table), np.nan),
            table.numbers("time"),
            np.column_stack([table.numbers(name) for name in WRENCH]),
            np.column_stack([table.numbers(name) for name in POSE]),
            np.column_stack([table.numbers(name) for name in COMMAND]) if given else np.zeros((0, 7)),
            table.numbers("faults").astype(np.int64) if given else np.zeros(0, dtype=np.int64),
            table.texts["state"] if given else [],
        )


def _floats(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Copy an array of floats with a given shape."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(())
    if array.shape != shape:
        raise InputError(f"{name} of a recording must be numbers of shape {shape}, got {values!r:.80}")
    return array


def _numbers(path: str | PathLike[str], name: str, text: str | None) -> list[float]:
    """Read the numbers of a line above the columns."""
    values = [number(word) for word in (text or "").split()]
    found = [value for value in values if value is not None and isfinite(value)]
    if len(found) != len(values) or len(found) != NOTES[name]:
        got = "" if text is None else f", got {text.strip()!r:.80}"
        raise InputError(
            f"{path} needs a line '# {name} = ' with {NOTES[name]} numbers above its columns, finite{got}"
        )
    return found

"""Recordings for an identification: time, commanded and measured pose, wrench."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers import bounds
from assembly_rl.controllers.bundles.recording import COMMAND, MEASURED, POSE, WRENCH
from assembly_rl.controllers.bundles.table import Table
from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]
PHASES = ("rest", "free", "contact", "other")
"""Phases of a row: at rest in free space, moving there, in contact, and not used."""
COLUMNS = ("time", *COMMAND, *POSE, *WRENCH, "phase")
UNITS = "s m N Nm"
LONGEST_GAP = 0.25
"""Time [s] between two rows above which the clock has jumped or the recording was interrupted."""
MOST_DROPPED = 0.3
"""Share of rows that may be missing."""


@dataclass
class MotionRecording:
    """Recording of commands, poses and readings, one row per control period; everything is copied.

    A CSV file has the columns ``time`` [s], ``command_x`` ... ``command_qw`` and ``x`` ... ``qw`` [m, xyzw],
    ``fx`` ... ``mz`` [N, Nm], and, if it is known, ``phase``. A line ``# units = s m N Nm`` may stand above.
    The recording of a bundle has the same columns and can be read, too.

    The wrench is what the ENVIRONMENT applies to the tool, about the flange, in the flange's axes. A command
    is that which was given at the time of its row, a pose that which was measured then.

    Attributes:
        times: (n,) times [s].
        commands: (n, 7) commanded T_base_flange [m, xyzw].
        poses: (n, 7) measured T_base_flange [m, xyzw].
        wrenches: (n, 6) readings [N, Nm].
        phases: n phases of ``PHASES``; empty for ``free`` throughout.

    Raises:
        ValueError: A shape, a value that is not finite, a quaternion that is not unit, an unknown phase, or a
            clock that runs backwards, jumps, or lacks rows.
    """

    times: Array
    commands: Array
    poses: Array
    wrenches: Array
    phases: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, dtype="U7"))

    def __post_init__(self) -> None:
        self.times = _floats("times", self.times, None)
        rows = len(self.times)
        self.commands = _floats("commands", self.commands, (rows, 7))
        self.poses = _floats("poses", self.poses, (rows, 7))
        self.wrenches = _floats("wrenches", self.wrenches, (rows, 6))
        given = self.phases if np.size(self.phases) else ["free"] * rows
        self.phases = np.array(given, dtype="U7")
        if self.phases.shape != (rows,):
            raise InputError(f"phases of a recording must be {rows}, got {np.size(self.phases)}")
        unknown = ~np.isin(self.phases, PHASES)
        if unknown.any():
            row = int(np.argmax(unknown))
            raise InputError(
                f"row {row + 1}: phase must be one of {', '.join(PHASES)}, got {self.phases[row]!r}"
            )
        self._require_poses("commands", self.commands)
        self._require_poses("poses", self.poses)
        self._require_clock()

    def __len__(self) -> int:
        return len(self.times)

    @property
    def period(self) -> float:
        """Median time between rows [s]."""
        return float(np.median(np.diff(self.times)))

    @staticmethod
    def _require_poses(name: str, poses: Array) -> None:
        off = np.abs(np.linalg.norm(poses[:, 3:], axis=1) - 1.0) > 1e-3
        if off.any():
            row = int(np.argmax(off))
            raise InputError(
                f"row {row + 1}: the quaternion of {name} must be unit, got {poses[row, 3:].tolist()}"
            )
        poses[:, 3:] /= np.linalg.norm(poses[:, 3:], axis=1, keepdims=True)
        far = np.abs(poses[:, :3]).max(axis=1) > bounds.POSITION
        if far.any():
            row = int(np.argmax(far))
            raise InputError(
                f"row {row + 1}: a position of {name} is {poses[row, :3].tolist()}; it must be in metres"
            )

    def _require_clock(self) -> None:
        if len(self) < 3:
            raise InputError(f"the recording has {len(self)} rows: record at least ten seconds of motion")
        steps = np.diff(self.times)
        row = int(np.argmin(steps))
        if steps[row] <= 0.0:
            raise InputError(
                f"row {row + 2}: the clock goes from {self.times[row]:.6g} to {self.times[row + 1]:.6g} "
                "s; it must "
                "rise: record with a monotonic clock, each sample once"
            )
        row = int(np.argmax(steps))
        if steps[row] > max(LONGEST_GAP, 5.0 * self.period):
            raise InputError(
                f"row {row + 2}: the clock jumps from {self.times[row]:.6g} to {self.times[row + 1]:.6g} "
                "s, by "
                f"{steps[row]:.3g} s: record again without a pause and without setting the clock"
            )
        expected = (self.times[-1] - self.times[0]) / self.period + 1.0
        if len(self) < (1.0 - MOST_DROPPED) * expected:
            raise InputError(
                f"{1.0 - len(self) / expected:.0%} of the rows are missing (one every "
                f"{1e3 * self.period:.3g} ms is "
                f"expected): log every control period, at most {MOST_DROPPED:.0%} may be lost"
            )

    def marked(self, contact: Sequence[Sequence[float]]) -> "MotionRecording":
        """Return the recording with contact during intervals of time.

        Args:
            contact: Intervals [begin, end] on the recording's clock [s].

        Raises:
            ValueError: An interval is none, or has no row.
        """
        phases = self.phases.copy()
        for interval in contact:
            if len(interval) != 2 or not interval[0] < interval[1]:
                raise InputError(
                    f"contact must be intervals [begin, end] with begin < end, got {interval!r:.80}"
                )
            inside = (self.times >= interval[0]) & (self.times <= interval[1])
            if not inside.any():
                raise InputError(
                    f"contact {interval!r:.80} has no row: the clock is from {self.times[0]:.6g} to "
                    f"{self.times[-1]:.6g} s"
                )
            phases[inside] = "contact"
        return MotionRecording(self.times, self.commands, self.poses, self.wrenches, phases)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a CSV file; floats are exact.

        Raises:
            FileExistsError: The file exists; it is not overwritten.
        """
        numbers = np.column_stack([self.times, self.commands, self.poses, self.wrenches])
        with Path(path).open("x", encoding="utf-8", newline="") as file:
            file.write(f"# units = {UNITS}\n")
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row, phase in zip(numbers.tolist(), self.phases.tolist(), strict=True):
                writer.writerow([*row, phase])

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "MotionRecording":
        """Read a CSV file.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file is no such table, or a value is refused; the message says where.
        """
        required, optional = (*MEASURED, *COMMAND), ("stamp", "faults", "state", "phase")
        table = Table.read(path, required, optional, texts=("state", "phase"))
        units = table.notes.get("units", UNITS).split()
        if units != UNITS.split():
            raise InputError(f"{path}: units must be {UNITS!r}, got {' '.join(units)!r}: convert the columns")
        for name in required:
            table.require(name, np.isfinite(table.numbers(name)), "a finite number")

        def columns(names: Sequence[str]) -> Array:
            return np.column_stack([table.numbers(name) for name in names])

        phases = np.array(table.texts.get("phase", []), dtype="U7")
        own = columns(COMMAND), columns(POSE), columns(WRENCH)
        try:
            return cls(table.numbers("time"), *own, phases)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def _floats(name: str, values: ArrayLike, shape: tuple[int, ...] | None) -> Array:
    """Copy an array of finite floats with a given shape, or of one dimension."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(())
    if array.shape != (shape or (array.size,)):
        raise InputError(f"{name} of a recording must be numbers of shape {shape}, got shape {array.shape}")
    bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1) if array.size else np.zeros(0, dtype=bool)
    if bad.any():
        raise InputError(f"row {int(np.argmax(bad)) + 1}: {name} of a recording must be finite")
    return array

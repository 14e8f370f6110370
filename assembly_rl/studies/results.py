"""Results of the cells of a study: reading from their folders, and tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet

from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.checkpoint import read_policy
from assembly_rl.runs.files import read_bytes, replacing
from assembly_rl.studies.cells import Cell
from assembly_rl.studies.run import cell_folder, failure, is_done, wall_clock

DIVERGED = 100.0
"""Largest weight of a training that has not diverged; measured weights stay below 5."""

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class CellResult:
    """Result of one cell, which may be incomplete.

    Attributes:
        cell: Cell of the result.
        failure: Last line of the traceback if the cell failed, otherwise None.
        episodes: Columns of the held-out episodes; empty if the cell is not done.
        curve: Columns of the validations; empty for a controller.
        seconds: Wall-clock time [s].
        parameters: Number of trained parameters of actor and critics; 0 for a controller.
        largest_weight: Largest magnitude of a weight of the last checkpoint; 0 for a controller.
    """

    cell: Cell
    failure: str | None
    episodes: Columns
    curve: Columns
    seconds: float
    parameters: int
    largest_weight: float

    @property
    def ended(self) -> bool:
        """True if the cell is done or has failed; other cells still have to run."""
        return bool(self.episodes) or self.failure is not None

    @property
    def diverged(self) -> bool:
        """True if the weights are too large or nan, whether or not the cell has failed."""
        return not self.largest_weight <= DIVERGED


def collect(study: Path, cells: list[Cell]) -> list[CellResult]:
    """Read the results of cells from the folder of their study."""
    return [_result(study, cell) for cell in cells]


def _result(study: Path, cell: Cell) -> CellResult:
    home = cell_folder(study, cell)
    parameters, largest = _weights(home) if cell.learns else (0, 0.0)
    return CellResult(
        cell=cell,
        failure=failure(study, cell),
        episodes=_read(home / "held_out.csv") if is_done(study, cell) else {},
        curve=_read(home / "evaluations.csv"),
        seconds=wall_clock(study, cell),
        parameters=parameters,
        largest_weight=largest,
    )


def _read(path: Path) -> Columns:
    if not path.is_file():
        return {}
    try:
        table = csv.read_csv(pa.BufferReader(read_bytes(path)))
    except pa.ArrowInvalid as error:
        raise RunError(f"{path} is damaged: {error}; put it back from a copy") from error
    return {name: table[name].to_numpy() for name in table.column_names} if table.num_rows else {}


def _weights(home: Path) -> tuple[int, float]:
    """Return the number of trained, unmasked parameters, and their largest magnitude."""
    try:
        tensors = {
            name: tensor.numpy()
            for name, tensor in read_policy(RunDirectory.open(home).latest_checkpoint()).items()
        }
    except RunError:
        return 0, 0.0
    masks = {name: tensor for name, tensor in tensors.items() if name.endswith(".mask")}
    trained = [
        (tensor, masks.get(f"{name.rpartition('.')[0]}.mask") if name.endswith(".weight") else None)
        for name, tensor in tensors.items()
        if "_target" not in name and name not in masks
    ]
    count = sum(tensor.size if mask is None else int(mask.sum()) for tensor, mask in trained)
    return count, float(np.max([np.abs(tensor).max() for tensor, _ in trained]))


def write_tables(results: list[CellResult], folder: Path) -> None:
    """Write ``episodes.parquet`` and ``validations.parquet`` with the rows of all cells and their cells.

    Args:
        results: Results of the cells.
        folder: Folder of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, tables in (
        ("episodes", [(result.cell, result.episodes) for result in results]),
        ("validations", [(result.cell, result.curve) for result in results]),
    ):
        parts = [pa.table(_identity(cell, columns) | columns) for cell, columns in tables if columns]
        if parts:
            whole = pa.concat_tables(parts, promote_options="permissive")
            with replacing(folder / f"{name}.parquet") as partial:
                parquet.write_table(whole, partial, compression="zstd")


def _identity(cell: Cell, columns: Columns) -> dict[str, pa.Array]:
    length = len(next(iter(columns.values())))
    values = {
        "method": pa.scalar(cell.method),
        "condition": pa.scalar(cell.condition),
        "training_seed": pa.scalar(cell.seed, pa.int64()),
        "cell": pa.scalar(cell.digest[:10]),
    }
    return {name: pa.repeat(value, length).dictionary_encode() for name, value in values.items()}

"""What the cells of a study left behind, as tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet
from safetensors.numpy import load_file

from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.studies.cells import Cell
from assembly_rl.studies.run import cell_folder, failure, is_done, wall_clock

DIVERGED = 100.0
"""The weights of what learns here stay below 5 (measured); with one above this, the training has diverged."""

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Result:
    """What there is of one cell.

    Attributes:
        cell: Which.
        why: It died: the last line of its traceback. None if it did not.
        episodes: Columns of the held-out episodes; empty where the cell is not done.
        curve: Columns of the validations; empty for a controller.
        seconds: Wall-clock.
        parameters: Trained numbers of actor and critics; 0 for a controller.
        largest_weight: Of the last checkpoint; 0 for a controller.
    """

    cell: Cell
    why: str | None
    episodes: Columns
    curve: Columns
    seconds: float
    parameters: int
    largest_weight: float

    @property
    def ended(self) -> bool:
        """Whether it is done or has died; the others are still to be run."""
        return bool(self.episodes) or self.why is not None

    @property
    def diverged(self) -> bool:
        """Whether its weights are too large or not numbers; it may have died of that or gone on."""
        return not self.largest_weight <= DIVERGED


def collect(study: Path, cells: list[Cell]) -> list[Result]:
    """What there is of each cell."""
    return [_result(study, cell) for cell in cells]


def _result(study: Path, cell: Cell) -> Result:
    home = cell_folder(study, cell)
    parameters, largest = _weights(home) if cell.subject is None else (0, 0.0)
    return Result(
        cell=cell,
        why=failure(study, cell),
        episodes=_read(home / "held_out.csv") if is_done(study, cell) else {},
        curve=_read(home / "evaluations.csv"),
        seconds=wall_clock(study, cell),
        parameters=parameters,
        largest_weight=largest,
    )


def _read(path: Path) -> Columns:
    if not path.is_file():
        return {}
    table = csv.read_csv(path)
    return {name: table[name].to_numpy() for name in table.column_names} if table.num_rows else {}


def _weights(home: Path) -> tuple[int, float]:
    """How many numbers are trained, without those of connections that are not there, and the largest one."""
    try:
        tensors = load_file(RunDirectory.open(home).latest_checkpoint() / "policy.safetensors")
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


def write_tables(results: list[Result], folder: Path) -> None:
    """Write ``episodes.parquet`` and ``validations.parquet``: the columns of all cells, and of which cell."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, tables in (
        ("episodes", [(result.cell, result.episodes) for result in results]),
        ("validations", [(result.cell, result.curve) for result in results]),
    ):
        parts = [pa.table(_identity(cell, columns) | columns) for cell, columns in tables if columns]
        if parts:
            whole = pa.concat_tables(parts, promote_options="permissive")
            parquet.write_table(whole, folder / f"{name}.parquet", compression="zstd")


def _identity(cell: Cell, columns: Columns) -> dict[str, pa.Array]:
    length = len(next(iter(columns.values())))
    values = {
        "method": pa.scalar(cell.method),
        "condition": pa.scalar(cell.condition),
        "training_seed": pa.scalar(cell.seed, pa.int64()),
        "cell": pa.scalar(cell.digest[:10]),
    }
    return {name: pa.repeat(value, length).dictionary_encode() for name, value in values.items()}

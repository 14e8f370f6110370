"""assembly-rl-benchmark: compare methods over conditions and seeds, with statistics."""

from importlib.util import find_spec
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape

from assembly_rl.accelerators.processes import INTERRUPTED
from assembly_rl.cli.command import command, console
from assembly_rl.configuration.composition import checked
from assembly_rl.controllers.validation import InputError
from assembly_rl.studies.cells import Cell, study_command
from assembly_rl.studies.config import BenchmarkConfig
from assembly_rl.studies.expansion import expand
from assembly_rl.studies.run import count_stale_cells, failure, is_done, run_cell, run_cells


def _job(values: DictConfig) -> None:
    config = checked(values, BenchmarkConfig)
    hydra = HydraConfig.get()
    name = hydra.runtime.choices["study"]
    folder = Path(config.output or f"runs/studies/{name}")
    if config.cell is None and find_spec("pyarrow") is None:
        raise InputError("the rows of a study are Parquet: pip install 'assembly_rl[studies]' (pyarrow)")
    cells = expand(config.study)
    if config.cell is None:
        benchmark(name, config, folder, cells, study_command(hydra.overrides.task), console())
    elif 0 <= config.cell < len(cells):
        _run_one(folder, cells[config.cell], console())
    else:
        raise InputError(f"cell must be 0 to {len(cells) - 1}, got {config.cell}")


def _run_one(folder: Path, cell: Cell, console: Console) -> None:
    """Run a cell; its failure is printed and recorded, but does not end a launcher's sweep."""
    try:
        run_cell(folder, cell)
    except Exception as error:
        console.print(f"died {cell.name}: {error}", markup=False)


def benchmark(
    name: str, config: BenchmarkConfig, folder: Path, cells: list[Cell], command: list[str], console: Console
) -> None:
    """Run the cells that are not done yet, then report on all results."""
    from assembly_rl.studies.report import write_report
    from assembly_rl.studies.results import collect

    before = sum(is_done(folder, cell) for cell in cells)
    console.print(f"{folder}: {len(cells)} cells, {before} done", markup=False)
    ended = config.processes == 0 or run_cells(folder, cells, config.processes, console)
    if not ended:
        console.print("[yellow]stopped[/]; the same command goes on, processes=0 reports on what there is")
        raise SystemExit(INTERRUPTED)
    done = sum(is_done(folder, cell) for cell in cells)
    dead = [cell for cell in cells if failure(folder, cell)]
    console.print(f"{done} of {len(cells)} cells done, {len(dead)} died")
    for cell in dead:
        console.print(f"  {cell.name}: {failure(folder, cell)}", markup=False)
    results, stale = collect(folder, cells), count_stale_cells(folder, cells)
    path, table = write_report(name, config.study, results, stale, folder / "report", command)
    console.print(Markdown(table))
    console.print(f"report: [bold]{escape(str(path))}[/]")


def main() -> None:
    """Run the command."""
    command("benchmark", _job)


if __name__ == "__main__":
    main()

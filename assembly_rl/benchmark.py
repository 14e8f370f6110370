"""assembly-rl-benchmark: measure methods over conditions and seeds, so that a sceptic believes the table."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from assembly_rl.cli import command, console
from assembly_rl.studies.cells import Cell, expand
from assembly_rl.studies.config import BenchmarkConfig
from assembly_rl.studies.run import failure, is_done, run_cell, run_cells


def _job(values: DictConfig) -> None:
    config: BenchmarkConfig = OmegaConf.to_object(values)  # type: ignore[assignment]
    folder = Path(config.output or f"runs/studies/{HydraConfig.get().runtime.choices['study']}")
    output = console()
    cells = expand(config.study)
    if config.cell is None:
        benchmark(folder, cells, config.processes, output)
    elif 0 <= config.cell < len(cells):
        run_cell(folder, cells[config.cell])
    else:
        raise ValueError(f"cell must be 0 to {len(cells) - 1}, got {config.cell}")


def benchmark(folder: Path, cells: list[Cell], processes: int | None, console: Console) -> None:
    """Run what is not done yet, then say what there is."""
    before = sum(is_done(folder, cell) for cell in cells)
    console.print(f"{folder}: {len(cells)} cells, {before} done")
    ended = run_cells(folder, cells, processes, console)
    done = sum(is_done(folder, cell) for cell in cells)
    dead = [cell for cell in cells if failure(folder, cell)]
    console.print(f"{done} of {len(cells)} cells done, {len(dead)} died")
    for cell in dead:
        console.print(f"  {cell.name}: {failure(folder, cell)}")
    if not ended:
        console.print("[yellow]stopped[/]; the same command goes on")
        raise SystemExit(130)


def main() -> None:
    """Entry point."""
    command("benchmark", _job)


if __name__ == "__main__":
    main()

"""assembly-rl-plan: predict the fastest device, sizes and number of environments before a training."""

from omegaconf import DictConfig
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import PlanConfig
from assembly_rl.configuration.composition import checked


def _job(values: DictConfig) -> None:
    config = checked(values, PlanConfig)
    show(config, console())


def show(config: PlanConfig, console: Console) -> None:
    """Print the predicted cost of each configuration, and the fastest one on this machine."""
    from assembly_rl.planner.calibration import cpu_profile
    from assembly_rl.planner.prediction import choose, predictions

    part = config.geometry.part()
    profiles = [cpu_profile(renew=True), *config.profile.values()]
    rows = list(track(
        predictions(part, config.task, config.variants(), config.environments, profiles),
        "planning", console=console, transient=True,
    ))  # fmt: skip
    rows.sort(key=lambda row: row.step)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("device", "network", "batch", "envs"):
        table.add_column(name, no_wrap=True)
    measures = ("steps/s", "training", "env", "update", "memory") + ("MFU", "launch") * config.verbose
    for name in measures:
        table.add_column(name, justify="right")
    here = choose([row for row in rows if row.profile.calibrated])
    for row in rows:
        table.add_row(
            row.profile.name + ("" if row.profile.calibrated else " *"),
            "-".join(map(str, row.algo.network)),
            str(row.algo.batch_size),
            str(row.environments),
            f"{1.0 / row.step:.0f}",
            f"{config.steps * row.step / 60.0:.1f} min",
            f"{1e3 * row.collecting:.2f} ms",
            f"{1e3 * row.updating:.2f} ms",
            f"{row.memory / 1e6:.0f} MB",
            *((f"{row.utilisation:.1%}", f"{row.launching:.0%}") if config.verbose else ()),
            style="bold" if row is here else "",
        )
    console.print(table)
    console.print(
        f"To choose here: {here.profile.name}, {'-'.join(map(str, here.algo.network))}, batch "
        f"{here.algo.batch_size}, {here.environments} environment(s).",
        "env, update: time in the simulation and of learning, for one policy step. "
        + "MFU: share of the device's peak that matrix products use. launch: share of an update that "
        "launches take. " * config.verbose
        + "* from data sheets, not calibrated.",
        sep="\n", highlight=False,
    )  # fmt: skip


def main() -> None:
    """Run the command."""
    command("plan", _job)


if __name__ == "__main__":
    main()

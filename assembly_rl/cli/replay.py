"""assembly-rl-replay: recorded readings and poses through a bundle, command by command."""

from pathlib import Path

import numpy as np
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from assembly_rl.cli.command import command, console
from assembly_rl.configuration.schema import ReplayConfig
from assembly_rl.controllers import Recording, load_bundle
from assembly_rl.controllers.adapters.playback import play_back
from assembly_rl.controllers.validation import AXES
from assembly_rl.deployment.differences import differences
from assembly_rl.reports.replay import plot_replay
from assembly_rl.runs import RunError


def replay(config: ReplayConfig, console: Console) -> float:
    """Replay, compare, plot both.

    Returns:
        Largest difference of a command: [m] or [rad]; NaN where none were recorded.

    Raises:
        BundleError: The bundle cannot be used.
        RunError: A file exists; nothing is overwritten.
        ValueError: The recording cannot be used.
    """
    try:
        recorded = Recording.load(config.recording)
    except OSError as error:
        raise ValueError(f"{config.recording} cannot be read: {error}") from error
    source = Path(config.recording)
    folder = Path(config.output) if config.output else source.parent
    table, picture = folder / f"{source.stem}-replayed.csv", folder / f"{source.stem}-replayed.png"
    for path in (table, picture):
        if path.exists():
            raise RunError(f"{path} exists; nothing is overwritten: choose another output")
    controller = load_bundle(config.bundle)
    own = play_back(controller, recorded)
    folder.mkdir(parents=True, exist_ok=True)
    own.save(table)
    plot_replay(recorded, own, picture)
    console.print(
        f"{len(recorded)} steps, {recorded.times[-1] - recorded.times[0]:.2f} s; the bundle ends with "
        f"[bold]{controller.state}[/]" + (f": {controller.reason}" if controller.reason else "")
    )
    worst = float("nan")
    if len(recorded.commands):
        off = differences(recorded, own)
        worst = float(np.abs(off).max())
        shown = Table("", *AXES, title="commands, bundle less recording")
        for name, values, form in (
            ("largest", np.abs(off).max(0), "{:.2g}"),
            ("root mean square", np.sqrt((off**2).mean(0)), "{:.2g}"),
        ):
            shown.add_row(name, *(form.format(value) for value in values))
        console.print(shown)
        console.print("m along x, y, z and rad about them, in the axes of the base")
    else:
        console.print("the recording has no commands to compare with")
    console.print(f"  {table}\n  {picture}")
    return worst


def _job(values: DictConfig) -> None:
    config: ReplayConfig = OmegaConf.to_object(values)  # type: ignore[assignment]
    replay(config, console())


def main() -> None:
    """Entry point."""
    command("replay", _job)


if __name__ == "__main__":
    main()

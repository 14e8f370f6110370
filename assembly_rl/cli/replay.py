"""assembly-rl-replay: compute a bundle's commands from recorded readings and poses."""

import numpy as np
from omegaconf import DictConfig
from rich.table import Table

from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import ReplayConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.controllers.validation import AXES
from assembly_rl.deployment.replay import replay_recording
from assembly_rl.reports.watching import SUFFIX


def _job(values: DictConfig) -> None:
    config = checked(values, ReplayConfig)
    replay, output = replay_recording(config.bundle, config.recording, config.output, config.watch), console()
    times = replay.recorded.times
    output.print(
        f"{len(times)} steps, {times[-1] - times[0]:.2f} s; the bundle ends with "
        f"[bold]{replay.state}[/]" + (f": {replay.reason}" if replay.reason else "")
    )
    if replay.differences is None:
        output.print("the recording has no commands to compare with")
    else:
        table = Table("", *AXES, title="commands, bundle less recording")
        for name, values in (
            ("largest", np.abs(replay.differences).max(0)),
            ("root mean square", np.sqrt((replay.differences**2).mean(0))),
        ):
            table.add_row(name, *(f"{value:.2g}" for value in values.tolist()))
        output.print(table)
        output.print("m along x, y, z and rad about them, in the axes of the base")
    output.print(f"  {replay.table}\n  {replay.picture}", markup=False)
    if config.watch and config.watch.endswith(SUFFIX):
        output.print(f"  rerun {config.watch}", markup=False)


def main() -> None:
    """Run the command."""
    command("replay", _job)


if __name__ == "__main__":
    main()

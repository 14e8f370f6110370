"""Replay of recorded readings and poses through a bundle."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers import Recording, load_bundle
from assembly_rl.controllers.adapters.playback import play_back
from assembly_rl.controllers.validation import InputError
from assembly_rl.deployment.differences import command_differences
from assembly_rl.envs import PegHole
from assembly_rl.reports.recordings import plot_replay
from assembly_rl.reports.watching import VIEWER, require_watchable
from assembly_rl.runs import RunError


@dataclass(frozen=True)
class Replay:
    """Commands of a bundle for recorded readings and poses.

    Attributes:
        recorded: Original recording.
        replayed: Recording of the same readings and poses with the commands of the bundle.
        state: State of the insertion at the end.
        reason: Reason for that state; empty without one.
        differences: (n, 6) commands of the bundle minus those recorded [m, rad] in the axes of the base; None
            if no commands were recorded.
        table: CSV file of ``replayed``.
        picture: Picture of both.
    """

    recorded: Recording
    replayed: Recording
    state: str
    reason: str
    differences: NDArray[np.float64] | None
    table: Path
    picture: Path


def replay_recording(
    bundle: str | Path, recording: str | Path, output: str | Path | None = None, watch: str | None = None
) -> Replay:
    """Replay a recording, compare the commands, and write and plot them.

    Args:
        bundle: File of the bundle.
        recording: CSV file; see ``assembly_rl.controllers.Recording``.
        output: Folder for table and picture; by default the recording's.
        watch: ``viewer`` shows recording and replay in Rerun; a file that ends in ``.rrd`` is for its viewer.

    Raises:
        BundleError: The bundle cannot be used.
        RunError: An output file exists; it is not overwritten.
        ValueError: The recording cannot be used, or nothing can be watched.
    """
    if watch is not None:
        require_watchable(watch, in_window=False)
    try:
        recorded = Recording.load(recording)
    except OSError as error:
        raise InputError(f"{recording} cannot be read: {error}") from error
    source = Path(recording)
    folder = Path(output) if output else source.parent
    table, picture = folder / f"{source.stem}-replayed.csv", folder / f"{source.stem}-replayed.png"
    for path in (table, picture):
        if path.exists():
            raise RunError(f"{path} exists; nothing is overwritten: choose another output")
    controller = load_bundle(bundle)
    replayed = play_back(controller, recorded)
    folder.mkdir(parents=True, exist_ok=True)
    replayed.save(table)
    plot_replay(recorded, replayed, picture)
    if watch is not None:
        from assembly_rl.reports.replay_viewer import show_replay

        part = PegHole(**asdict(controller.manifest.part))
        show_replay(recorded, replayed, part, None if watch == VIEWER else Path(watch))
    return Replay(
        recorded=recorded,
        replayed=replayed,
        state=str(controller.state),
        reason=controller.reason,
        differences=command_differences(recorded, replayed) if len(recorded.commands) else None,
        table=table,
        picture=picture,
    )

"""Episodes that somebody watches while they run: in the engine's window, or in Rerun."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType

from assembly_rl.controllers.recognition.recognizer import CONTROL_RATE
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import make_environment
from assembly_rl.envs.physics import require_display
from assembly_rl.evaluation import Policy, Scenario
from assembly_rl.evaluation.episodes import Row, run_episode
from assembly_rl.runs import RunError

WINDOW, VIEWER = "window", "viewer"
"""Targets: the window of the physics engine, and Rerun's viewer."""

SUFFIX = ".rrd"
"""Suffix of Rerun's files."""


def require_target(target: str | None, in_window: bool = True) -> None:
    """Check that a target is known.

    Args:
        target: ``window``, ``viewer`` or a file that ends in ``.rrd``; None for nothing to watch.
        in_window: True if there is something to see in an engine's window.

    Raises:
        ValueError: It is none of these.
    """
    known = (WINDOW, VIEWER) if in_window else (VIEWER,)
    if target is not None and target not in known and Path(target).suffix != SUFFIX:
        raise InputError(f"watch must be {', '.join(known)}, or a file that ends in {SUFFIX}, got {target!r}")


def require_watchable(target: str, in_window: bool = True) -> None:
    """Check, before anything starts, that a window or viewer can be opened or a file written.

    Args:
        target: As for ``require_target``.
        in_window: As for ``require_target``.

    Raises:
        ValueError: The target is unknown, there is no display for it, or Rerun is not installed.
        RunError: The file exists.
    """
    require_target(target, in_window)
    if target != WINDOW:
        from assembly_rl.reports.rerun_parts import import_rerun

        import_rerun()
    if target in (WINDOW, VIEWER):
        require_display(
            f"use watch=episodes{SUFFIX}, and open that with `rerun episodes{SUFFIX}` where there is one"
        )
    elif Path(target).exists():
        raise RunError(f"{target} exists; nothing is overwritten: choose another file for watch=")


class Watcher:
    """Context that runs episodes to be watched, one after another in this process; their rows stay the same.

    Args:
        target: ``window``, ``viewer``, or a file that ends in ``.rrd``.

    Raises:
        ValueError: The target is unknown, there is no display for it, or Rerun is not installed.
        RunError: The file exists, or cannot be written.
    """

    def __init__(self, target: str) -> None:
        require_watchable(target)
        self._viewer = None
        if target != WINDOW:
            from assembly_rl.reports.viewer import Viewer

            self._viewer = Viewer(None if target == VIEWER else Path(target))

    def iterate(
        self, scenario: Scenario, policy: Policy, episodes: int, first_seed: int, label: str
    ) -> Iterator[list[Row]]:
        """Yield the row of each episode of ``Evaluator.iterate`` as soon as it is done.

        Args:
            scenario: Part and task.
            policy: Policy.
            episodes: Number of episodes.
            first_seed: Seed of the first one.
            label: Name of policy and condition.
        """
        viewer, mode = self._viewer, None if self._viewer else "human"
        watch = None if viewer is None else viewer.log
        with closing(make_environment(scenario.part, scenario.task, mode)) as environment:
            if viewer is not None and environment.task.control_rate == CONTROL_RATE:
                environment.watch = viewer.update
            for seed in range(first_seed, first_seed + episodes):
                if viewer is not None:
                    viewer.begin(f"episode {seed}: {label}", environment.part)
                yield [run_episode(environment, policy, seed, watch)]

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._viewer is not None:
            self._viewer.close()

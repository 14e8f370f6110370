"""Start and end of worker processes."""

import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INTERRUPTED = 130
"""Exit code of a process that a signal stopped, as a shell's after Ctrl-C."""

MOST_PROCESSES = 1024
"""Largest number of worker processes that a configuration may ask for."""

START_METHOD = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
"""Start method of workers: a fork avoids the import of torch, which takes longer than many evaluations."""


def exit_with_parent(parent: int) -> None:
    """End this process when its parent has been killed, of which no other signal arrives.

    Args:
        parent: Process number of the parent.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def shielded(make: Callable[[], T]) -> Callable[[], T]:
    """Wrap a factory of environments for ``SubprocVecEnv``, so that Ctrl-C does not end the worker.

    Ctrl-C reaches every process of the terminal's group; the workers must survive it, because the training
    steps them until its last checkpoint.
    """
    return functools.partial(_make_shielded, make)


def _make_shielded(make: Callable[[], T]) -> T:
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if hasattr(os, "setpgrp"):
            os.setpgrp()
    return make()

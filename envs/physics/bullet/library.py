"""Import of PyBullet without the line that it prints, from C, in every process."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["pybullet", "silently"]


@contextmanager
def silently(*files: int) -> Iterator[None]:
    """Send what is printed from C, to the given file descriptors or by default to 1 and 2, nowhere."""
    kept = [(file, os.dup(file)) for file in files or (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for file, _ in kept:
        os.dup2(nowhere, file)
    os.close(nowhere)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # what C has buffered
        for file, copy in kept:
            os.dup2(copy, file)
            os.close(copy)


with silently(2):
    import pybullet

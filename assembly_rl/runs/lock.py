"""Exclusive lock of a folder, which ends with the process that holds it, also by kill -9."""

import fcntl
import json
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assembly_rl.runs.files import RunError, read_bytes, writing

FILE = ".lock"
"""File of the lock in the folder; it is removed when the lock is released."""

_held: dict[int, int] = {}  # of this process: id of a lock -> open file


def _close_in_child() -> None:
    """Close the files of all locks in a new process, which would outlive a killed parent otherwise."""
    for handle in _held.values():
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)


class FolderLocked(RunError):
    """Error of a folder that is locked already."""


class FolderLock:
    """Exclusive lock of a folder, against other processes and other locks of this one.

    Args:
        file: Name of the file of the lock, for a lock of only a part of a folder.

    Attributes:
        folder: Folder that is locked.
    """

    def __init__(self, file: str = FILE) -> None:
        self.folder: Path | None = None
        self._file = file
        self._depth = 0

    @property
    def held(self) -> bool:
        """True while this process holds the lock."""
        return id(self) in _held

    def acquire(self, folder: Path) -> None:
        """Lock a folder; do nothing if this lock is held.

        Raises:
            FolderLocked: Another process, or another lock of this one, holds it.
            RunError: The folder cannot be written.
        """
        if self.held:
            return
        path = folder / self._file
        with writing(path):
            while True:
                handle = open_own(path, os.O_RDWR | os.O_CREAT)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if not _is(path, handle):  # its holder has just removed it
                        os.close(handle)
                        continue
                    os.ftruncate(handle, 0)
                    os.write(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
                except BlockingIOError:
                    os.close(handle)
                    raise FolderLocked(_refusal(path)) from None
                except BaseException:
                    os.close(handle)
                    raise
                break
        self.folder, _held[id(self)] = folder, handle

    @contextmanager
    def holding(self, folder: Path) -> Iterator[None]:
        """Hold the lock of a folder within the outermost of such contexts.

        Raises:
            FolderLocked: Another process, or another lock of this one, holds it.
            RunError: The folder cannot be written.
        """
        self.acquire(folder)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self.release()

    def release(self) -> None:
        """Unlock the folder; do nothing if the lock is not held."""
        handle = _held.pop(id(self), None)
        if handle is None:
            return
        assert self.folder is not None
        path = self.folder / self._file
        try:
            if _is(path, handle):
                path.unlink()
        except OSError:  # what is left there locks nothing
            pass
        finally:
            os.close(handle)

    def __del__(self) -> None:
        self.release()


def open_own(path: Path, flags: int) -> int:
    """Open a file for writing only if it is a regular file that no other folder shares.

    Args:
        path: File.
        flags: Flags of ``os.open``; neither links nor pipes are followed or waited for.

    Raises:
        RunError: The path is a link, has another hard link, or is no regular file.
        OSError: It cannot be opened.
    """
    require_own(path)
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(handle)
        raise RunError(f"{path} is not a file of its own: replace it by a copy")
    return handle


def require_own(path: Path) -> None:
    """Raise a RunError if a path is anything but absent, a folder, or a file that only this folder has."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        kind = "a symbolic link"
    elif stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink == 1):
        return
    elif stat.S_ISREG(found.st_mode):
        kind = "a hard link to a file that has another name, too"
    else:
        kind = "neither a file nor a folder"
    raise RunError(
        f"{path} is {kind}, and nothing is written through one: remove it, or put a copy of the file or "
        "folder in its place"
    )


def _is(path: Path, handle: int) -> bool:
    """Return True if a path still names an open file."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _refusal(path: Path) -> str:
    what = path.parent if path.name == FILE else path
    for _ in range(20):  # its holder writes this right after it has locked
        try:
            holder = json.loads(read_bytes(path))
            who = f"process {int(holder['pid'])} on {holder['host']}"
            break
        except (RunError, ValueError, TypeError, KeyError):
            time.sleep(0.05)
    else:
        who = "another process"
    return f"{what} is being written by {who}: wait for its end, or stop it first"

"""New folders that are complete or absent, and folders of others in which nothing leads outside."""

import errno
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from assembly_rl.runs.files import RunError, publish, writing
from assembly_rl.runs.lock import FolderLock, FolderLocked, require_own

T = TypeVar("T")


class FolderTaken(RunError):
    """Error of a new folder whose path is in use."""


@contextmanager
def new_folder(path: Path, remedy: str, lock: FolderLock | None = None) -> Iterator[Path]:
    """Yield a folder to be filled, which then appears under its path with all its content at once.

    Until then it is a hidden folder beside it. Of several processes that make the same one, one succeeds.

    Args:
        path: New folder, or an empty one.
        remedy: Advice, such as ``choose another output``, for a folder that is in use.
        lock: Lock of the new folder, which is held from its beginning on.

    Raises:
        FolderTaken: The path is in use.
        RunError: The folder cannot be written.
    """
    place = Path(os.path.abspath(path))
    _require_free(place, path, remedy)
    own = lock or FolderLock()
    with writing(path):
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_remains(place)
        partial = _locked_sibling(place, own)
    try:
        yield partial
        with writing(path):
            try:
                publish(partial, place)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
                    raise
                raise FolderTaken(f"{path} has just been made by another process: {remedy}") from None
        own.folder = place
        if lock is None:
            own.release()
    except BaseException:
        own.release()
        shutil.rmtree(partial, ignore_errors=True)
        raise


def folder_name(name: str) -> str:
    """Return a name of a part with an underscore for whatever is no letter, digit, dot or dash."""
    return re.sub(r"[^\w.-]+", "_", name)


def first_unused(name: str, make: Callable[[Path], T]) -> T:
    """Make a folder under runs/ that does not exist yet, also if other processes do so at the same time.

    Args:
        name: Name of the folder; if it is in use, ``name-2`` and so on.
        make: Function that makes the folder; it raises FolderTaken if another process was faster.
    """
    number = 1
    while True:
        path = Path("runs", name if number == 1 else f"{name}-{number}")
        if not os.path.lexists(path):
            try:
                return make(path)
            except FolderTaken:
                pass
        number += 1


def require_own_files(folder: Path) -> None:
    """Check that a folder, with all below it, has nothing through which one could write elsewhere.

    Raises:
        RunError: There is a link, a pipe or a device; the message names it.
    """
    for entry in _entries(folder):
        require_own(Path(entry.path))
        if entry.is_dir(follow_symlinks=False):
            require_own_files(Path(entry.path))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:  # another process of the same training has just renamed it
        return []
    except OSError as error:
        raise RunError(f"{folder} cannot be read: {error.strerror}") from error


def _require_free(place: Path, path: Path, remedy: str) -> None:
    try:
        used = os.path.lexists(place) and (place.is_symlink() or not place.is_dir() or any(place.iterdir()))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    if used:
        raise FolderTaken(f"{path} exists and is not an empty folder; {remedy}")
    if os.path.lexists(place) and place.samefile(Path.cwd()):
        raise RunError(f"{path} is the working directory: give a new folder in it")


def _locked_sibling(place: Path, lock: FolderLock) -> Path:
    while True:
        partial = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}.partial")
        partial.mkdir()
        try:
            lock.acquire(partial)
            return partial
        except FolderLocked:  # by a process that takes it for a remain, and removes it
            continue
        except RunError:
            if partial.is_dir():
                shutil.rmtree(partial, ignore_errors=True)
                raise


def _remove_remains(place: Path) -> None:
    """Remove the hidden folders of processes that were killed while they made the same folder."""
    for partial in place.parent.glob(f".{_escaped(place.name)}.????????.partial"):
        lock = FolderLock()
        if partial.is_symlink() or not partial.is_dir():
            continue
        try:
            lock.acquire(partial)
        except RunError:  # it is being filled
            continue
        shutil.rmtree(partial, ignore_errors=True)
        lock.release()


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)

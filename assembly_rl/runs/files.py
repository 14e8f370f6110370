"""JSON and safetensors files that are either complete or absent, and errors that name the file."""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from assembly_rl.controllers.validation import InputError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Error numbers of a medium that takes no more data."""

_REMEDIES = {
    errno.ENOSPC: "free space there; a training then goes on with resume=<its folder>",
    errno.EDQUOT: "free space there; a training then goes on with resume=<its folder>",
    errno.EFBIG: "raise ulimit -f; a training then goes on with resume=<its folder>",
    errno.EROFS: "make it writable, or choose another folder",
    errno.EACCES: "make it writable, or choose another folder",
    errno.EPERM: "make it writable, or choose another folder",
}


class RunError(InputError):
    """Error of a run directory or checkpoint; the message names the path and says what to do."""


class NewerFormat(RunError):
    """Error of a file that a newer assembly_rl has written."""


@contextmanager
def writing(path: Path, only: Container[int] | None = None) -> Iterator[None]:
    """Turn an error of the operating system into one that names the path and says what to do.

    Args:
        path: File or folder that is written in this context.
        only: Error numbers that are turned; by default all.

    Raises:
        RunError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        remedy = _REMEDIES.get(error.errno or 0, "choose another folder, or remove what is in the way")
        raise RunError(f"{path} cannot be written: {error.strerror or error}; {remedy}") from error


def read_bytes(path: Path) -> bytes:
    """Read a regular file; a pipe or a device is refused rather than waited for.

    Raises:
        RunError: The file is missing, is no regular file, or cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise RunError(f"{path} is missing or damaged: it is not a regular file; replace it by one")
            return file.read()
    except OSError as error:
        raise RunError(f"{path} is missing or damaged: {error.strerror}") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically, so that it survives a power failure; nothing is written through a link.

    Args:
        path: File that is written or replaced.
        content: Content.

    Raises:
        RunError: The file cannot be written; what was there is unchanged.
    """
    with writing(path), replacing(path) as partial, partial.open("xb") as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a new file in the same folder, of the same suffix, which then replaces another.

    Args:
        path: File that is replaced if no error occurs; otherwise it is unchanged.
    """
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    partial.unlink(missing_ok=True)
    try:
        yield partial
        publish(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically.

    Floats are exact (shortest repr); NaN and infinities are written as in Python's JSON (``NaN``,
    ``Infinity``); numpy scalars and arrays become numbers and lists.

    Args:
        path: File that is written or replaced.
        content: Content, in types of JSON and numpy.

    Raises:
        TypeError: A value has another type.
        RunError: The file cannot be written.
    """
    write_bytes(path, (json.dumps(content, indent=1, default=_plain) + "\n").encode())


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RunError: The file is missing or damaged, or a key occurs twice.
    """
    try:
        content = json.loads(read_bytes(path).decode(), object_pairs_hook=_unique)
    except RunError:
        raise
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is missing or damaged: {error}") from error
    if not isinstance(content, dict):
        raise RunError(f"{path} is damaged: it is not a JSON object")
    return content


def read_json(path: Path, version: int, fields: Mapping[str, type] | None = None) -> dict[str, Any]:
    """Read a JSON object with a format number.

    Args:
        path: File that is read.
        version: Latest supported format.
        fields: Name -> type in JSON of fields that it must have.

    Raises:
        RunError: The file is missing, damaged, or of a later format.
    """
    content = read_object(path)
    found = content.get("format")
    if type(found) is not int or found < 1:
        raise RunError(f"{path} is damaged: it is not a JSON object with a 'format' number")
    if found > version:
        raise NewerFormat(
            f"{path} has format {found}, this assembly_rl reads up to {version}: use a newer one"
        )
    for name, kind in (fields or {}).items():
        if type(content.get(name)) is not kind:
            raise RunError(
                f"{path} is damaged: {name!r} must be of type {kind.__name__}, got {shown(content.get(name))}"
            )
    return content


def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write CPU tensors as safetensors atomically, with a checksum.

    Args:
        path: File that is written or replaced.
        tensors: Name -> tensor.

    Raises:
        RunError: The file cannot be written.
    """
    write_bytes(path, save(tensors, metadata={"sha256": _digest(tensors)}))


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read tensors onto the CPU and verify their checksum.

    Raises:
        RunError: The file is missing or damaged.
    """
    content = read_bytes(path)
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise RunError(f"{path} is missing or damaged: {error}") from error
    if header.get("__metadata__", {}).get("sha256") != _digest(tensors):
        raise RunError(f"{path} is damaged: its checksum does not match its content")
    return tensors


def publish(partial: Path, path: Path) -> None:
    """Rename a finished file or folder to its final path so that it survives a power failure.

    Args:
        partial: Finished file or folder.
        path: Final path, in the same folder.
    """
    sync(partial)
    os.replace(partial, path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk."""
    if path.is_dir() and os.name != "posix":  # folders cannot be opened elsewhere
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def shown(value: Any) -> str:
    """Return a value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for key, tensor in sorted(tensors.items()):
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the key {twice!r} occurs twice")
    return content


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON: {value!r}")

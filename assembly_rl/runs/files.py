"""JSON and safetensors files that are either complete or absent, and errors that name the file."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from assembly_rl.controllers.validation import InputError


class RunError(InputError):
    """Error of a run directory or checkpoint; the message names the path and says what to do."""


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically.

    Floats are exact (shortest repr); NaN and infinities are written as in Python's JSON (``NaN``,
    ``Infinity``); numpy scalars and arrays become numbers and lists.

    Args:
        path: File that is written or replaced.
        content: Content, in types of JSON and numpy.

    Raises:
        TypeError: A value has another type.
    """
    partial = _partial(path)
    partial.write_text(json.dumps(content, indent=1, default=_plain) + "\n", encoding="utf-8")
    publish(partial, path)


def read_json(path: Path, version: int) -> dict[str, Any]:
    """Read a JSON object with a format number.

    Args:
        path: File that is read.
        version: Latest supported format.

    Raises:
        RunError: The file is missing, damaged, or of a later format.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is missing or damaged: {error}") from error
    found = content.get("format") if isinstance(content, dict) else None
    if not isinstance(found, int):
        raise RunError(f"{path} is damaged: it is not a JSON object with a 'format' number")
    if found > version:
        raise RunError(f"{path} has format {found}, this assembly_rl reads up to {version}: use a newer one")
    return content


def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write CPU tensors as safetensors atomically, with a checksum.

    Args:
        path: File that is written or replaced.
        tensors: Name -> tensor.
    """
    partial = _partial(path)
    save_file(tensors, partial, metadata={"sha256": _digest(tensors)})
    publish(partial, path)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read tensors onto the CPU and verify their checksum.

    Raises:
        RunError: The file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            # Cloned because the tensors are views of the mapped file.
            tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path} is missing or damaged: {error}") from error
    if metadata.get("sha256") != _digest(tensors):
        raise RunError(f"{path} is damaged: its checksum does not match its content")
    return tensors


def publish(partial: Path, path: Path) -> None:
    """Rename a finished file or folder to its final path so that it survives a power failure.

    Args:
        partial: Finished file or folder.
        path: Final path, in the same folder.
    """
    _sync(partial)
    os.replace(partial, path)
    _sync(path.parent)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _sync(path: Path) -> None:
    if path.is_dir():
        if os.name != "posix":  # folders cannot be opened elsewhere
            return
        handle = os.open(path, os.O_RDONLY)
    else:
        handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for key, tensor in sorted(tensors.items()):
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON: {value!r}")

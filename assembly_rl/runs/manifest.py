"""Manifest of a checkpoint: SHA-256 of its files, and length and SHA-256 of the run's rows at its step."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assembly_rl.runs.checks import refuse, require_count, require_names, require_type
from assembly_rl.runs.files import RunError, read_bytes, read_json, write_json

FILE = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Rows:
    """Content of a CSV file at the step of a checkpoint.

    Attributes:
        length: Length [bytes].
        sha256: Hash (hex) of that many bytes.
    """

    length: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> "Rows":
        """Return length and hash of a content."""
        return cls(len(content), hashlib.sha256(content).hexdigest())


def write_manifest(folder: Path, step: int, rows: dict[str, Rows]) -> None:
    """Write the manifest of a complete checkpoint.

    Args:
        folder: Folder of the checkpoint.
        step: Step of the checkpoint.
        rows: Name of a CSV file of the run -> its content so far.
    """
    content = {
        "format": FORMAT,
        "step": step,
        "files": {path.name: _hash(path) for path in sorted(folder.iterdir())},
        "rows": {name: asdict(of) for name, of in rows.items()},
    }
    write_json(folder / FILE, content | {"sha256": _checksum(content)})


def verify(folder: Path) -> dict[str, Rows]:
    """Verify all files of a checkpoint with a manifest.

    Args:
        folder: Folder of the checkpoint, named after its step.

    Returns:
        Name of a CSV file of the run -> its content at the step.

    Raises:
        RunError: The manifest or a file is missing, damaged or of another checkpoint.
    """
    path = folder / FILE
    content = read_json(path, FORMAT, {"step": int, "files": dict, "rows": dict, "sha256": str})
    if content.pop("sha256") != _checksum(content):
        raise RunError(f"{path} is damaged: its checksum does not match its content")
    files, step = content["files"], content["step"]
    if folder.name.startswith("step_") and folder.name != f"step_{step:010d}":
        raise RunError(f"{path} is of the checkpoint of step {step}")
    other = sorted({entry.name for entry in folder.iterdir()} ^ {FILE, *files})
    if other:
        what = "is missing" if other[0] in files else "is no file of the checkpoint"
        raise RunError(f"{folder / other[0]} {what}")
    for name, digest in files.items():
        if _hash(folder / name) != digest:
            raise RunError(f"{folder / name} is damaged: its SHA-256 is not that in {FILE}")
    for name, of in content["rows"].items():
        if Path(name).name != name or not name.endswith(".csv"):
            raise refuse(f"{path}: rows", "names of CSV files in the run", name)
        require_names(f"{path}: rows.{name}", of, ("length", "sha256"))
        require_count(f"{path}: rows.{name}.length", of["length"])
        require_type(f"{path}: rows.{name}.sha256", of["sha256"], str)
    return {name: Rows(**of) for name, of in content["rows"].items()}


def _hash(path: Path) -> str:
    return hashlib.sha256(read_bytes(path)).hexdigest()


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

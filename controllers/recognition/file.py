"""Files of recognisers: numpy archives with the network's arrays and a description."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.recognition.features import CHANNELS, PRESENT, PRESENT_SCALE, SCALE
from assembly_rl.controllers.recognition.network import Network
from assembly_rl.controllers.recognition.recognizer import CONTROL_RATE, ContactRecognizer
from assembly_rl.controllers.recognition.states import STATES
from assembly_rl.controllers.validation import InputError

VERSION = 1
"""Version of the format, raised when the meaning of inputs or outputs changes."""

SHIPPED = Path(__file__).parent / "shipped"
"""Folder of the recognisers that come with this package."""

MAX_SIZE = 4 * 1024 * 1024
"""Largest file [bytes]."""


def _expected() -> dict[str, Any]:
    """Return the part of the description that this version can use."""
    return {
        "version": VERSION,
        "control_rate": CONTROL_RATE,
        "channels": list(CHANNELS),
        "scale": [float(f"{value:g}") for value in SCALE],
        "present": list(PRESENT),
        "present_scale": [float(f"{value:g}") for value in PRESENT_SCALE],
        "states": list(STATES),
    }


def save_network(
    path: str | PathLike[str], arrays: Mapping[str, NDArray[np.generic]], kinds: Sequence[str], note: str = ""
) -> None:
    """Write a recogniser to a new file.

    Args:
        path: File, which must not exist.
        arrays: Arrays of the network; see ``Network``.
        kinds: Names of the kinds of sections.
        note: Remark on its training.

    Raises:
        ValueError: The file exists, or the arrays are no network.
    """
    network = Network(arrays)
    ContactRecognizer(network, kinds)  # refuses other outputs
    if Path(path).exists():
        raise InputError(f"{path} exists; nothing is overwritten: choose another file")
    description = json.dumps(_expected() | {"kinds": list(kinds), "note": note})
    with open(path, "xb") as file:
        own: dict[str, Any] = {"description": np.array(description), **network.arrays}
        np.savez_compressed(file, **own)


def load_recognizer(source: str | PathLike[str] = "contact_states") -> ContactRecognizer:
    """Read a recogniser.

    Args:
        source: File, or name of one that comes with this package.

    Raises:
        ValueError: There is no such file, or it is no recogniser of this version.
    """
    shipped = SHIPPED / f"{source}.npz"
    path = shipped if shipped.is_file() and not Path(source).exists() else Path(source)
    if not path.is_file():
        known = ", ".join(sorted(own.stem for own in SHIPPED.glob("*.npz")))
        raise InputError(f"no recogniser {source!s}: give a file, or the name of a shipped one ({known})")
    if path.stat().st_size > MAX_SIZE:
        raise InputError(f"{path} is larger than {MAX_SIZE} bytes: it is no recogniser")
    try:
        with zipfile.ZipFile(path):  # any other file is no archive, though numpy might read it
            pass
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        description = json.loads(str(arrays.pop("description")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no recogniser: {error}") from None
    _check(path, description)
    try:
        return ContactRecognizer(Network(arrays), description["kinds"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _check(path: Path, description: Any) -> None:
    """Refuse a description that does not fit this version."""
    if not isinstance(description, dict):
        raise InputError(f"{path} is no recogniser: its description is no mapping")
    for name, value in _expected().items():
        if description.get(name) != value:
            raise InputError(
                f"{path} has {name} {description.get(name)!r:.80}, but this version needs {value!r:.80}: "
                "train it again"
            )
    kinds = description.get("kinds")
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise InputError(f"{path} has no list of names as kinds, got {kinds!r:.80}")

"""Bundle files: safetensors files whose metadata holds the manifest and a hash over the content."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.bundles.controller import BundleController
from assembly_rl.controllers.bundles.golden import Golden
from assembly_rl.controllers.bundles.manifest import Manifest
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.validation import InputError

KIND = "assembly_rl controller bundle"
SHIPPED = Path(__file__).parent / "shipped"
"""Folder of the bundles that come with this package."""
MAX_SIZE = 16 * 1024 * 1024
"""Largest file [bytes]."""
MAX_HEADER = 1024 * 1024
"""Largest header of a file, with the manifest [bytes]."""
MAX_LAYERS = 16
"""Most layers of a network."""
MAX_WIDTH = 4096
"""Largest width of a layer."""
MAX_WEIGHT = 1e6
"""Largest weight of a network; float32 overflows only far beyond what such layers can sum up."""

Tensors = dict[str, NDArray[np.generic]]


class BundleError(InputError):
    """Error of a bundle that cannot be used; the message names the file, the field and what to do."""


@dataclass(frozen=True)
class Bundle:
    """Content of a bundle.

    Attributes:
        manifest: Description of the controller.
        policy: Network.
        golden: Inputs with the expected outputs.
        sha256: Hash over the content (hex).
        content: Manifest as it is written, in types of JSON.
    """

    manifest: Manifest
    policy: MLP
    golden: Golden
    sha256: str
    content: dict[str, Any]


def write_bundle(
    path: str | PathLike[str], manifest: Mapping[str, object], policy: MLP, golden: Golden
) -> str:
    """Write a bundle into a new file, and read it back.

    Args:
        path: Path of the file.
        manifest: Manifest in types of JSON; see ``Manifest``.
        policy: Network.
        golden: Golden vectors.

    Returns:
        Hash (hex).

    Raises:
        FileExistsError: The file exists; it is not overwritten.
        BundleError: The arguments do not form a readable bundle.
    """
    from safetensors.numpy import save

    tensors: Tensors = dict(golden.tensors())
    for number, (weight, bias, _) in enumerate(policy.layers):
        tensors |= {f"policy.{number}.weight": weight, f"policy.{number}.bias": bias}
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}  # as they are written
    text = json.dumps(manifest, allow_nan=False)
    digest = _digest(text, tensors)
    content = save(tensors, {"kind": KIND, "manifest": text, "sha256": digest})
    _parse(Path(path), content)
    with Path(path).open("xb") as file:
        file.write(content)
    return digest


def shipped_bundles() -> list[str]:
    """Return the names of the bundles that come with this package."""
    return sorted(path.stem for path in SHIPPED.glob("*.bundle"))


def located(name: str | PathLike[str]) -> Path:
    """Return the file of a bundle that comes with this package, by its name, or else the path itself."""
    path = Path(name)
    shipped = path if path.exists() else SHIPPED / f"{name}.bundle"
    return shipped if shipped.is_file() and path.name == str(name) else path


def read_bundle(path: str | PathLike[str]) -> Bundle:
    """Read a bundle, and check all of it; no content is executed.

    Args:
        path: Path of the file, or the name of a bundle that comes with this package.

    Raises:
        BundleError: The file is not a bundle, is damaged, has a newer format, or has wrong fields or
            golden vectors.
    """
    path = located(path)
    try:
        content = _content(path)
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read: {error}") from error
    return _parse(path, content)


def _content(path: Path) -> bytes:
    """Return the content of a regular file, of no more than ``MAX_SIZE`` bytes."""
    if not S_ISREG(path.stat().st_mode):  # opening a device may do something
        raise InputError("it is no regular file")
    with open(path, "rb", opener=_open_at_once) as file:
        if not S_ISREG(os.fstat(file.fileno()).st_mode):  # replaced in between
            raise InputError("it is no regular file")
        content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise InputError(f"it has more bytes than a bundle may have ({MAX_SIZE})")
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def load_bundle(
    path: str | PathLike[str], *, hole_depth: float | None = None, peg_length: float | None = None
) -> BundleController:
    """Load a controller from a bundle, after a check of its golden vectors.

    Args:
        path: Path of the file, or the name of a bundle that comes with this package: ``"generalist"``.
        hole_depth: Depth of the hole [m], if it is not that of the bundle's part.
        peg_length: Distance from flange to tip [m], if it is not that of the bundle's part.

    Raises:
        BundleError: ``read_bundle`` refuses the file.
        ValueError: A length is refused.
    """
    bundle = read_bundle(path)
    manifest, part, tool = bundle.manifest, bundle.manifest.part, bundle.manifest.tool
    if hole_depth is not None:
        part = replace(part, hole_depth=hole_depth)
    if peg_length is not None:
        part, tool = replace(part, peg_length=peg_length), replace(tool, centre=[0.0, 0.0, -peg_length])
    return BundleController(replace(manifest, part=part, tool=tool), bundle.policy)


def _parse(path: Path, content: bytes) -> Bundle:
    try:
        return _understand(content)
    except RecursionError:
        raise BundleError(f"{path}: the manifest is nested without end") from None
    except ArithmeticError as error:
        raise BundleError(f"{path}: numbers of the manifest are out of range: {error}") from error
    except ValueError as error:
        raise BundleError(f"{path}: {shortened(str(error))}") from error


def shortened(text: str) -> str:
    """Return a message of at most 1000 characters."""
    return text if len(text) <= 1000 else f"{text[:997]}..."


def _understand(content: bytes) -> Bundle:
    metadata, tensors = _take_apart(content)
    if metadata.get("kind") != KIND:
        raise InputError("this is no bundle: make one with assembly-rl-export run=<dir>")
    text, digest = metadata.get("manifest", ""), metadata.get("sha256")
    if digest != _digest(text, tensors):
        raise InputError("sha256 does not match the content: the file is damaged, export or copy it again")
    values = json.loads(text, parse_constant=_no_number, object_pairs_hook=_unique)
    manifest = Manifest.read(values)
    policy = _network(manifest, tensors)
    golden = Golden.of(tensors)
    if tensors:
        raise InputError(f"the tensor {min(tensors)!r} is unknown")
    golden.check(BundleController(manifest, policy), policy)
    return Bundle(manifest, policy, golden, digest, values)


def _take_apart(content: bytes) -> tuple[dict[str, str], Tensors]:
    """Return metadata and tensors of a safetensors file."""
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load
    except ImportError as error:
        raise ImportError("a bundle is a safetensors file: pip install safetensors") from error

    length = int.from_bytes(content[:8], "little")
    if length > min(MAX_HEADER, len(content)):
        raise InputError(f"this is no bundle, or a damaged one: its header would have {length} bytes")
    try:
        tensors: Tensors = dict(load(content))
        # The library has checked the header: eight bytes with its length, then JSON.
        header = json.loads(content[8 : 8 + length])
        return dict(header.get("__metadata__") or {}), tensors
    except (SafetensorError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"this is no bundle, or a damaged one: {error}") from error


def _no_number(name: str) -> float:
    raise InputError(f"the manifest holds {name}, which is no number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the manifest has {shortened(twice)!r} twice")
    return values


def _network(manifest: Manifest, tensors: Tensors) -> MLP:
    """Return the policy, and remove its tensors."""
    layers = []
    if len(manifest.activations) > MAX_LAYERS:
        raise InputError(f"activations must be at most {MAX_LAYERS}, got {len(manifest.activations)}")
    for number, activation in enumerate(manifest.activations):
        parts: list[Any] = []
        for name, dimensions in (("weight", 2), ("bias", 1)):
            key = f"policy.{number}.{name}"
            if key not in tensors:
                raise InputError(f"the tensor {key!r} is missing")
            tensor = tensors.pop(key)
            if tensor.dtype != np.float32 or tensor.ndim != dimensions or not np.isfinite(tensor).all():
                raise InputError(f"the tensor {key!r} must be {dimensions}-D, float32 and finite")
            if max(tensor.shape) > MAX_WIDTH:
                raise InputError(f"the tensor {key!r} has shape {tensor.shape}, more than {MAX_WIDTH} units")
            if tensor.size and np.abs(tensor).max() > MAX_WEIGHT:
                raise InputError(f"the tensor {key!r} has a weight beyond +-{MAX_WEIGHT:g}")
            parts.append(tensor)
        layers.append((parts[0], parts[1], activation))
    policy = MLP(layers)
    shape = (layers[0][0].shape[1], len(layers[-1][1])) if layers else (0, 0)
    if shape != (len(manifest.observations), len(manifest.actions)):
        raise InputError(
            f"the network has {shape[0]} inputs and {shape[1]} outputs, observations and actions are "
            f"{len(manifest.observations)} and {len(manifest.actions)}"
        )
    return policy


def _digest(text: str, tensors: Tensors) -> str:
    """Return the SHA-256 over the manifest and all tensors in the order of their names."""
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()

"""Mutated bundles raise the declared error and nothing else, quickly and in little memory.

    FUZZ=100000 pytest tests/controllers/bundles/test_bundle_fuzz.py -s

Half of them are files that something went wrong with; the others are signed by someone who can compute the
hash, with fields and tensors that nobody should send.
"""

import json
import os
import resource
import time
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundle_maker import manifest, write
from safetensors.numpy import load, save

from assembly_rl.controllers import BundleError
from assembly_rl.controllers.bundles.file import KIND, _digest, _parse

COUNT = int(os.environ.get("FUZZ", "2000"))
MEMORY = 256 * 1024 * 1024
"""Beyond what the process has [bytes]."""
SLOWEST = 5.0
"""[s]; a load takes milliseconds: this is for one that hangs."""
JUNK: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 10**9, 2**63, 10**300, 10**400, 0.0, -0.0, 1e-300, 5e-324, 1e300,
    -1e300, 0.5, "", "x", "wrench", "stiffness", "\x00", "é" * 50, [], [[]], [0.0] * 6, [1e308] * 6,
    [[1e308] * 6] * 6, [[0.0] * 6] * 6, [True] * 6, ["wrench"], ["wrench"] * 9, {}, {"x": 1}, [None] * 6,
    "9" * 400,
]  # fmt: skip


def places(values: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything in a manifest."""
    found = [path] if path else []
    items = (
        values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    )
    for key, value in items:
        found += places(value, (*path, key))
    return found


def damaged(rng: np.random.Generator, content: bytes) -> bytes:
    """A file that something went wrong with."""
    data = bytearray(content)
    header = 8 + int.from_bytes(content[:8], "little")
    for _ in range(rng.integers(1, 5)):
        end = len(data) if rng.random() < 0.5 else min(header, len(data))
        at = int(rng.integers(max(end, 1)))
        kind = rng.integers(5)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at:at] = rng.bytes(int(rng.integers(1, 40)))
        elif kind == 2:
            del data[at : at + int(rng.integers(1, 200))]
        elif kind == 3:
            data = data[:at]
        else:
            data[at : at + 8] = int(rng.choice([0, 1, 2**31, 2**40, 2**62])).to_bytes(8, "little")
    return bytes(data)


def forged(rng: np.random.Generator, values: dict[str, Any], tensors: dict[str, Any]) -> bytes:
    """A signed file whose content nobody should send."""
    values, arrays = json.loads(json.dumps(values)), dict(tensors)
    known = places(values)
    for _ in range(rng.integers(1, 4)):
        *path, key = known[int(rng.integers(len(known)))]
        owner = values
        try:
            for step in path:
                owner = owner[step]
            kind = rng.integers(4)
            if kind == 0:
                del owner[key]
            elif kind == 1 and isinstance(owner[key], int | float):
                owner[key] = owner[key] * float(10.0 ** rng.uniform(-30, 30)) * rng.choice([-1.0, 1.0])
            else:
                owner[key] = deepcopy(JUNK[int(rng.integers(len(JUNK)))])
        except (KeyError, IndexError, TypeError, AttributeError, OverflowError):
            continue  # an earlier change has removed the place
    if rng.random() < 0.3:
        name = sorted(arrays)[int(rng.integers(len(arrays)))]
        array = arrays.pop(name)
        kind = rng.integers(5)
        if kind == 0:
            arrays[name] = np.asarray(array * float(10.0 ** rng.uniform(-40, 40)), dtype=array.dtype)
        elif kind == 1:
            arrays[name] = array.reshape(-1)
        elif kind == 2:
            arrays[name] = array.astype(rng.choice(["float16", "int64", "bool"]))
        elif kind == 3:
            arrays[name] = np.zeros((0, *array.shape[1:]), array.dtype)
    text = json.dumps(values)
    return save(arrays, {"kind": KIND, "manifest": text, "sha256": _digest(text, arrays)})


@pytest.mark.skipif(os.name != "posix", reason="limits of memory")
def test_mutated_bundles_raise_the_declared_error_and_nothing_else(tmp_path: Path) -> None:
    content = write(tmp_path / "a.bundle").read_bytes()
    values, tensors = manifest(), dict(load(content))
    rng = np.random.default_rng(20_000)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    refused = accepted = 0
    slowest = 0.0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number in range(COUNT):
                own = damaged(rng, content) if number % 2 else forged(rng, values, tensors)
                begin = time.process_time()
                try:
                    _parse(tmp_path, own)
                    accepted += 1
                except BundleError as error:
                    refused += 1
                    assert len(str(error)) < 2000
                slowest = max(slowest, time.process_time() - begin)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    print(f"{COUNT} bundles: {refused} refused, {accepted} read; the slowest took {1e3 * slowest:.0f} ms")
    assert slowest < SLOWEST
    assert refused > 0.5 * COUNT
    assert accepted > 0  # changes of what is only told, such as the name: or the test would prove little

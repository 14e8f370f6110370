"""A bundle is bounded in every direction: size, counts, depth, texts; and it is a regular file."""

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundle_maker import manifest, policy, write
from safetensors.numpy import load, save

from assembly_rl.controllers import BundleController, BundleError, load_bundle
from assembly_rl.controllers.bundles import Manifest
from assembly_rl.controllers.bundles.file import KIND, MAX_SIZE, _digest

HANG = 30.0
"""[s]; the refusals take milliseconds."""


def refusal(path: Path) -> str:
    begin = time.perf_counter()
    with pytest.raises(BundleError) as caught:
        load_bundle(path)
    assert time.perf_counter() - begin < HANG and len(str(caught.value)) < 2000
    return str(caught.value)


def signed(path: Path, values: Any = None, text: str | None = None, **tensors: Any) -> Path:
    path.with_suffix(".ok").unlink(missing_ok=True)
    own = dict(load(write(path.with_suffix(".ok")).read_bytes())) | tensors
    text = json.dumps(manifest() if values is None else values) if text is None else text
    path.write_bytes(save(own, {"kind": KIND, "manifest": text, "sha256": _digest(text, own)}))
    return path


@pytest.mark.skipif(os.name != "posix", reason="devices and pipes")
def test_a_link_to_a_device_a_pipe_and_a_folder_are_refused_at_once(tmp_path: Path) -> None:
    for target in ("/dev/zero", "/dev/null", str(tmp_path)):
        link = tmp_path / f"{Path(target).name}.bundle"
        link.symlink_to(target)
        assert "no regular file" in refusal(link)
    os.mkfifo(tmp_path / "pipe.bundle")
    assert "no regular file" in refusal(tmp_path / "pipe.bundle")
    assert "cannot be read" in refusal(tmp_path / "no\0name")
    link = tmp_path / "circle.bundle"
    link.symlink_to(link)
    assert "cannot be read" in refusal(link)


def test_no_more_than_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.bundle"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a sparse file, larger than any memory
    assert f"more bytes than a bundle may have ({MAX_SIZE})" in refusal(path)
    path.write_bytes((2 << 20).to_bytes(8, "little") + b" " * (3 << 20))
    assert "its header would have 2097152 bytes" in refusal(path)


def test_golden_steps_that_take_long_to_check_are_refused(tmp_path: Path) -> None:
    own = load(write(tmp_path / "good.bundle").read_bytes())
    steps = 50_000
    many = {name: np.repeat(own[name][:1], steps, axis=0) for name in ("golden.times", "golden.wrenches")}
    more = {f"golden.{name}": np.zeros((steps, 7)) for name in ("poses", "commands")}
    assert "50000 golden steps, more than" in refusal(signed(tmp_path / "a.bundle", **many, **more))
    rows = {
        f"golden.{name}": np.repeat(own[f"golden.{name}"], 1000, axis=0)
        for name in ("observations", "actions")
    }
    assert "5000 golden observations" in refusal(signed(tmp_path / "a.bundle", **rows))


def nested(depth: int) -> Any:
    value: Any = 1.0
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"provenance": {"x": nested(40)}}, "nested more than 32 levels"),
        ({"provenance": {"x": nested(900)}}, "nested"),
        ({"provenance": {"x": [0] * 30_000}}, "more than 20000 entries"),
        ({"name": "a" * 5000}, "a text of 5000 characters"),
        ({"b" * 5000: 1}, "a text of 5000 characters"),
        ({"name": "../../a"}, "name must be that of a file"),
        ({"activations": ["relu"] * 20}, "activations must be at most 16"),
        ({"observations": ["fx"] * 15_000}, "observations must be"),
        ({"format": 10**400}, "install a newer one"),
    ],
)
def test_a_manifest_without_bounds_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    assert message in refusal(signed(tmp_path / "a.bundle", manifest() | change))


def test_a_key_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    text = json.dumps(manifest()).replace('"name":', '"name": "other", "name":', 1)
    assert "the manifest has 'name' twice" in refusal(signed(tmp_path / "a.bundle", text=text))


def test_a_network_without_bounds_is_refused(tmp_path: Path) -> None:
    wide = {
        "policy.0.weight": np.zeros((5000, 42), np.float32), "policy.0.bias": np.zeros(5000, np.float32),
        "policy.1.weight": np.zeros((6, 5000), np.float32),
    }  # fmt: skip
    assert "more than 4096 units" in refusal(signed(tmp_path / "a.bundle", **wide))
    large = {"policy.1.bias": np.full(6, 1e30, np.float32)}
    assert "a weight beyond +-1e+06" in refusal(signed(tmp_path / "a.bundle", **large))
    own = Manifest.read(manifest() | {"activations": ["relu", "relu", "tanh"]})
    with pytest.raises(ValueError, match="weights: with a control rate of 200 Hz it may have 2500000"):
        BundleController(own, policy(hidden=(2000, 2000)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("insertion", "action", "gain_ratio"), 1e308),
        (("insertion", "action", "stiffness"), [1e308] * 6),
        (("insertion", "admittance", "offset_limit"), [1e308] * 6),
        (("insertion", "admittance", "speed_limit"), [1e308] * 6),
        (("insertion", "path", "speed"), 1e308),
        (("insertion", "path", "speed"), 1e6),
        (("insertion", "limits", "force"), 1e308),
        (("tool", "centre"), [0.0, 0.0, 1e9]),
        (("tool", "mass"), 1e308),
        (("gravity",), [0.0, 0.0, 1e308]),
        (("law", "stiffness"), (1e308 * np.eye(6)).tolist()),
        (("contact", "stiffness"), [1e308] * 6),
        (("sensor", "cutoff"), 1e308),
        (("contact", "lead"), 1e308),
        (("response", "lag"), [0.0, 1e308]),
        (("part", "hole_depth"), 1e308),
    ],
)
def test_a_signed_bundle_with_a_number_that_no_robot_has_is_refused(
    tmp_path: Path, path: Any, value: Any
) -> None:
    values = manifest()
    owner = values
    for name in path[:-1]:
        owner = owner[name]
    owner[path[-1]] = value
    assert path[-1] in refusal(signed(tmp_path / "a.bundle", values))


def test_golden_poses_of_1e308_do_not_make_the_check_raise_anything_else(tmp_path: Path) -> None:
    own = load(write(tmp_path / "good.bundle").read_bytes())
    for name, tensor in own.items():
        if name.startswith("golden."):
            refusal(signed(tmp_path / "a.bundle", **{name: np.full_like(tensor, np.finfo(tensor.dtype).max)}))

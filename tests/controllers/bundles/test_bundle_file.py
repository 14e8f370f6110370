"""A bundle is read whole or refused with one error that names the field; nothing in it is executed."""

# ruff: noqa: E501 (tables)

import contextlib
import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundle_maker import golden, manifest, policy, write
from safetensors.numpy import load, save

from assembly_rl.controllers import BundleError, load_bundle
from assembly_rl.controllers.bundles import read_bundle, write_bundle
from assembly_rl.controllers.bundles.file import KIND, _digest
from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.insertion import InsertionConfig, ObservationConfig


def signed(path: Path, change: Any = None, tensors: Any = None, text: str | None = None) -> Path:
    """A bundle whose manifest or tensors were changed by someone who can compute the hash."""
    values, arrays = manifest(), dict(load(write(path.with_suffix(".ok")).read_bytes()))
    if change is not None:
        change(values)
    if tensors is not None:
        tensors(arrays)
    text = json.dumps(values) if text is None else text
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    path.write_bytes(save(arrays, {"kind": KIND, "manifest": text, "sha256": _digest(text, arrays)}))
    return path


def put(*keys: Any) -> Any:
    """A change of a manifest: the last one is the value."""
    *keys, value = keys

    def change(values: dict[str, Any]) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = value

    return change


def drop(*keys: str) -> Any:
    def change(values: dict[str, Any]) -> None:
        for key in keys[:-1]:
            values = values[key]
        del values[keys[-1]]

    return change


def test_what_was_written_is_read_to_the_last_bit(tmp_path: Path) -> None:
    values, network = manifest(InsertionConfig(policy_rate=25.0, control_rate=500.0)), policy()
    values["insertion"]["path"]["speed"] = 0.1 / 3.0
    values["contact"] = None
    digest = write_bundle(tmp_path / "a.bundle", values, network, golden(values, network))
    bundle = read_bundle(tmp_path / "a.bundle")
    assert bundle.sha256 == digest and len(digest) == 64
    assert bundle.manifest.insertion.path.speed == 0.1 / 3.0
    assert bundle.manifest.insertion.control_rate == 500.0 and bundle.manifest.contact is None
    for own, read in zip(network.layers, bundle.policy.layers, strict=True):
        np.testing.assert_array_equal(own[0], read[0])
        assert own[2] == read[2]
    with pytest.raises(FileExistsError):
        write_bundle(tmp_path / "a.bundle", values, network, golden(values, network))


def test_a_policy_with_history_fits(tmp_path: Path) -> None:
    groups = ["wrench", "pose", "wrench_history"]
    config = InsertionConfig(observation=ObservationConfig(groups=groups, history=3))
    assert load_bundle(write(tmp_path / "a.bundle", config)).manifest.observations[-1] == "mz[t-3]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("law"), "bundle.law is missing"),
        (drop("insertion", "admittance", "safety", "hold"), "bundle.insertion.admittance.safety.hold is missing"),
        (put("insertion", "path", "sped", 1.0), "bundle.insertion.path.sped is unknown; did you mean 'speed'?"),
        (put("insertion", "control_rate", "fast"), "insertion.control_rate must be a finite number, got 'fast'"),
        (put("insertion", "control_rate", True), "insertion.control_rate must be a finite number, got True"),
        (put("insertion", "control_rate", 210.0), "policy_rate 20 Hz must divide control_rate 210 Hz"),
        (put("insertion", "control_rate", 2e4), "control_rate must be <= 2000 in SI units"),
        (put("insertion", "limits", "force", -1.0), "LimitConfig.force must be > 0, got -1.0"),
        (put("insertion", "action", "kind", "push"), "insertion.action.kind must be one of wrench, twist"),
        (put("insertion", "observation", "history", 10**9), "history must be > 0 and <= 100, a whole number,"),
        (put("insertion", "observation", "history", 2.0), "history must be an integer, got 2.0"),
        (put("insertion", "observation", "groups", ["wrench", "twist"]), "'twist', which a robot does not"),
        (put("observations", ["fx"]), "observations must be ['fx', 'fy'"),
        (put("actions", ["x"]), "actions must be ['x', 'y', 'z', 'rx', 'ry', 'rz']"),
        (put("activations", ["relu", "gelu"]), "unknown activation 'gelu'"),
        (put("activations", ["relu"]), "the network has 42 inputs and 8 outputs"),
        (put("law", "mass", [[1.0]]), "mass must have shape (6, 6)"),
        (put("law", "mass", 3, 3, -0.06), "mass must have eigenvalues > 0: the smallest is -0.06, mostly along rx"),
        (put("law", "damping", [[0.0] * 6] * 6), "unstable"),
        (put("contact", "delay", 1e9), "ContactConfig.delay must be <= 1 in SI units"),
        (put("contact", "lead", -1.0), "ContactConfig.lead must be >= 0"),
        (put("response", "lag", [0.0, 2.0]), "ResponseNote.lag must be [low, high] with 0 <= low <= high <= 1 s"),
        (put("response", "delay", [0.02, 0.01]), "ResponseNote.delay must be [low, high]"),
        (put("response", "delay", 0.01), "bundle.response.delay must be a list"),
        (put("gravity", [0.0, 9.81]), "gravity must be three finite numbers"),
        (put("part", "peg_length", 0.0), "PartNote.peg_length must be > 0"),
        (put("insertion", "limits", "goal_margin", 0.03), "goal_margin must be less than part.hole_depth"),
        (put("conventions", "quaternion", "w x y z"), "conventions.quaternion is not that of this assembly_rl"),
        (put("format", 9), "format is 9, this assembly_rl reads up to 8: install a newer one"),
        (put("format", 0), "format must be a number from 1 to 8, got 0"),
        (put("insertion", "path", "speed", 0.02), "golden step"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(BundleError) as caught:
        load_bundle(signed(tmp_path / "a.bundle", change))
    assert message in str(caught.value) and "a.bundle" in str(caught.value)


def remove_new_observation(values: dict[str, Any]) -> None:
    for name in ("pose_ages", "visit_cells", "visit_extent", "time_scale"):
        del values["insertion"]["observation"][name]


def test_a_bundle_of_the_sixth_format_has_no_supervisor(tmp_path: Path) -> None:
    def older(values: dict[str, Any]) -> None:
        values["format"] = 6
        del values["insertion"]["supervisor"]

    read = load_bundle(signed(tmp_path / "a.bundle", older))
    assert read.manifest.insertion.supervisor.attempts == 1
    assert read.phase is None and read.attempts == []


def test_a_bundle_of_the_fifth_format_has_no_base(tmp_path: Path) -> None:
    def older(values: dict[str, Any]) -> None:
        values["format"] = 5
        del values["insertion"]["base"]

    own = load_bundle(signed(tmp_path / "a.bundle", older)).manifest
    assert own.format == 5 and own.insertion.base.guidance is None


def test_a_bundle_of_the_fourth_format_has_no_ceiling(tmp_path: Path) -> None:
    def older(values: dict[str, Any]) -> None:
        values["format"] = 4
        del values["insertion"]["ceiling"]

    own = load_bundle(signed(tmp_path / "a.bundle", older)).manifest
    assert own.format == 4 and own.insertion.ceiling == CeilingConfig()


def test_a_bundle_of_the_seventh_format_neither_levels_nor_searches_farther(tmp_path: Path) -> None:
    def older(values: dict[str, Any]) -> None:
        values["format"] = 7
        for name in ("level_time", "reach", "yaw_reach"):
            del values["insertion"]["supervisor"][name]

    own = load_bundle(signed(tmp_path / "a.bundle", older)).manifest
    supervisor = own.insertion.supervisor
    assert (supervisor.level_time, supervisor.reach, supervisor.yaw_reach) == (0.0, [1.0], [1.0])


def test_a_bundle_of_the_second_format_has_no_map_of_visits(tmp_path: Path) -> None:
    def older(values: dict[str, Any]) -> None:
        values["format"] = 2
        remove_new_observation(values)

    own = load_bundle(signed(tmp_path / "a.bundle", older)).manifest
    assert own.format == 2 and own.insertion.observation.visit_cells == 5


def test_a_bundle_of_the_first_format_knows_no_response(tmp_path: Path) -> None:
    def older(values: dict[str, Any]) -> None:
        values["format"] = 1
        del values["response"], values["contact"]["lead"]
        for name in ("tip_chamfer", "blind", "name"):
            del values["part"][name]
        del values["insertion"]["action"]["dither"]
        remove_new_observation(values)

    own = load_bundle(signed(tmp_path / "a.bundle", older)).manifest
    assert (own.format, own.response) == (1, None)
    assert (own.part.tip_chamfer, own.part.blind, own.part.name) == (0.0, False, "")
    assert own.contact is not None and own.contact.lead is None


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (lambda own: own.pop("policy.1.bias"), "the tensor 'policy.1.bias' is missing"),
        (lambda own: own.update(more=np.zeros(2)), "the tensor 'more' is unknown"),
        (lambda own: own.pop("golden.poses"), "the tensor 'golden.poses' is missing"),
        (
            lambda own: own.update({"golden.poses": np.zeros((2, 7))}),
            "'golden.poses' must have shape (30, 7)",
        ),
        (lambda own: own["policy.0.weight"].__setitem__((0, 0), np.nan), "must be 2-D, float32 and finite"),
        (lambda own: own["golden.actions"].__setitem__((3, 0), 0.9), "golden observation 3 gives an action"),
        (lambda own: own["golden.commands"].__setitem__((7, 0), 0.9), "golden step 7 gives a command"),
        (lambda own: own.update({"golden.observations": np.zeros((5, 3), np.float32)}), "does not fit"),
    ],
)
def test_wrong_tensors_are_named(tmp_path: Path, tensors: Any, message: str) -> None:
    def change(own: dict[str, Any]) -> None:
        for name in own:
            own[name] = own[name].copy()
        tensors(own)

    with pytest.raises(BundleError) as caught:
        load_bundle(signed(tmp_path / "a.bundle", tensors=change))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": NaN}', "holds NaN, which is no number"),
        ("[" * 100_000, "nested without end"),
        ("[]", "format must be a number"),
        ('{"format": ' + "9" * 5000 + "}", "digits"),
        ("{", "Expecting"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BundleError) as caught:
        load_bundle(signed(tmp_path / "a.bundle", text=text))
    assert message in str(caught.value)


def test_a_damaged_or_foreign_file_is_refused(tmp_path: Path) -> None:
    good = write(tmp_path / "good.bundle").read_bytes()
    path = tmp_path / "a.bundle"
    for content in (b"", b"abc", good[:-1], good[:100], b"\xff" * 8 + good[8:], save({"x": np.zeros(3)})):
        path.write_bytes(content)
        with pytest.raises(BundleError, match="bundle"):
            load_bundle(path)
    changed = bytearray(good)
    changed[-1] ^= 1
    path.write_bytes(changed)
    with pytest.raises(BundleError, match="sha256 does not match the content"):
        load_bundle(path)
    with pytest.raises(BundleError, match="cannot be read"):
        load_bundle(tmp_path / "none.bundle")
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(BundleError, match="more bytes than a bundle may have"):
        load_bundle(path)


class Payload:
    def __init__(self, target: Path) -> None:
        self.target = str(target)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.target,)


def test_a_planted_pickle_does_not_run(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    payload = pickle.dumps(Payload(target))
    pickle.loads(payload)  # it would run
    target.rmdir()
    raw = np.frombuffer(payload.ljust(-(-len(payload) // 8) * 8, b"."), dtype=np.float64)
    path = tmp_path / "a.bundle"
    path.write_bytes(payload)
    members = [lambda: path]
    for name in load(write(tmp_path / "names.bundle").read_bytes()):
        members.append(
            lambda name=name: signed(path, tensors=lambda own: own.__setitem__(name, raw))  # type: ignore[misc]
        )
    for field in ("name", "created", "part", "provenance", "conventions"):
        members.append(lambda field=field: signed(path, put(field, payload.decode("latin-1"))))  # type: ignore[misc]
    for make in members:
        with contextlib.suppress(BundleError):
            load_bundle(make())
        (tmp_path / "a.ok").unlink(missing_ok=True)
    assert not target.exists()


def test_the_hash_covers_manifest_and_every_tensor() -> None:
    tensors = {"a": np.zeros(3), "b": np.ones((2, 2), np.float32)}
    seen = {_digest("{}", tensors), _digest("{ }", tensors)}
    for other in (
        {"a": np.zeros(3), "c": tensors["b"]},
        {"a": np.zeros(3), "b": np.ones((4,), np.float32)},
        {"a": np.zeros(3), "b": np.ones((2, 2))},
        {"a": np.zeros(3)},
    ):
        seen.add(_digest("{}", other))
    assert len(seen) == 6 and hashlib.sha256(b"{}").hexdigest() not in seen

"""The recogniser: its buffer, its network, and its files."""

import json
from pathlib import Path

import numpy as np
import pytest

from assembly_rl.controllers.recognition import (
    IN_HOLE,
    RIM,
    STATES,
    WINDOW,
    ContactRecognizer,
    Network,
    features,
    load_recognizer,
    save_network,
)  # fmt: skip
from assembly_rl.controllers.validation import InputError

ZERO = np.zeros(6)


@pytest.fixture
def recognizer() -> ContactRecognizer:
    return load_recognizer()


def reading(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(number)
    return rng.normal(size=6), 1e-3 * rng.normal(size=6), 1e-3 * rng.normal(size=6)


def test_the_first_reading_stands_for_those_before(recognizer: ContactRecognizer) -> None:
    readings = [reading(number) for number in range(3)]
    for own in readings:
        recognizer.update(*own)
    rows = [np.concatenate(own) for own in readings]
    assert np.array_equal(recognizer.window, [rows[0]] * (WINDOW - 2) + rows[1:])


def test_only_the_last_half_second_counts(recognizer: ContactRecognizer) -> None:
    for number in range(2 * WINDOW + 7):
        recognizer.update(*reading(number))
    last = [np.concatenate(reading(number)) for number in range(WINDOW + 7, 2 * WINDOW + 7)]
    assert np.array_equal(recognizer.window, last)
    other = load_recognizer()
    for number in range(WINDOW + 7, 2 * WINDOW + 7):
        other.update(*reading(number))
    assert other.read().states == recognizer.read().states


def test_a_reset_forgets(recognizer: ContactRecognizer) -> None:
    recognizer.update(*reading(0))
    recognizer.reset()
    with pytest.raises(InputError, match="there is no reading yet"):
        recognizer.read()
    recognizer.update(*reading(1))
    assert np.array_equal(recognizer.window, [np.concatenate(reading(1))] * WINDOW)


def test_readings_are_copied(recognizer: ContactRecognizer) -> None:
    wrench = np.ones(6)
    recognizer.update(wrench, ZERO, ZERO)
    wrench[:] = 5.0
    recognizer.window[:] = 7.0
    assert np.array_equal(recognizer.window[-1, :6], np.ones(6))


@pytest.mark.parametrize("wrong", [np.zeros(5), [np.nan] * 6, [np.inf, 0, 0, 0, 0, 0], ["a"] * 6])
def test_a_wrong_reading(recognizer: ContactRecognizer, wrong: object) -> None:
    with pytest.raises(InputError, match="wrench, pose and command must be six finite numbers each"):
        recognizer.update(ZERO, wrong, ZERO)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="there is no reading yet"):
        recognizer.read()


def test_one_that_is_too_long_is_not_made_up_for_by_one_that_is_too_short(
    recognizer: ContactRecognizer,
) -> None:
    with pytest.raises(InputError, match="must be six finite numbers each"):
        recognizer.update(np.zeros(7), np.zeros(5), ZERO)


def test_what_is_read(recognizer: ContactRecognizer) -> None:
    pose = np.array([0.001, -0.002, 0.01, 0.0, 0.0, 0.0])
    recognizer.update(ZERO, pose, pose)
    found = recognizer.read()
    assert tuple(found.states) == STATES and tuple(found.kinds) == recognizer.kinds
    assert sum(found.states.values()) == pytest.approx(1.0) == sum(found.kinds.values())
    assert found.rim == sum(found.states[name] for name in RIM)
    assert found.states["free"] + found.rim + found.in_hole == pytest.approx(1.0)
    assert set(IN_HOLE) | set(RIM) | {"free"} == set(STATES)
    assert found.state == "free" and found.states["free"] > 0.5
    np.testing.assert_allclose(found.offset - found.error, pose[:2], atol=1e-12)
    assert found.kinds[found.kind] == max(found.kinds.values())


def test_a_constant_shift_of_pose_and_command_leaves_the_channels() -> None:
    window = np.random.default_rng(0).normal(size=(1, WINDOW, 18)) * 1e-3
    moved = window.copy()
    moved[..., 6:18] += np.tile([1e-3, 2e-3, 3e-3, 0.01, 0.02, 0.03], 2)
    (own, present), (other, other_present) = features(window), features(moved)
    np.testing.assert_allclose(own, other, atol=1e-5)
    assert (np.abs(present - other_present) > 0.01).all()
    assert np.abs(features(1e6 * window)[0]).max() <= 3.0


# ---------------------------------------------------------------------- files


def test_a_file_is_the_same_recogniser(recognizer: ContactRecognizer, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_network(path, recognizer.network.arrays, recognizer.kinds)
    other = load_recognizer(path)
    for own in (recognizer, other):
        own.update(*reading(0))
    assert recognizer.read().states == other.read().states
    with pytest.raises(InputError, match="nothing is overwritten"):
        save_network(path, recognizer.network.arrays, recognizer.kinds)


def rewritten(path: Path, recognizer: ContactRecognizer, **changes: object) -> Path:
    """A file with other arrays; None leaves one out, and a mapping changes the description."""
    save_network(path.with_suffix(".first.npz"), recognizer.network.arrays, recognizer.kinds)
    with np.load(path.with_suffix(".first.npz")) as file:
        arrays: dict[str, object] = dict(file)
    for name, value in changes.items():
        name = name.replace("__", ".")
        if value is None:
            del arrays[name]
        elif isinstance(value, dict):
            arrays[name] = np.array(json.dumps(json.loads(str(arrays[name])) | value))
        else:
            arrays[name] = value
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dense__weight": None}, "has no array 'dense.weight'"),
        ({"dense__bias": np.zeros(3)}, "layer 'dense' has weight .* they do not fit"),
        ({"conv0__weight": np.zeros((32, 18, 60))}, "is longer than its input"),
        ({"conv1__bias": np.full(32, np.nan)}, "'conv1.bias' must have finite floats"),
        ({"conv1__bias": np.array(["a"] * 32)}, "'conv1.bias' must have finite floats"),
        ({"state__weight": np.zeros((3, 64)), "state__bias": np.zeros(3)}, "output 'state' must have 7"),
        ({"description": None}, "is no recogniser: 'description"),
        ({"description": np.array("{")}, "is no recogniser: "),
        ({"description": np.array("[]")}, "its description is no mapping"),
        ({"description": {"version": 2}}, "has version 2, but this version needs 1"),
        ({"description": {"states": ["free"]}}, r"has states \['free'\], but"),
        ({"description": {"kinds": 3}}, "no list of names as kinds, got 3"),
        ({"description": {"kinds": ["L"]}}, "output 'kind' must have 1 components, got 16"),
    ],
)
def test_a_file_that_is_refused(
    recognizer: ContactRecognizer, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = rewritten(tmp_path / "b.npz", recognizer, **changes)
    with pytest.raises(InputError, match=message) as error:
        load_recognizer(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 not an archive"])
def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no recogniser"):
        load_recognizer(path)


def test_a_single_array_is_no_recogniser(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.zeros(3))
    with pytest.raises(InputError, match="is no recogniser"):
        load_recognizer(tmp_path / "d.npy")


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(InputError, match=r"no recogniser contact: give a file, .* \(contact_states\)"):
        load_recognizer("contact")


def test_arrays_are_copied(recognizer: ContactRecognizer) -> None:
    arrays = {name: own.copy() for name, own in recognizer.network.arrays.items()}
    network = Network(arrays)
    arrays["dense.bias"][:] = 9.0
    assert np.array_equal(network.arrays["dense.bias"], recognizer.network.arrays["dense.bias"])
    with pytest.raises(ValueError, match="read-only"):
        network.arrays["dense.bias"][0] = 1.0

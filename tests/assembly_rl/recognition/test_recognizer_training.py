"""Recordings, network, pretext tasks and training of the recogniser."""

from pathlib import Path

import numpy as np
import pytest
import torch

from assembly_rl.controllers.insertion import Result
from assembly_rl.controllers.recognition import STATES, ContactRecognizer, Network, features
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.envs.geometry.families import KINDS
from assembly_rl.envs.library import make_task
from assembly_rl.recognition import network as networks
from assembly_rl.recognition.behaviour import Disturbance
from assembly_rl.recognition.data import DATA, DataSet
from assembly_rl.recognition.episodes import Recording
from assembly_rl.recognition.network import PARTS, Pretext, RecognizerNetwork
from assembly_rl.recognition.picture import WORDS, draw_confusion
from assembly_rl.recognition.samples import Samples, samples, windows
from assembly_rl.recognition.scores import angles, confusion, episode_errors, said, scores
from assembly_rl.recognition.training import VARIANTS, RecognizerTraining, channel_symmetries, train


@pytest.fixture(scope="module")
def recording() -> Recording:
    return DataSet("mujoco", 0, 2, episodes=2).record(make_task("broad")[0])


@pytest.fixture(scope="module")
def some() -> Samples:
    """Random samples, in which the state can be told from the first channel."""
    rng = np.random.default_rng(0)
    states = np.arange(700) % len(STATES)
    channels = rng.normal(size=(700, 18, 50)).astype(np.float32)
    channels[:, 0] += states[:, None]
    plane = rng.normal(size=(2, 700, 2)).astype(np.float32)
    return Samples(channels, rng.normal(size=(700, 7)).astype(np.float32), states, states % 16, *plane)


# ---------------------------------------------------------------------- network


def test_numpy_computes_what_torch_does() -> None:
    torch.manual_seed(0)
    own = RecognizerNetwork(16).eval()
    windows = np.random.default_rng(0).normal(size=(20, 100, 18)) * [1.0] * 6 + [0.0]
    channels, present = features(windows)
    with torch.no_grad():
        expected = own(torch.from_numpy(channels), torch.from_numpy(present))
    other = Network(own.arrays())
    for number in range(20):
        found = other(channels[number], present[number])
        for head, values in expected.items():
            np.testing.assert_allclose(found[head], values[number], atol=1e-5)


def test_the_recogniser_reads_what_the_network_says(recording: Recording) -> None:
    """What a robot reads in an episode is what the network says of the recorded windows."""
    torch.manual_seed(1)
    own = RecognizerNetwork(16).eval()
    recognizer = ContactRecognizer(Network(own.arrays()), list(KINDS))
    expected = torch.softmax(torch.from_numpy(said(own, samples(recording))["state"]), dim=1).numpy()
    step = 0
    for row, reading in enumerate(recording.readings[: recording.ends[14]]):
        recognizer.update(reading[:6], reading[6:12], reading[12:])
        if row + 1 == recording.ends[step]:
            np.testing.assert_allclose(list(recognizer.read().states.values()), expected[step], atol=1e-5)
            step += 1
    assert step == 15


@pytest.mark.parametrize("task", ["segments", "channels"])
def test_a_part_of_a_feature_map_is_dropped(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a quarter of the samples a quarter of one map is zero, and that quarter is the label."""
    torch.manual_seed(0)
    own, pretext = RecognizerNetwork(16), Pretext((task,))
    maps: list[torch.Tensor] = []
    relu = networks.functional.relu

    def keep(values: torch.Tensor) -> torch.Tensor:
        maps.append(relu(values))
        return maps[-1]

    monkeypatch.setattr(networks.functional, "relu", keep)
    inputs = torch.randn(64, 18, 50), torch.randn(64, 7)
    seen = set()
    for _ in range(20):
        drop = pretext.draw(64)
        seen.add(drop.number)
        own.hidden(*inputs)
        own.hidden(*inputs, drop)
        whole, dropped = maps[drop.number], maps[4 + drop.number]
        maps.clear()
        assert len(drop.parts) == 16 and torch.equal(whole[16:], dropped[16:])
        for sample, part in enumerate(drop.parts.tolist()):
            axis = 1 if task == "segments" else 0
            before, after = (
                np.array_split(own_map[sample].detach().numpy(), PARTS, axis=axis)
                for own_map in (whole, dropped)
            )
            if before[part].shape[axis] * PARTS == whole.shape[axis + 1]:  # elsewhere parts differ by one
                assert not after[part].any() and before[part].any()
            assert (whole[sample] != dropped[sample]).any()
    assert seen == {0, 1, 2}


def test_no_gradient_goes_through_what_is_dropped() -> None:
    """The zeros are written before the ReLU: the gradient is that of a factor of zero after it."""
    torch.manual_seed(0)
    own, pretext = RecognizerNetwork(16), Pretext(("channels",))
    drop = next(drop for drop in iter(lambda: pretext.draw(8), None) if drop.number == 0)
    inputs = torch.randn(8, 18, 50), torch.randn(8, 7)
    own.hidden(*inputs, drop).sum().backward()
    found = own.conv0.weight.grad.clone()
    own.zero_grad()
    factors = torch.cat((drop.factors, torch.ones(6, 32, 1)))
    values = torch.relu(own.conv0(inputs[0])) * factors
    values = torch.relu(own.conv2(torch.relu(own.conv1(values))))
    torch.relu(own.dense(torch.cat((values.flatten(1), inputs[1]), dim=1))).sum().backward()
    torch.testing.assert_close(found, own.conv0.weight.grad)


def test_the_joint_label(some: Samples) -> None:
    """A classifier that names state and part has no loss, and with another part it has one."""
    pretext = Pretext(("segments",))
    drop = pretext.draw(64)
    classifier = pretext.classifiers[drop.classifier]
    states = torch.arange(64) % len(STATES)
    hidden = torch.zeros(64, 64)
    label = states[:16] * PARTS + drop.parts
    hidden[torch.arange(16), label] = 100.0
    with torch.no_grad():
        classifier.weight.zero_()
        classifier.bias.zero_()
        classifier.weight[torch.arange(28), torch.arange(28)] = 1.0
    with torch.no_grad():
        assert float(pretext.loss(hidden, states, drop)) == pytest.approx(0.0, abs=1e-6)
        assert float(pretext.loss(hidden, (states + 1) % len(STATES), drop)) > 10.0


# ---------------------------------------------------------------------- training


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_training_learns_and_can_be_repeated(variant: str, some: Samples) -> None:
    first, second = (train(some, variant, 16, 60, 3) for _ in range(2))
    for name, own in first.arrays().items():
        assert np.array_equal(own, second.arrays()[name]), name
    assert scores(said(first, some), some)["states"] > 0.25  # chance is 0.14


def test_variants_differ(some: Samples) -> None:
    arrays = [train(some, variant, 16, 3, 3).arrays()["conv0.weight"] for variant in VARIANTS]
    for number, own in enumerate(arrays):
        assert not any(np.array_equal(own, other) for other in arrays[:number])


def test_an_unknown_variant(some: Samples) -> None:
    with pytest.raises(InputError, match="unknown variant 'segment'; did you mean 'segments'"):
        RecognizerTraining(some, "segment", 16, 10, 0)


def test_a_state_that_does_not_occur(recording: Recording) -> None:
    own = samples(recording)
    few = Samples(*(getattr(own, name)[:3] for name in own.__dataclass_fields__))
    with pytest.raises(InputError, match="no sample has the contact state"):
        RecognizerTraining(few, "plain", 16, 10, 0)


def test_a_turned_window_has_turned_inputs() -> None:
    """A quarter turn of all vectors of a window turns its inputs as the augmentation does."""
    window = np.random.default_rng(0).normal(size=(1, 100, 18)) * 1e-3
    turn = np.array(((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)))
    turned = (window.reshape(-1, 3) @ turn.T).reshape(window.shape)
    (channels, present), (expected, expected_present) = features(window), features(turned)
    own, own_present, plane = channel_symmetries()[1]
    np.testing.assert_allclose(own.signs[:, None] * channels[0][own.source], expected[0], atol=1e-6)
    np.testing.assert_allclose(own_present(present), expected_present, atol=1e-6)
    np.testing.assert_allclose(plane(np.array((2.0, 3.0))), turn[:2, :2] @ (2.0, 3.0))


# ---------------------------------------------------------------------- recordings


def test_a_recording(recording: Recording, tmp_path: Path) -> None:
    count = len(recording.ends)
    assert len(np.unique(recording.starts)) == 4 and set(recording.parts) == {0, 1}
    assert np.all(np.diff(recording.ends) > 0) and recording.ends[-1] == len(recording.readings)
    for name in ("heights", "touching", "offsets", "sides", "geometry"):
        assert len(getattr(recording, name)) == count
    assert recording.geometry[:, 2].all()
    recording.save(tmp_path / "a.npz")
    again = Recording.load(tmp_path / "a.npz")
    assert np.array_equal(again.readings, recording.readings) and np.array_equal(again.sides, recording.sides)


def test_a_window_does_not_reach_into_the_episode_before(recording: Recording) -> None:
    step = int(np.searchsorted(recording.starts, recording.starts[-1]))  # the first one of the last episode
    start, end = recording.starts[step], recording.ends[step]
    (window,) = windows(recording, np.array([step]))
    assert np.array_equal(window[-(end - start) :], recording.readings[start:end])
    assert np.array_equal(window[: 100 - (end - start)], [recording.readings[start]] * (100 - (end - start)))


def test_a_recording_can_be_repeated(recording: Recording) -> None:
    again = DataSet("mujoco", 0, 1, episodes=1).record(make_task("broad")[0])
    assert np.array_equal(again.readings, recording.readings[: len(again.readings)])


def test_no_part_is_in_two_data_sets() -> None:
    ranges = [range(own.first, own.first + own.parts) for own in DATA.values()]
    assert len(set().union(*ranges)) == sum(map(len, ranges))


def test_a_peg_at_the_floor_goes_on_pressing(recording: Recording) -> None:
    """The episodes of blind holes do not end when the goal is reached."""
    deep = recording.heights < -recording.geometry[:, 0] + 5e-4
    assert deep.sum() > 20


def test_a_hole_that_goes_through_ends_with_success() -> None:
    exact = {"hole_estimate": {"lateral": 0.0, "tilt": 0.0, "yaw": 0.0}}
    environment = PegInHoleEnv("square", {"name": "pressing", "randomization": exact})
    environment.reset(seed=0)
    push, info, ended = np.array((0.0, 0.0, -0.5, 0.0, 0.0, 0.0), np.float32), {}, False
    while not ended:
        _, _, terminated, truncated, info = environment.step(push)
        ended = terminated or truncated
    assert info["result"] == Result.success
    environment.close()


def test_disturbances() -> None:
    """Some episodes are as the controller acts, others are not; in the hole there are long tilting pushes."""
    action = np.full(6, 0.1)
    changed = []
    for seed in range(40):
        own = Disturbance(np.random.default_rng(seed))
        actions = np.array([own(action, 0.01) for _ in range(100)])
        assert np.abs(actions).max() <= 1.0
        changed.append((actions != action).any(axis=1).mean())
    assert min(changed) == 0.0 and max(changed) == 1.0
    assert sum(0.1 < share < 0.9 for share in changed) > 10


def test_confusion() -> None:
    table = confusion(np.array((0, 0, 0, 1)), np.array((0, 0, 1, 1)), 3)
    np.testing.assert_allclose(table, ((2 / 3, 1 / 3, 0), (0, 1, 0), [np.nan] * 3))


def test_a_picture_has_a_word_for_each_state(tmp_path: Path) -> None:
    assert len(WORDS) == len(STATES)
    shares = np.eye(len(STATES))
    shares[5] = np.nan  # no moment in this state
    draw_confusion(shares, np.arange(len(STATES)), tmp_path / "a.svg")
    draw_confusion(shares[::-1], np.arange(len(STATES)), tmp_path / "b.svg")
    one, other = ((tmp_path / name).read_text() for name in ("a.svg", "b.svg"))
    assert one.startswith("<?xml") and one != other


def test_scores_of_what_is_right(some: Samples) -> None:
    right = {
        "state": np.eye(7, dtype=np.float32)[some.states],
        "kind": np.eye(16, dtype=np.float32)[some.kinds],
        "offset": some.offsets,
        "side": some.sides,
    }
    found = scores(right, some)
    assert found["states"] == found["groups"] == found["kinds"] == 1.0
    assert found["offset_cosine"] == pytest.approx(1.0) and found["offset_error"] == 0.0
    turned = right | {"offset": some.offsets[:, ::-1] * (1, -1)}
    assert scores(turned, some)["offset_angle"] == pytest.approx(90.0)


def test_the_error_of_an_episode_is_that_of_its_conditions(recording: Recording) -> None:
    """The offset less the pose is the error of the estimate, nearly the same in all steps of an episode."""
    right = {
        "state": np.full((len(recording.ends), 7), (0, 1, 0, 0, 0, 0, 0), np.float32),
        "offset": (recording.offsets / 2e-3).astype(np.float32),
    }
    found, true = episode_errors(right, recording)
    assert len(found) == 4
    np.testing.assert_allclose(found, true, atol=1e-8)
    assert angles(found, -true) == pytest.approx(180.0, abs=0.1)
    lengths = np.linalg.norm(true, axis=1)
    assert lengths.min() > 1e-4 and lengths.max() < 0.0055  # at most 5 mm, and what tilt adds
    free = right | {"state": np.full((len(recording.ends), 7), (1, 0, 0, 0, 0, 0, 0), np.float32)}
    assert len(episode_errors(free, recording)[0]) == 0

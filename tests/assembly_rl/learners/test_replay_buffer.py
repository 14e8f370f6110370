"""Prior data of a replay buffer, and how batches are drawn."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from assembly_rl.learners.replay_buffer import PackedReplayBuffer
from assembly_rl.runs.parts import get_replay, set_replay

SPACES = Box(-1.0, 1.0, (2,), np.float32), Box(-1.0, 1.0, (1,), np.float32)
ROWS = 4000


def filled(size: int, transitions: int) -> PackedReplayBuffer:
    """The reward of each transition is its number."""
    buffer = PackedReplayBuffer(size, *SPACES, device="cpu")
    extend(buffer, 0, transitions)
    return buffer


def extend(buffer: PackedReplayBuffer, first: int, transitions: int) -> None:
    observation, action = np.zeros((1, 2), np.float32), np.zeros((1, 1), np.float32)
    for number in range(first, first + transitions):
        buffer.add(observation, observation, action, np.array([number]), np.array([0.0]), [{}])


def drawn(buffer: PackedReplayBuffer) -> set[int]:
    """Numbers of the transitions in a large batch."""
    return set(map(int, batch(buffer)))


def batch(buffer: PackedReplayBuffer) -> np.ndarray:
    whole = torch.zeros(ROWS, buffer.columns[2] + 3)
    buffer.gather(whole)
    return whole[:, -3].numpy()


def test_a_checkpoint_holds_each_number_once_and_the_size_of_the_prior_data() -> None:
    buffer = filled(100, 30)
    buffer.keep_as_prior_data()
    model = SimpleNamespace(replay_buffer=buffer)
    plain, tensors = get_replay(model)
    assert plain == {"pos": 30, "full": False, "apart": 30}
    assert sorted(tensors) == [
        "actions", "dones", "next_observations", "observations", "rewards", "timeouts"
    ]  # fmt: skip
    model.replay_buffer = filled(100, 0)
    set_replay(model, plain, tensors)
    extend(model.replay_buffer, 30, 1)
    assert (batch(model.replay_buffer) == 30).sum() == ROWS // 2


def test_half_of_a_batch_is_prior_data() -> None:
    buffer = filled(100, 30)
    buffer.keep_as_prior_data()
    assert drawn(buffer) == set(range(30))  # there is nothing else yet
    extend(buffer, 30, 2)
    rewards = batch(buffer)
    assert (rewards < 30).sum() == ROWS // 2
    assert set(map(int, rewards[rewards >= 30])) == {30, 31}


@pytest.mark.parametrize("transitions", [100, 130, 250])
def test_of_a_full_buffer_the_latest_half_is_kept(transitions: int) -> None:
    buffer = filled(100, transitions)
    buffer.keep_as_prior_data()
    assert drawn(buffer) == set(range(transitions - 50, transitions))
    extend(buffer, transitions, 1)
    assert (batch(buffer) == transitions).sum() == ROWS // 2


def test_once_it_is_full_the_oldest_go_and_all_are_alike() -> None:
    buffer = filled(100, 40)
    buffer.keep_as_prior_data()
    extend(buffer, 40, 80)
    assert buffer.full
    assert drawn(buffer) == set(range(20, 120))

"""Known systems: what actions influence, directly or through others, is found, and hardly anything else."""

import numpy as np
import pytest

from assembly_rl.methods.cs3.estimate import Transitions
from assembly_rl.methods.lcrl.endogenous import discovered, find_endogenous

LENGTH = 50
LONERS = 60
DIRECT, INDIRECT, CAUSE, MAGNITUDE = range(4)


def transitions(count: int = 600, seed: int = 0, looks_at: float = 0.0) -> Transitions:
    """Four endogenous components, then loners: slow, quick and white ones, a clock and a constant.

    Args:
        count: Least number of transitions.
        seed: Seed.
        looks_at: Dependence of the actions on the first loners.
    """
    rng = np.random.default_rng(seed)
    kept = np.array([0.995, 0.9, 0.0])[np.arange(LONERS) % 3]
    states, actions, following, ages = [], [], [], []
    while len(states) < count:
        state = rng.normal(size=4 + LONERS)
        for age in range(LENGTH):
            state[-1], state[-2] = 1.0, age % 7
            action = np.tanh(looks_at * state[4:6]) + rng.uniform(-1.0, 1.0, 2)
            after = np.empty_like(state)
            after[DIRECT] = 0.9 * state[DIRECT] + 0.3 * action[0] + 0.3 * state[CAUSE]
            after[INDIRECT] = 0.8 * state[INDIRECT] + 0.4 * state[DIRECT]
            after[CAUSE] = 0.9 * state[CAUSE]
            after[MAGNITUDE] = 2.0 * action[1] * rng.choice([-1.0, 1.0])
            after[4:] = kept * state[4:]
            noise = rng.normal(size=len(state)) * np.sqrt(1.0 - np.append([0.96] * 4, kept) ** 2)
            after += 0.4 * noise
            states.append(state)
            actions.append(action)
            following.append(after)
            ages.append(age)
            state = after.copy()
    arrays = [np.array(of, dtype=np.float32) for of in (states, actions, following)]
    arrays[2] -= arrays[0]
    return Transitions(*arrays, ages=np.array(ages))


@pytest.mark.parametrize("seed", range(3))
def test_what_actions_influence_and_its_causes_are_kept(seed: int) -> None:
    found = find_endogenous(transitions(seed=seed), 0.01)
    assert found.kept[:4].all(), found
    assert found.influenced[[DIRECT, MAGNITUDE]].all() and not found.influenced[CAUSE]
    assert found.kept[4:].sum() <= 2
    assert found.values.shape == (4 + LONERS, 2) and found.samples == 600
    assert found.values[DIRECT, 0] > found.chance[DIRECT] > found.values[DIRECT, 1]


def test_chance_is_kept_as_rarely_as_promised() -> None:
    kept = np.array([find_endogenous(transitions(seed=10 + s), 0.01).kept for s in range(8)])
    assert kept[:, :4].all() and kept[:, 4:].sum() <= 2  # of 480


def test_what_the_actions_look_at_is_not_what_they_influence() -> None:
    found = find_endogenous(transitions(2000, looks_at=1.0), 0.01)
    assert found.kept[:4].all() and not found.kept[4:6].any(), np.flatnonzero(found.kept)


def test_nothing_is_found_in_noise() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(500, width)).astype(np.float32) for width in (30, 6, 30)]
    assert not find_endogenous(Transitions(*parts, ages=np.arange(500) % 50), 0.01).kept.any()


def test_too_few_transitions_are_refused() -> None:
    few = transitions(300)
    few = Transitions(few.states[:200], few.actions[:200], few.changes[:200], few.ages[:200])
    with pytest.raises(ValueError, match="at least 256 transitions, got 200"):
        find_endogenous(few, 0.01)


def test_the_procedure_of_benjamini_and_hochberg() -> None:
    p_values = np.array([0.6, 0.001, 0.039, 0.008, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212])
    assert np.flatnonzero(discovered(p_values, 0.05)).tolist() == [1, 3]
    assert np.flatnonzero(discovered(p_values, 0.1)).tolist() == [1, 2, 3, 4, 5, 6]
    assert not discovered(np.ones(4), 0.05).any() and discovered(np.zeros(4), 0.05).all()

"""CS3: the continuous-space serialized Shapley value of each action component for each state component.

The players of a game are the action components; there is a game for each state component and each recorded
transition. A coalition's value is the change of the state component when the coalition's members act, minus
the change under the baseline action, zero. The absolute Shapley values are averaged over the transitions, in
which the t-th step of an episode has the weight ``discount ** t``, and divided by the standard deviation of
the component's change.

This is a reconstruction: only the abstracts of the publications on the method were available.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.methods.cs3.dynamics import BATCH, Ensemble
from assembly_rl.methods.cs3.shapley import EXACT, Coalitions, all_coalitions, sampled_coalitions

Array = NDArray[np.float32]

ORDERS = 64
"""Pairs of orders that are sampled if the actions have too many components for all coalitions."""
SAMPLES = 512
"""Number of recorded states in which the games are played."""
DISCOUNT = 0.98
CHUNK = 64
FEWEST = 2 * BATCH
"""Least number of transitions for an estimate."""


@dataclass(frozen=True)
class Transitions:
    """Collected transitions, in order.

    Attributes:
        states: (transitions, states) states.
        actions: (transitions, actions) scaled actions; zero is the baseline.
        changes: (transitions, states) changes to the next state.
        ages: (transitions,) steps since the start of the episode.
    """

    states: Array
    actions: Array
    changes: Array
    ages: NDArray[np.int64]


@dataclass(frozen=True)
class Influence:
    """Influence of each action component on each state component.

    Attributes:
        values: (members, states, actions) CS3 by each member of the ensemble.
        null: (draws, states, actions) CS3 from actions that were shuffled in time.
    """

    values: NDArray[np.float64]
    null: NDArray[np.float64]


def coalitions(actions: int, rng: np.random.Generator) -> Coalitions:
    """Return all coalitions or, if they are too many, those of sampled orders."""
    return all_coalitions(actions) if actions <= EXACT else sampled_coalitions(actions, ORDERS, rng)


def estimate(transitions: Transitions, seed: int, shuffles: int = 1) -> Influence:
    """Estimate CS3 from transitions alone, with models fitted to them.

    Args:
        transitions: Transitions, at least 512.
        seed: Seed of models, samples and shuffles.
        shuffles: Number of fits to actions shuffled in time, whose influence is due to chance.
    """
    rng = np.random.default_rng(seed)
    game = coalitions(transitions.actions.shape[1], rng)
    weights = DISCOUNT ** transitions.ages.astype(np.float64)
    chosen = rng.choice(
        len(weights), size=min(SAMPLES, len(weights)), replace=False, p=weights / weights.sum()
    )
    values = _influence(transitions, transitions.actions, chosen, game, seed)
    null = [
        _influence(transitions, rng.permutation(transitions.actions), chosen, game, seed + 1 + number)
        for number in range(shuffles)
    ]
    return Influence(values, np.concatenate(null))


def _influence(
    transitions: Transitions, actions: Array, chosen: NDArray[np.int64], game: Coalitions, seed: int
) -> NDArray[np.float64]:
    model = Ensemble(transitions.states, actions, transitions.changes, seed)
    total: NDArray[np.float64] | float = 0.0
    for start in range(0, len(chosen), CHUNK):
        rows = chosen[start : start + CHUNK]
        total = total + _absolute_values(model, transitions.states[rows], actions[rows], game).sum(1)
    spread = transitions.changes.std(0).astype(np.float64)
    return total / len(chosen) / np.where(spread > 1e-9, spread, np.inf)[:, None]


def _absolute_values(model: Ensemble, states: Array, actions: Array, game: Coalitions) -> NDArray[np.float64]:
    """Return absolute Shapley values (members, rows, states, actions)."""
    count, rows = len(game.members), len(states)
    acting = actions[:, None, :] * game.members  # (rows, coalitions, actions)
    repeated = np.repeat(states, count, axis=0)
    changes = model.predict(repeated, acting.reshape(rows * count, -1).astype(np.float32))
    by_coalition = changes.reshape(len(changes), rows, count, -1).swapaxes(2, 3)
    return np.abs(game.values(by_coalition))

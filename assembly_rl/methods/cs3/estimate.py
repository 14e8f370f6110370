"""CS3: the continuous-space serialized Shapley value of each action component for each state component.

The players of a game are the action components; there is a game for each state component and each visited
state and action. A coalition's value is by how much the state component changes more than under the
baseline action, zero, when the coalition's members act. The absolute Shapley values are averaged over what
was visited, where the t-th step of an episode weighs ``discount ** t``, and divided by the standard
deviation of the component's change.

This is a reconstruction: the publications that name the method were read as abstracts only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.methods.cs3.dynamics import BATCH, Ensemble
from assembly_rl.methods.cs3.shapley import EXACT, Coalitions, all_coalitions, sampled_coalitions

Array = NDArray[np.float32]

ORDERS = 64
"""Pairs of orders that are sampled where the actions have too many components for all coalitions."""
SAMPLES = 512
"""Visited states in which the games are played."""
DISCOUNT = 0.98
CHUNK = 64
FEWEST = 2 * BATCH
"""Transitions that an estimate needs."""


@dataclass(frozen=True)
class Transitions:
    """What was visited, in the order in which it was.

    Attributes:
        states: (transitions, states).
        actions: (transitions, actions), scaled; zero is the baseline.
        changes: (transitions, states) to the next state.
        ages: (transitions,) steps since the episode began.
    """

    states: Array
    actions: Array
    changes: Array
    ages: NDArray[np.int64]


@dataclass(frozen=True)
class Influence:
    """Of each action component on each state component.

    Attributes:
        values: (members, states, actions): CS3 by each member of the ensemble.
        null: (draws, states, actions): the same from actions that were shuffled in time.
    """

    values: NDArray[np.float64]
    null: NDArray[np.float64]


def coalitions(actions: int, rng: np.random.Generator) -> Coalitions:
    """All, or where they are too many those of sampled orders."""
    return all_coalitions(actions) if actions <= EXACT else sampled_coalitions(actions, ORDERS, rng)


def estimate(transitions: Transitions, seed: int, shuffles: int = 1) -> Influence:
    """Estimate CS3 from transitions alone: by models that are fitted to them.

    Args:
        transitions: At least 512.
        seed: Of models, samples and shuffles.
        shuffles: Fits to actions shuffled in time, whose influence is nothing but chance.
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
    """(members, rows, states, actions) of Shapley values, without their signs."""
    count, rows = len(game.members), len(states)
    acting = actions[:, None, :] * game.members  # (rows, coalitions, actions)
    repeated = np.repeat(states, count, axis=0)
    changes = model.predict(repeated, acting.reshape(rows * count, -1).astype(np.float32))
    by_coalition = changes.reshape(len(changes), rows, count, -1).swapaxes(2, 3)
    return np.abs(game.values(by_coalition))

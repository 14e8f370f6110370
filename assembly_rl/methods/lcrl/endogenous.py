"""Endogenous state components: those that actions influence, directly or through others, and their causes.

The other components are exogenous. As long as the reward does not depend on them, neither policy nor value
gains from them (T. Dietterich, G. Trimponias and Z. Chen, "Discovering and removing exogenous state variables
and rewards for reinforcement learning", 2018).

Every influence is a correlation that is tested against chance: against the same two series, one of them
shifted circularly in time, by all lags at once. That keeps the correlation of each series in time, which
makes chance correlations of slow components large. The largest of many correlations has a Gumbel
distribution, fitted to the shifts, which gives p-values below one over their number (A. Winkler et al.,
"Faster permutation inference in brain imaging", 2016); the false discovery rate is bounded by the procedure
of Y. Benjamini and Y. Hochberg (1995).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.validation import InputError
from assembly_rl.methods.cs3.estimate import Transitions

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

HORIZONS = (1, 2, 3, 4)
"""Policy steps over which a change is tested."""
LEAST_SHIFT = 16
"""Least shift in policy steps; the influence of an action on the tested changes is over by then."""
FEWEST = 256
"""Least number of transitions for the tests."""
LATEST = 2000
"""Largest number of transitions that are used, the newest ones."""


@dataclass(frozen=True)
class Influences:
    """Influence of actions on state components.

    Attributes:
        values: (states, actions) largest correlation of an action component with the change of a state
            component, or of their magnitudes.
        chance: (states,) correlation of an action that is due to chance with the probability ``rate``.
        influenced: (states,) True where an action influences the component.
        kept: (states,) True where a component is influenced, or related to one that is kept.
        samples: Number of transitions.
    """

    values: Array
    chance: Array
    influenced: Mask
    kept: Mask
    samples: int


def find_endogenous(transitions: Transitions, rate: float) -> Influences:
    """Find the endogenous components in transitions.

    Args:
        transitions: Transitions, at least ``FEWEST``, in order.
        rate: Largest expected share of components that are kept by chance, in (0, 1).

    Raises:
        InputError: There are too few transitions.
    """
    if len(transitions.states) < FEWEST:
        raise InputError(
            f"the endogenous components need at least {FEWEST} transitions, got {len(transitions.states)}"
        )
    states, actions, changes = (
        part[-LATEST:].astype(np.float64)
        for part in (transitions.states, transitions.actions, transitions.changes)
    )
    lasts = _last_rows(transitions.ages[-LATEST:])
    found = np.zeros((len(states), states.shape[1], actions.shape[1]))
    for horizon in HORIZONS:
        change, known = _changes(states, changes, lasts, horizon)
        signed = _innovations(states, change, known)
        np.maximum(found, _correlations(signed, _scaled(actions)), out=found)
        magnitude = _innovations(states, np.abs(change), known)
        np.maximum(found, _correlations(magnitude, _scaled(np.abs(actions))), out=found)
    p_values, chance = _against_chance(found.max(2), rate)
    influenced = discovered(p_values, rate)
    kept = _closure(states, actions, changes, influenced, rate)
    return Influences(found[0], chance, influenced, kept, len(states))


def discovered(p_values: Array, rate: float) -> Mask:
    """Select the effects among tests, by the procedure of Benjamini and Hochberg.

    Args:
        p_values: (tests,) p-values.
        rate: Bound of the false discovery rate.
    """
    order = np.sort(p_values)
    below = np.flatnonzero(order <= rate * np.arange(1, len(order) + 1) / max(len(order), 1))
    return p_values <= (order[below[-1]] if len(below) else -1.0)


def _closure(states: Array, actions: Array, changes: Array, kept: Mask, rate: float) -> Mask:
    """Add what influences a kept component, what one influences, and what changes together with one.

    A component influences kept ones if it predicts a part of their change that these and the actions do not.
    """
    kept = kept.copy()
    innovations = _innovations(states, changes, np.ones(len(states), dtype=np.bool_))
    present = _scaled(states)
    while kept.any() and not kept.all():
        inputs = np.concatenate([states[:, kept], actions, np.ones((len(states), 1))], axis=1)
        predicted = inputs @ np.linalg.lstsq(inputs, changes[:, kept], rcond=None)[0]
        rest = _scaled(changes[:, kept] - predicted)
        causes = np.concatenate([present[:, kept], innovations[:, kept]], axis=1)
        others = np.flatnonzero(~kept)
        forward = [_correlations(rest, present[:, [other]]).max((1, 2)) for other in others]
        backward = [_correlations(innovations[:, [other]], causes).max((1, 2)) for other in others]
        related = [discovered(_against_chance(np.array(of).T, rate)[0], rate) for of in (forward, backward)]
        added = others[related[0] | related[1]]
        if not len(added):
            break
        kept[added] = True
    return kept


def _last_rows(ages: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row the last one of its episode."""
    ends = np.append(np.flatnonzero(np.diff(ages) != 1), len(ages) - 1)
    return ends[np.searchsorted(ends, np.arange(len(ages)))]


def _changes(states: Array, changes: Array, lasts: NDArray[np.int64], horizon: int) -> tuple[Array, Mask]:
    """Return the changes (rows, states) over some steps, and the rows (rows,) from which they are known."""
    after = np.arange(len(states)) + horizon - 1
    known = after <= lasts
    after = np.where(known, after, 0)
    return states[after] + changes[after] - states, known


def _innovations(states: Array, changes: Array, known: Mask) -> Array:
    """Return what a component's present value does not predict of its change, scaled; zero if unknown."""
    own, change = (part[known] - part[known].mean(0) for part in (states, changes))
    slope = (own * change).sum(0) / np.maximum((own * own).sum(0), 1e-12)
    innovations = np.zeros_like(states)
    innovations[known] = _scaled(change - slope * own)
    return innovations


def _scaled(values: Array) -> Array:
    """Scale each column to mean 0 and standard deviation 1; a constant one becomes 0."""
    spread = values.std(0)
    return np.where(spread > 1e-9, (values - values.mean(0)) / np.where(spread > 1e-9, spread, 1.0), 0.0)


def _correlations(first: Array, second: Array) -> Array:
    """Return |correlation| (lags, columns of first, columns of second) for all circular lags."""
    spectra = np.fft.rfft(first, axis=0)[:, :, None] * np.fft.rfft(second, axis=0).conj()[:, None, :]
    return np.abs(np.fft.irfft(spectra, n=len(first), axis=0)) / len(first)


def _against_chance(largest: Array, rate: float) -> tuple[Array, Array]:
    """Test the value at lag zero against those of all longer lags.

    Args:
        largest: (lags, tests) largest correlation of each test.
        rate: Probability of ``chance``.

    Returns:
        p-value (tests,), and the value that chance exceeds with the probability ``rate`` (tests,).
    """
    shifted = largest[LEAST_SHIFT : len(largest) - LEAST_SHIFT]
    scale = np.maximum(shifted.std(0) * 6.0**0.5 / np.pi, 1e-12)
    mode = shifted.mean(0) - np.euler_gamma * scale
    p_values = -np.expm1(-np.exp(-(largest[0] - mode) / scale))
    return p_values, mode - scale * np.log(-np.log1p(-rate))

"""Shapley values of games whose players are action components.

A game assigns a value to each coalition of players; a player's Shapley value is its marginal contribution,
averaged over the orders in which the players can join (L. S. Shapley, "A value for n-person games", 1953).
Both exact values and estimates from sampled orders are linear in the coalitions' values: one matrix product
computes any number of games.
"""

from dataclasses import dataclass
from itertools import product
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers.validation import InputError

EXACT = 10
"""Largest number of players for which all coalitions are evaluated: 1024."""


@dataclass(frozen=True)
class Coalitions:
    """Coalitions to evaluate, and the map from their values to Shapley values.

    Attributes:
        members: (coalitions, players), True where a player is a member. The empty coalition comes first.
        weights: (players, coalitions) matrix; Shapley values are ``weights @ values``.
    """

    members: NDArray[np.bool_]
    weights: NDArray[np.float64]

    def values(self, values: ArrayLike) -> NDArray[np.float64]:
        """Compute Shapley values (..., players) from the values of the coalitions (..., coalitions)."""
        values = np.asarray(values, dtype=np.float64)
        if values.shape[-1:] != (len(self.members),):
            raise InputError(
                f"values has shape {values.shape}; the last axis has to be the {len(self.members)} coalitions"
            )
        return values @ self.weights.T


def all_coalitions(players: int) -> Coalitions:
    """Return all coalitions, for exact values.

    Raises:
        ValueError: There are too few or too many players.
    """
    if not 1 <= players <= EXACT:
        raise InputError(f"exact Shapley values are for 1 to {EXACT} players, not {players}: sample orders")
    members = np.array(list(product((False, True), repeat=players)))
    sizes = members.sum(1)
    share = [factorial(s) * factorial(players - s - 1) / factorial(players) for s in range(players)]
    weights = np.empty((players, len(members)))
    for player in range(players):
        inside = members[:, player]
        weights[player, inside] = [share[size - 1] for size in sizes[inside]]
        weights[player, ~inside] = [-share[size] for size in sizes[~inside]]
    return Coalitions(members, weights)


def sampled_coalitions(players: int, orders: int, rng: np.random.Generator) -> Coalitions:
    """Return the coalitions in random orders and in their reverses, for unbiased estimates.

    An order and its reverse together have less variance than two orders (Mitchell et al., "Sampling
    permutations for Shapley value estimation", 2022). The sum of the estimated values is exact.

    Args:
        players: Number of players.
        orders: Number of pairs of orders.
        rng: Random generator.
    """
    if players < 1 or orders < 1:
        raise InputError(f"players and orders have to be at least 1, got {players} and {orders}")
    known: dict[bytes, int] = {}
    members: list[NDArray[np.bool_]] = []
    entries: list[tuple[int, int, float]] = []

    def place(coalition: NDArray[np.bool_]) -> int:
        if coalition.tobytes() not in known:
            known[coalition.tobytes()] = len(members)
            members.append(coalition.copy())
        return known[coalition.tobytes()]

    for _ in range(orders):
        order = rng.permutation(players)
        for joining in (order, order[::-1]):
            coalition = np.zeros(players, dtype=np.bool_)
            before = place(coalition)
            for player in joining:
                coalition[player] = True
                after = place(coalition)
                entries += [(player, after, 0.5 / orders), (player, before, -0.5 / orders)]
                before = after
    weights = np.zeros((players, len(members)))
    for player, coalition_number, weight in entries:
        weights[player, coalition_number] += weight
    return Coalitions(np.array(members), weights)

"""The axioms of Shapley values, and games whose values are known."""

from itertools import permutations

import numpy as np
import pytest

from assembly_rl.methods.cs3.shapley import Coalitions, all_coalitions, sampled_coalitions


def played(game: Coalitions, seed: int, games: int = 3) -> np.ndarray:
    """Random values of the coalitions, the same for the same members."""
    table = np.random.default_rng(seed).normal(size=(games, 2 ** game.members.shape[1]))
    return table[:, game.members @ (1 << np.arange(game.members.shape[1]))]


def both(players: int) -> list[Coalitions]:
    return [all_coalitions(players), sampled_coalitions(players, 20, np.random.default_rng(0))]


@pytest.mark.parametrize("players", [1, 2, 3, 6, 10])
@pytest.mark.parametrize("kind", [0, 1])
def test_what_the_players_get_is_what_there_is(players: int, kind: int) -> None:
    game = both(players)[kind]
    values = played(game, players)
    whole = values[:, game.members.all(1)][:, 0] - values[:, ~game.members.any(1)][:, 0]
    np.testing.assert_allclose(game.values(values).sum(-1), whole, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("players", [2, 6, 10])
def test_a_player_who_changes_nothing_gets_nothing(players: int) -> None:
    for game in both(players):
        without = game.members.copy()
        without[:, 1] = False
        values = np.array([hash(tuple(row)) % 1000 for row in without.tolist()], dtype=float)
        assert abs(game.values(values)[1]) < 1e-9


@pytest.mark.parametrize("players", [2, 6, 10])
def test_players_who_do_the_same_get_the_same(players: int) -> None:
    game = all_coalitions(players)
    rest = game.members[:, 2:] @ np.arange(1.0, players - 1.0) if players > 2 else 0.0
    values = np.sin(rest + 0.7 * game.members[:, :2].sum(1))
    shares = game.values(values)
    assert abs(shares[0] - shares[1]) < 1e-9


@pytest.mark.parametrize("players", [3, 6])
def test_values_are_linear(players: int) -> None:
    for game in both(players):
        one, two = played(game, 1), played(game, 2)
        together = 2.0 * game.values(one) + game.values(two)
        np.testing.assert_allclose(game.values(2.0 * one + two), together, rtol=0.0, atol=1e-9)


def test_they_are_the_mean_over_all_orders() -> None:
    game = all_coalitions(4)
    values = played(game, 5)[0]
    at = {tuple(row): value for row, value in zip(game.members.tolist(), values, strict=True)}
    shares = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        members = [False] * 4
        for player in order:
            before = at[tuple(members)]
            members[player] = True
            shares[player] += (at[tuple(members)] - before) / len(orders)
    np.testing.assert_allclose(game.values(values), shares, rtol=0.0, atol=1e-12)


def test_the_glove_game() -> None:
    game = all_coalitions(3)
    pairs = [float(left and (one or other)) for left, one, other in game.members]
    np.testing.assert_allclose(game.values(pairs), [2 / 3, 1 / 6, 1 / 6], rtol=0.0, atol=1e-12)


def test_sampled_orders_approach_the_exact_values() -> None:
    exact = all_coalitions(6)
    sampled = sampled_coalitions(6, 4000, np.random.default_rng(0))
    np.testing.assert_allclose(sampled.values(played(sampled, 3)), exact.values(played(exact, 3)), atol=0.06)


def test_twelve_players_are_sampled() -> None:
    game = sampled_coalitions(12, 50, np.random.default_rng(0))
    assert len(game.members) <= 50 * 2 * 11 + 2
    values = game.members @ np.arange(12.0)  # each player brings as much to any coalition
    np.testing.assert_allclose(game.values(values), np.arange(12.0), rtol=0.0, atol=1e-9)


def test_bad_input() -> None:
    for call, told in (
        (lambda: all_coalitions(11), "1 to 10 players, not 11: sample orders"),
        (lambda: all_coalitions(0), "1 to 10 players, not 0"),
        (lambda: sampled_coalitions(3, 0, np.random.default_rng(0)), "at least 1, got 3 and 0"),
        (lambda: all_coalitions(3).values(np.zeros(7)), r"the last axis has to be the 8 coalitions"),
    ):
        with pytest.raises(ValueError, match=told):
            call()

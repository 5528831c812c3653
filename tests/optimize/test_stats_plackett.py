import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimize.stats.elo import ELO_PER_LOGIT
from optimize.stats.plackett import MOST_TIED, Ranking, rate_rankings, terms
from optimize.stats.ratings import VIRTUAL_WEIGHT, Result, rate


def drawn(worth: dict[str, float], seats: int, rng: random.Random) -> Ranking:
    """A table of ``seats`` and its ranking, by Plackett's own urn: no code of the rating."""
    left = rng.sample(sorted(worth), seats)
    places = []
    while left:
        best = rng.choices(left, [worth[name] for name in left])[0]
        left.remove(best)
        places.append((best,))
    return Ranking(tuple(places))


def log_likelihood(ranking: Ranking, worth: dict[str, float]) -> float:
    """The mean over all orders of the ties, written out."""
    orders = itertools.product(*(itertools.permutations(place) for place in ranking.places))
    found = []
    for order in orders:
        line = list(itertools.chain.from_iterable(order))
        found.append(
            sum(math.log(worth[name] / sum(worth[other] for other in line[n:])) for n, name in enumerate(line))
        )
    return sum(found) / len(found)


def hunter(rankings: list[Ranking], steps: int) -> dict[str, float]:
    """Hunter's minorisation-maximisation, with the virtual draws as games against a player of worth 1; in Elo."""
    names = sorted({name for ranking in rankings for name in ranking.players})
    index = {name: n for n, name in enumerate(names)}
    parts = [terms(ranking, index) for ranking in rankings]
    worth = np.ones(len(names))
    for _ in range(steps):
        wins, demand = np.full(len(names), VIRTUAL_WEIGHT / 2), VIRTUAL_WEIGHT / (worth + 1)
        for chosen, weights in parts:
            for player, times in chosen.items():
                wins[player] += times
            for among, times in weights.items():
                demand[list(among)] += times / worth[list(among)].sum()
        worth = wins / demand
    return {name: ELO_PER_LOGIT * math.log(worth[index[name]]) for name in names}


def test_two_players_are_rated_as_by_bradley_and_terry() -> None:
    rng = random.Random(2)
    sides = [tuple(sorted(rng.sample("abcd", 2))) for _ in range(120)]
    pairs = [((a, b), rng.choice([0.0, 0.5, 1.0]), n // 2) for n, (a, b) in enumerate(sides)]
    results = [Result(a, b, score, pair=((a, b), n)) for (a, b), score, n in pairs]
    rankings = [Ranking.of([(a, score), (b, 1 - score)], ((a, b), n)) for (a, b), score, n in pairs]
    known, found = rate(results, samples=0), rate_rankings(rankings, samples=0)
    assert [row.player for row in found] == [row.player for row in known]
    for mine, theirs in zip(found, known, strict=True):
        assert mine.elo == pytest.approx(theirs.elo, abs=1e-6)
        assert mine.games == theirs.games and mine.score == pytest.approx(theirs.score)
    wide, narrow = rate(results, samples=300), rate_rankings(rankings, samples=300)
    for mine, theirs in zip(narrow, wide, strict=True):
        assert mine.elo_low == pytest.approx(theirs.elo_low, abs=20)
        assert mine.elo_high == pytest.approx(theirs.elo_high, abs=20)


def test_hunters_algorithm_arrives_at_the_same_ratings() -> None:
    rng = random.Random(7)
    rankings = [drawn({"a": 4, "b": 2, "c": 1, "d": 0.5}, 3, rng) for _ in range(40)]
    rankings += [Ranking((("a",), ("b", "c"))), Ranking((("a", "b", "d"),)), Ranking((("d", "c"), ("a", "b")))]
    known = hunter(rankings, 2000)
    for row in rate_rankings(rankings, samples=0):
        assert row.elo == pytest.approx(known[row.player], abs=0.05)


def test_true_strengths_come_back_and_intervals_cover_them() -> None:
    rng = random.Random(11)
    truth = {"a": 160.0, "b": 60.0, "c": 0.0, "d": -80.0, "e": -140.0}
    worth = {name: math.exp(elo / ELO_PER_LOGIT) for name, elo in truth.items()}
    rows = rate_rankings([drawn(worth, 3, rng) for _ in range(3000)], samples=100)
    assert [row.player for row in rows] == list(truth)
    for row in rows:
        assert row.elo == pytest.approx(truth[row.player], abs=20)
        assert row.elo_low < row.elo < row.elo_high
        assert row.elo_low - 12 < truth[row.player] < row.elo_high + 12


@given(st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=1, max_size=3))
def test_a_tie_is_the_mean_over_its_orders(games: list[list[int]]) -> None:
    worth = {"a": 1.7, "b": 0.4, "c": 1.0, "d": 2.5}
    index = {name: n for n, name in enumerate(worth)}
    values = list(worth.values())
    for game in games:
        ranking = Ranking.of(list(zip(worth, game, strict=True)))
        chosen, weights = terms(ranking, index)
        found = sum(times * math.log(values[n]) for n, times in chosen.items())
        found -= sum(times * math.log(sum(values[n] for n in among)) for among, times in weights.items())
        assert found == pytest.approx(log_likelihood(ranking, worth), abs=1e-9)


def test_players_who_always_tie_are_equal_and_the_undefeated_stay_finite() -> None:
    rows = rate_rankings([Ranking((("a", "b", "c"),))] * 20, samples=20)
    assert [row.elo for row in rows] == pytest.approx([0, 0, 0], abs=1e-6)
    assert [row.score for row in rows] == [10, 10, 10]
    rows = rate_rankings([Ranking((("a",), ("b",), ("c",)))] * 500, samples=20)
    assert [row.player for row in rows] == ["a", "b", "c"]
    assert all(math.isfinite(row.elo) for row in rows)
    assert (rows[0].score, rows[1].score, rows[2].score) == (500, 250, 0)


def test_points_are_the_share_of_the_others_left_behind() -> None:
    ranking = Ranking.of([("a", 0.5), ("b", 1.0), ("c", 0.5), ("d", -1.0)])
    assert ranking.places == (("b",), ("a", "c"), ("d",))
    assert ranking.points() == {"b": 1.0, "a": 0.5, "c": 0.5, "d": 0.0}
    assert sum(ranking.points().values()) == 2


def test_rankings_of_one_table_are_drawn_as_a_whole() -> None:
    turns = [Ranking((("a",), ("b",), ("c",)), n) for n in range(30)]
    turns += [Ranking((("c",), ("b",), ("a",)), n) for n in range(30)]
    alone = [Ranking(one.places) for one in turns]
    together, apart = (
        next(row for row in rate_rankings(rankings, samples=60) if row.player == "a") for rankings in (turns, alone)
    )
    assert together.elo_high - together.elo_low < 1e-6
    assert apart.elo_high - apart.elo_low > 20


def test_the_order_of_rankings_changes_nothing() -> None:
    rng = random.Random(3)
    rankings = [drawn({"a": 3, "b": 2, "c": 1}, 3, rng) for _ in range(30)]
    assert rate_rankings(rankings, samples=20) == rate_rankings(rng.sample(rankings, 30), samples=20)
    assert rate_rankings([]) == []


@pytest.mark.parametrize("places", [(("a",),), (("a",), ("a",)), (("a", "b"), ())])
def test_what_is_no_ranking_is_refused(places: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(ValueError, match="two players or more"):
        Ranking(places)


def test_a_tie_too_large_to_look_at_is_refused() -> None:
    with pytest.raises(ValueError, match="a tie of more than"):
        Ranking((tuple(str(n) for n in range(MOST_TIED + 1)),))

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimize.tournament import (
    SwissTable,
    draw_tables,
    drawn_order,
    matching,
    round_robin,
    seatings,
    swiss_round,
)


def test_round_robin_is_every_two_once() -> None:
    assert round_robin("abc") == [("a", "b"), ("a", "c"), ("b", "c")]
    assert len(round_robin([str(n) for n in range(14)])) == 91


def test_a_draw_is_an_order_of_its_seed() -> None:
    names = [f"p{n}" for n in range(12)]
    assert drawn_order(names, 1) == drawn_order(list(reversed(names)), 1)
    assert sorted(drawn_order(names, 1)) == sorted(names)
    assert drawn_order(names, 1) != drawn_order(names, 2)


def largest_matching(edges: list[tuple[int, int]]) -> int:
    """By trying everything."""
    if not edges:
        return 0
    (a, b), rest = edges[0], edges[1:]
    return max(largest_matching(rest), 1 + largest_matching([edge for edge in rest if not {a, b} & set(edge)]))


@settings(max_examples=300, deadline=None)
@given(st.integers(2, 8), st.data())
def test_no_matching_is_larger(size: int, data: st.DataObject) -> None:
    edges = data.draw(st.lists(st.sampled_from(list(itertools.combinations(range(size), 2))), unique=True, max_size=12))
    neighbours = [[b for a, b in edges + [(y, x) for x, y in edges] if a == vertex] for vertex in range(size)]
    mates = matching(neighbours)
    for vertex, mate in enumerate(mates):
        assert mate < 0 or (mates[mate] == vertex and mate in neighbours[vertex])
    assert sum(mate >= 0 for mate in mates) == 2 * largest_matching(edges)


def test_odd_cycles_do_not_hide_a_matching() -> None:
    """Two triangles joined by a path: greedy alternating search without blossoms leaves two vertices alone."""
    edges = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 5)]
    neighbours = [[b for a, b in edges + [(y, x) for x, y in edges] if a == vertex] for vertex in range(8)]
    assert -1 not in matching(neighbours)


def test_neighbours_by_points_meet_and_the_lowest_sits_out() -> None:
    found = swiss_round(SwissTable({"a": 1.0, "b": 3.0, "c": 2.0, "d": 0.0, "e": 3.0}))
    assert found.pairings == (("b", "e"), ("c", "a"))
    assert found.bye == "d"
    again = swiss_round(SwissTable({"a": 1.0, "b": 3.0, "c": 2.0, "d": 0.0, "e": 3.0}, byes={"d": 1}))
    assert again.bye == "a"
    with pytest.raises(ValueError, match="two players or more"):
        swiss_round(SwissTable({"a": 0.0}))


def test_the_top_gives_way_where_the_rest_could_not_be_paired() -> None:
    """c and d have met, so a must leave b to one of them although a and b are next to each other."""
    met = {frozenset("cd"): 1}
    found = swiss_round(SwissTable({"a": 3.0, "b": 3.0, "c": 1.0, "d": 0.0}, met))
    assert {frozenset(pairing) for pairing in found.pairings} == {frozenset("ac"), frozenset("bd")}


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 9), st.integers(1, 9), st.randoms(use_true_random=False))
def test_swiss_rounds_pair_everybody_and_repeat_nothing_avoidable(players: int, rounds: int, chance: object) -> None:
    names = [f"p{n}" for n in range(players)]
    points, met, byes = dict.fromkeys(names, 0.0), Counter[frozenset[str]](), Counter[str]()
    for _ in range(rounds):
        table = SwissTable(dict(points), dict(met), dict(byes))
        found = swiss_round(table)
        assert found == swiss_round(table)
        seated = [name for pairing in found.pairings for name in pairing] + ([found.bye] if found.bye else [])
        assert sorted(seated) == names
        if found.bye:
            assert byes[found.bye] == min(byes[name] for name in names)
        most = max(met[frozenset(pairing)] for pairing in found.pairings)
        if most:
            assert not pairable_below(table, most), "a meeting was repeated that could have been avoided"
        for a, b in found.pairings:
            met[frozenset((a, b))] += 1
            share = chance.random()  # type: ignore[attr-defined]
            points[a], points[b] = points[a] + share, points[b] + 1 - share
        if found.bye:
            byes[found.bye] += 1
            points[found.bye] += 1


def pairable_below(table: SwissTable, most: int) -> bool:
    """By trying everything: whether a round with a fair bye needs no meeting that happened ``most`` times before."""
    names = list(table.points)
    fewest = min(table.byes.get(name, 0) for name in names)
    byes = [name for name in names if table.byes.get(name, 0) == fewest] if len(names) % 2 else [None]

    def possible(left: list[str]) -> bool:
        if not left:
            return True
        first, *others = left
        return any(
            table.meetings(first, other) < most and possible([name for name in others if name != other])
            for other in others
        )

    return any(possible([name for name in names if name != bye]) for bye in byes)


def test_seven_rounds_of_eight_players_repeat_nothing() -> None:
    names = [f"p{n}" for n in range(8)]
    points, met = dict.fromkeys(names, 0.0), Counter[frozenset[str]]()
    for number in range(7):
        for a, b in swiss_round(SwissTable(dict(points), dict(met))).pairings:
            met[frozenset((a, b))] += 1
            points[a if (number + int(a[1])) % 3 else b] += 1
    assert set(met.values()) == {1}
    assert len(met) == 28


@given(st.integers(3, 9), st.integers(3, 5), st.integers(1, 8), st.integers(0, 3))
def test_tables_seat_everybody_about_equally_often(players: int, seats: int, rounds: int, seed: int) -> None:
    names = [f"p{n}" for n in range(players)]
    if players < seats:
        with pytest.raises(ValueError, match="seats need as many players"):
            draw_tables(names, seats, rounds, seed)
        return
    found = draw_tables(names, seats, rounds, seed)
    assert found == draw_tables(names, seats, rounds, seed)
    assert len(found) == rounds
    games: Counter[str] = Counter()
    for tables in found:
        seated = [name for table in tables for name in table]
        assert len(seated) == len(set(seated)) == players // seats * seats
        assert all(len(table) == seats for table in tables)
        games.update(seated)
    assert max(games.values()) - min(games[name] for name in names) <= 1
    assert draw_tables(names, seats, rounds + 1, seed)[:rounds] == found, "more rounds must begin with the same ones"


def test_tables_mix_players() -> None:
    met = Counter(
        frozenset(pair)
        for tables in draw_tables([f"p{n}" for n in range(6)], 3, 10, 1)
        for table in tables
        for pair in itertools.combinations(table, 2)
    )
    assert len(met) == 15
    assert max(met.values()) - min(met.values()) <= 2


def test_seatings_give_everybody_every_seat_once() -> None:
    assert seatings(("a", "b")) == [("a", "b"), ("b", "a")]
    assert seatings(("a",)) == [("a",)]
    turned = seatings(("a", "b", "c"))
    assert all(sorted(seats) == ["a", "b", "c"] for seats in zip(*turned, strict=True))

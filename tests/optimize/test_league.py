import asyncio

import pytest
from pair_sources import Ruled

from optimize.league import PAST_CHAMPIONS, league_names, play_all, play_league
from optimize.seeds import Seeds
from optimize.stats.pairs import Counts

ORDER = {"strong": 2, "middle": 1, "weak": 0}


def by_order(a: str, b: str, n: int) -> int:
    return 2 if n % 4 == 0 else 4 if ORDER[a] > ORDER[b] else 0


def test_members_are_named_as_on_the_command_line() -> None:
    names = league_names(["turtle", "random"], "rookie", ["p1", "p2", "p3", "p2", "p4"], ["s1"])
    assert names[:3] == ["bot:turtle", "bot:random", "rookie@base"]
    assert names[3 : 3 + PAST_CHAMPIONS] == ["rookie@p4", "rookie@p2", "rookie@p3"]
    assert names[-1] == "student:s1"


def test_a_player_meets_every_member_on_the_same_seeds() -> None:
    source = Ruled(by_order)
    members = {name: name for name in ORDER}
    table = asyncio.run(play_league(source, "middle", "middle", members, root="n", pairs=8))
    assert table.names == ("middle", "strong", "weak")
    assert table.counts("middle", "weak") == Counts(n2=2, n4=6)
    assert table.counts("strong", "middle") == Counts(n2=2, n4=6)
    assert table.matrix()[0] == [None, 0.125, 0.875]
    assert table.matrix()[1] == [0.875, None, None]
    assert {tuple(seeds) for *_, seeds in source.calls} == {tuple(Seeds("n", "league").take(0, 8))}
    assert {purpose for _, _, purpose, _ in source.calls} == {"league"}


def test_everybody_meets_everybody_and_is_rated() -> None:
    table = asyncio.run(play_all(Ruled(by_order), {name: name for name in ORDER}, root="n", pairs=8))
    matrix = table.matrix()
    for i in range(3):
        assert matrix[i][i] is None
        for j in range(3):
            if i != j:
                there, back = matrix[i][j], matrix[j][i]
                assert there is not None and back is not None
                assert there + back == pytest.approx(1)
    ratings = table.ratings()
    assert [row.player for row in ratings] == ["strong", "middle", "weak"]
    assert ratings[0].games == 2 * 2 * 8
    assert ratings[0].elo_low <= ratings[0].elo <= ratings[0].elo_high
    with pytest.raises(KeyError):
        table.counts("strong", "absent")

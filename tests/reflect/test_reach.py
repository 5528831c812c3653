"""Which rule decides how many stored turns: against counting by hand, turn by turn."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.pairs import Setting, play_pairs
from episodes.players.bots import load_bot
from episodes.store.store import Store
from prompts.rule import Rule
from reflect.evidence import Turns, load_turns
from reflect.reach import gain, reach


@pytest.fixture(scope="module")
def turns(tmp_path_factory: pytest.TempPathFactory) -> Turns:
    with Store.open(tmp_path_factory.mktemp("reach") / "s.db") as store:
        setting = Setting(GAME, Clock("paused"), "play", store)
        asyncio.run(play_pairs(setting, load_bot("random"), load_bot("rushdown"), range(3)))
        return load_turns(store, GAME, player="bot:random")


conditions = st.dictionaries(st.sampled_from(sorted(GAME.features)), st.integers(0, 20), max_size=2)
rules = st.builds(
    lambda when, move: Rule.of(GAME, {f: GAME.features[f][n % len(GAME.features[f])] for f, n in when.items()}, move),
    conditions,
    st.sampled_from(GAME.moves),
)


@given(chosen=st.lists(rules, max_size=6))
def test_counts_are_those_of_reading_turn_by_turn(turns: Turns, chosen: list[Rule]) -> None:
    decides, holds = Counter[int](), Counter[int]()
    behind: dict[int, set[int]] = {n: set() for n in range(len(chosen))}
    played = Counter[int]()
    for row in range(len(turns)):
        matching = [n for n, rule in enumerate(chosen) if rule.matches(turns.situation(row))]
        holds.update(matching)
        for n in matching[1:]:
            behind[n].add(matching[0])
        if matching:
            decides[matching[0]] += 1
            played[matching[0]] += GAME.moves[turns.moves[row]] == chosen[matching[0]].move
    found = reach(turns, chosen)
    for n, one in enumerate(found):
        assert (one.holds, one.decides, one.followed) == (holds[n], decides[n], played[n])
        assert set(one.behind) == behind[n]
        assert (one.gain is None) == (played[n] == 0)


def test_a_rule_behind_a_wider_one_is_never_reached_because_of_it(turns: Turns) -> None:
    always, near, _far = (
        Rule.of(GAME, when, "jab") for when in ({}, {"distance": "near"}, {"distance": "far", "wall": "cornered"})
    )
    first, second = reach(turns, [always, near])
    assert (first.decides, second.decides, second.behind) == (len(turns), 0, (0,))
    second, first = reach(turns, [near, always])
    assert 0 < second.decides == second.holds and first.decides == len(turns) - second.decides
    assert second.behind == ()
    assert reach(turns, []) == []


def test_a_gain_is_the_mean_with_an_interval_over_episodes(turns: Turns) -> None:
    among = turns.moves >= 0
    found = gain(turns, among)
    assert found is not None
    assert found.mean == pytest.approx(float(turns.gains[among].mean()))
    assert found.low < found.mean < found.high
    one = turns.episodes == 0
    alone = gain(turns, one)
    assert alone is not None and alone.high == float("inf")
    assert gain(turns, turns.moves == -99) is None

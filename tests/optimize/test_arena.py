import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pair_sources import Memory, Ruled, cycle

from episodes.clock import Clock
from episodes.game import Observation
from episodes.games.duel import GAME
from episodes.pairs import PairResult
from episodes.player import Context, Decision
from episodes.players.bots import load_bot
from episodes.record import EpisodeRecord
from models.errors import BudgetExhausted, Unavailable
from optimize.arena import MAX_FAULTS, Arena, Sample, Series, play_together
from optimize.gate import GateRule
from optimize.race import RaceRule
from optimize.seeds import Seeds, derive
from optimize.stats.pairs import Counts
from optimize.trial import Trial, TrialRule, trial

TURTLE, GRAPPLER = load_bot("turtle"), load_bot("grappler")


def test_seeds_are_known_forever() -> None:
    assert derive("night", 1) == derive("night", 1)
    assert Seeds("night", "race").take(0, 2) == [5770585426359644836, 7086263523949480187]


@given(
    st.lists(st.integers() | st.text(max_size=5), max_size=3), st.lists(st.integers() | st.text(max_size=5), max_size=3)
)
def test_seeds_have_63_bits_and_depend_on_every_part(one: list[int | str], other: list[int | str]) -> None:
    assert 0 <= derive(*one) < 2**63
    assert (derive(*one) == derive(*other)) == (list(map(repr, one)) == list(map(repr, other)))


def test_streams_share_no_seed_and_are_cut_anywhere() -> None:
    streams = [Seeds(root, purpose) for root in (1, "1") for purpose in ("race", "gate 0", "gate 1", "confirm")]
    seeds = [seed for stream in streams for seed in stream.take(0, 500)]
    assert len(set(seeds)) == len(seeds)
    assert streams[0].take(3, 4) == streams[0].take(0, 7)[3:]


def test_a_series_replaces_and_counts_voided_pairs() -> None:
    source = Ruled(lambda a, b, n: None if n in (1, 3) else 4)
    series = Series(source, "a", "b", Seeds(1, "gate"), "gate")
    asyncio.run(series.play(3))
    asyncio.run(series.play(2))
    assert series.pairs == 5
    assert series.sample.voided == 2
    assert series.sample.counts == Counts(n4=5)
    assert [result.seed for result in series.sample.results] == Seeds(1, "gate").take(0, 7)


def test_a_series_gives_up_in_an_outage() -> None:
    series = Series(Ruled(lambda a, b, n: None), "a", "b", Seeds(1, "gate"), "gate")
    with pytest.raises(Unavailable, match=f"{MAX_FAULTS} pairs in a row were voided"):
        asyncio.run(series.play(6))


def test_the_first_failure_stops_the_other_series_and_is_raised_by_itself() -> None:
    class Poor(Ruled):
        async def play(self, a: str, b: str, seeds: Sequence[int], purpose: str) -> list[PairResult]:
            if a == "spender":
                raise BudgetExhausted("enough")
            for _ in range(50):
                await asyncio.sleep(0)
            return await super().play(a, b, seeds, purpose)

    source = Poor(cycle(2))
    lanes = [Series(source, name, "b", Seeds(1, "race"), "race") for name in ("one", "spender", "two")]
    with pytest.raises(BudgetExhausted, match="enough"):
        asyncio.run(play_together(lanes, 4))
    assert source.calls == []


def test_samples_add_up() -> None:
    first, second = PairResult(1, "x", ("", ""), 3), PairResult(2, "y", ("", ""), None, "fault")
    both = Sample((first,)) + Sample((second,))
    assert both.outcomes == [3]
    assert (both.counts, both.voided) == (Counts(n3=1), 1)


def test_the_arena_plays_pairs_and_never_one_twice() -> None:
    sink = Memory()
    seen: list[PairResult] = []
    arena = Arena(GAME, Clock("paused"), sink, scope="test", on_pair=seen.append)
    seeds = Seeds(1, "race").take(0, 3)
    first = asyncio.run(arena.play(TURTLE, GRAPPLER, seeds, "race"))
    assert [result.seed for result in first] == seeds
    assert all(result.k in range(5) for result in first)
    assert sorted(seen, key=lambda r: r.seed) == sorted(first, key=lambda r: r.seed)
    assert len(sink.records) == 6
    again = asyncio.run(arena.play(TURTLE, GRAPPLER, seeds, "race"))  # the sink refuses an episode it has
    assert again == first
    assert {record.purpose for record in sink.records.values()} == {"race"}


@dataclass
class Watched:
    """A bot that notes how many decisions are under way at once, and fails in chosen episodes."""

    most: int = 0
    now: int = 0
    name: str = "bot:watched"
    model: str = "bot:watched"
    prompt_id: str | None = None
    fail: bool = False

    async def act(self, observation: Observation, context: Context) -> Decision:
        if self.fail:
            raise Unavailable("the provider is away")
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        return await TURTLE.act(observation, context)


@pytest.mark.parametrize(
    ("clock", "concurrency", "alone"), [("measured", 0, True), ("paused", 1, True), ("paused", 0, False)]
)
def test_calls_wait_for_each_other_where_latency_counts(clock: str, concurrency: int, alone: bool) -> None:
    player = Watched()
    arena = Arena(GAME, Clock.parse(clock), Memory(), concurrency=concurrency)

    async def both() -> None:
        await asyncio.gather(*(arena.play(player, GRAPPLER, [seed], "race") for seed in (1, 2)))

    asyncio.run(both())
    assert (player.most == 1) == alone


def test_a_fault_voids_the_pair() -> None:
    arena = Arena(GAME, Clock("paused"), Memory())
    result = asyncio.run(arena.play(Watched(fail=True), GRAPPLER, [1], "race"))[0]
    assert result.k is None
    assert "the provider is away" in result.fault


def test_ruled_sources_cycle() -> None:
    assert [cycle(1, 2)("a", "b", n) for n in range(3)] == [1, 2, 1]


class Killed(Exception):
    """Stands for the end of the process."""


class Mortal(Memory):
    """A sink whose process dies after so many episodes."""

    def __init__(self, lives: int) -> None:
        super().__init__()
        self.lives = lives

    def save(self, record: EpisodeRecord) -> None:
        if self.lives == 0:
            raise Killed
        self.lives -= 1
        super().save(record)


def test_an_interrupted_trial_ends_like_an_uninterrupted_one() -> None:
    rule = TrialRule(RaceRule(max_pairs=8, look=4), GateRule(candidates=2, max_pairs=60, look=4), 4)
    candidates, champion = [load_bot("grappler"), load_bot("zoner")], load_bot("random")

    def run(sink: Memory) -> Trial:
        arena = Arena(GAME, Clock("paused"), sink, scope="night")
        return asyncio.run(trial(arena, candidates, champion, rule, "night"))

    whole = Memory()
    expected = run(whole)
    sink = Mortal(lives=5)
    deaths = 0
    while True:
        try:
            result = run(sink)
            break
        except Killed:
            deaths += 1
            sink.lives = 5 + 7 * deaths
    assert deaths > 1
    assert result == expected
    assert sink.records.keys() == whole.records.keys()
    assert expected.promoted is not None

"""Comparing two players through opponents, over real episodes of rock-paper-scissors in a real store."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from behind import Behind
from pair_sources import Memory

from episodes.clock import Clock
from episodes.game import Observation
from episodes.games import load_game
from episodes.games.duel import GAME as DUEL
from episodes.pairs import PairResult
from episodes.player import Context, Decision, Player
from episodes.players.bots import load_bot
from episodes.players.roshambo import load_roshambo
from episodes.record import Purpose
from episodes.store.store import Store
from models.errors import BadInput, TimedOut
from optimize.arena import Arena, Sample
from optimize.compare import CompareRule, compare
from optimize.comparison_store import ComparisonStore, Contestant, Entry
from optimize.gate import GateRule
from optimize.race import RaceRule
from optimize.seeds import Seeds
from optimize.sides import side_totals
from optimize.through import Through, described, opponents_of, through_points
from optimize.trial import TrialRule, trial
from reflect.standin import Habits, StandIn

RPS = load_game("openspiel:roshambo(rounds=5)")
ROCKBOT, ROTATEBOT = load_roshambo("rockbot"), load_roshambo("rotatebot")


def throwing(name: str, **weights: float) -> StandIn:
    """A player that throws with these weights, whatever happens."""
    return StandIn(name, (), Habits({move: weights.get(move, 0.0) for move in RPS.moves}), f"prompt-{name}")


PAPER = throwing("paper", paper=1)
AIMLESS = throwing("aimless", rock=1, paper=1, scissors=1)


def through(sink: Store | Memory, *opponents: Player, scope: str = "test") -> Through:
    return Through(Arena(RPS, Clock("paused"), sink, scope=scope), opponents or (ROCKBOT,))


def seeds(count: int, purpose: str = "gate") -> list[int]:
    return Seeds("through", purpose).take(0, count)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "test.db") as opened:
        yield opened


def test_a_pair_is_worth_two_points_and_the_difference() -> None:
    points = {(a, b): through_points(a, b) for a in (0, 0.5, 1) for b in (0, 0.5, 1)}
    assert points[1, 0] == 4 and points[0, 1] == 0 and points[1, 0.5] == 3
    assert all(points[a, b] + points[b, a] == 4 for a, b in points)


def test_both_play_the_same_opponent_in_the_same_seat_on_the_same_seed() -> None:
    memory = Memory()
    source = through(memory, ROCKBOT, ROTATEBOT)
    results = asyncio.run(source.play(PAPER, AIMLESS, seeds(30), "gate"))
    assert [result.seed for result in results] == seeds(30)
    for result in results:
        mine, theirs = (memory.records[episode] for episode in result.episodes)
        opponent, seat = source.facing(result.seed)
        assert (mine.seats[seat].player, theirs.seats[seat].player) == ("paper", "aimless")
        assert {mine.seats[1 - seat].player, theirs.seats[1 - seat].player} == {opponent.name}
        assert mine.seed == theirs.seed == result.seed
        assert mine.pair_id == theirs.pair_id == result.pair_id
        assert result.k == through_points(mine.seats[seat].score, theirs.seats[seat].score)


def test_opponents_and_seats_are_drawn_evenly() -> None:
    source = through(Memory(), ROCKBOT, ROTATEBOT, load_roshambo("copybot"))
    drawn = Counter((opponent.name, seat) for opponent, seat in map(source.facing, seeds(6000)))
    assert len(drawn) == 6
    assert all(abs(count - 1000) < 4 * 29 for count in drawn.values())  # standard deviation 29


def test_changing_sides_mirrors_every_pair() -> None:
    """So a player that is no better gains nothing on average, whatever the opponents do."""
    one, other = throwing("one", rock=1, paper=1, scissors=1), throwing("other", rock=1, paper=2, scissors=1)
    opponents = ROTATEBOT, load_roshambo("freqbot2")
    forth = asyncio.run(through(Memory(), *opponents).play(one, other, seeds(40), "gate"))
    back = asyncio.run(through(Memory(), *opponents).play(other, one, seeds(40), "gate"))
    assert [4 - (result.k or 0) for result in back] == [result.k for result in forth]
    assert len({result.k for result in forth}) > 2


def test_what_head_to_head_cannot_see_is_seen() -> None:
    rule = CompareRule(max_pairs=60, confirm_pairs=30)
    met = asyncio.run(compare(Arena(RPS, Clock("paused"), Memory()), PAPER, AIMLESS, rule, "see"))
    assert met.verdict == "undecided"
    apart = asyncio.run(compare(through(Memory()), PAPER, AIMLESS, rule, "see"))
    assert apart.verdict == "better"
    low, high = apart.confirmation.gain_interval
    assert low <= 0.25 <= high, "paper takes all, the aimless one half: half of the difference is a quarter"


def test_who_is_no_better_is_not_promoted() -> None:
    """Against an opponent in equilibrium everybody is even; five candidates in each of three nights."""
    candidates = [throwing(f"c{n}", rock=n % 3, paper=n % 2 + 0.1, scissors=n % 5) for n in range(5)]
    rule = TrialRule(RaceRule(max_pairs=16), GateRule(candidates=5, max_pairs=40), confirm_pairs=8)
    source = through(Memory(), load_bot("random"))
    found = [asyncio.run(trial(source, candidates, AIMLESS, rule, f"night {n}")) for n in range(3)]
    assert [one.promoted for one in found] == [None] * 3
    scores = Sample(tuple(pair for one in found for entrant in one.entrants for pair in entrant.sample.results)).counts
    assert scores.total > 150
    assert abs(scores.mean - 0.5) < 0.08


def test_nothing_is_played_twice_and_candidates_have_pairs_of_their_own(store: Store) -> None:
    first = asyncio.run(through(store).play(PAPER, AIMLESS, seeds(6), "race"))
    kept = store.episode_ids()
    assert asyncio.run(through(store).play(PAPER, AIMLESS, seeds(6), "race")) == first
    assert store.episode_ids() == kept
    other = asyncio.run(through(store).play(throwing("rock", rock=1), AIMLESS, seeds(6), "race"))
    assert len(store.episode_ids()) == 24
    assert not {pair.pair_id for pair in first} & {pair.pair_id for pair in other}


@pytest.mark.parametrize("at", [0, 1, 2])
def test_another_model_behind_a_name_makes_other_pairs(store: Store, at: int) -> None:
    """Be it A's, B's or the opponent's; a pair that was stored when this was not known yet stays what it is."""

    def pairs(identity: str, purpose: Purpose, *, knowing: bool = True) -> list[PairResult]:
        players: list[Player] = [PAPER, AIMLESS, ROCKBOT]
        players[at] = Behind(players[at], identity)
        a, b, opponent = players
        predates = store.lacks_identities if knowing else None
        arena = Arena(RPS, Clock("paused"), store, scope="test", predates=predates)
        return asyncio.run(Through(arena, (opponent,)).play(a, b, seeds(2), purpose))

    before = pairs("", "race")
    assert pairs("one", "race") == pairs("other", "race") == before
    one, other = pairs("one", "gate"), pairs("other", "gate")
    assert len({pair.pair_id for pair in (*one, *other)}) == 4
    assert pairs("one", "gate") == one
    in_a_run = pairs("one", "gate", knowing=False)
    assert pairs("other", "gate", knowing=False) == in_a_run, "a run is recognised by its models"
    assert not {pair.pair_id for pair in in_a_run} & {pair.pair_id for pair in (*one, *other)}


@dataclass(frozen=True)
class Failing:
    """Its provider is out of order on some seeds."""

    name: str = "failing"
    model: str = "failing"
    prompt_id: None = None

    async def act(self, observation: Observation, context: Context) -> Decision:
        if context.seed % 16 == 0:
            raise TimedOut("the provider sleeps")
        return Decision("rock", "rock", 0.0)


def test_a_providers_fault_voids_the_pair() -> None:
    results = asyncio.run(through(Memory()).play(PAPER, Failing(), seeds(30), "gate"))
    voided = [result for result in results if result.k is None]
    assert 0 < len(voided) < 30
    assert all("the provider sleeps" in result.fault for result in voided)
    assert all(result.k in {3, 4} for result in results if result.k is not None)


def test_calls_wait_for_each_other_where_only_so_many_episodes_may_run() -> None:
    narrow = Through(Arena(RPS, Clock("paused"), Memory(), concurrency=1), (ROCKBOT,))

    async def both() -> list[int]:
        found = await asyncio.gather(
            narrow.play(PAPER, AIMLESS, seeds(3), "race"), narrow.play(PAPER, AIMLESS, seeds(3), "gate")
        )
        return [len(one) for one in found]

    assert asyncio.run(both()) == [3, 3]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadInput, match="needs one"):
        Through(Arena(RPS, Clock("paused"), Memory()), ())
    with pytest.raises(BadInput, match="rockbot is named twice"):
        through(Memory(), ROCKBOT, ROCKBOT)
    with pytest.raises(BadInput, match="paper cannot be one of the opponents"):
        asyncio.run(through(Memory(), PAPER).play(PAPER, AIMLESS, seeds(1), "gate"))
    with pytest.raises(BadInput, match="has 1 seat"):
        Through(replace(Arena(DUEL, Clock("paused"), Memory()), game=Lonely()), (ROCKBOT,))  # type: ignore[arg-type]


class Lonely:
    name, seats = "lonely", 1


def entry(store: Store, source: Through, a: StandIn = PAPER, b: StandIn = AIMLESS, name: str = "c1") -> Entry:
    stages = {
        stage: Sample(tuple(asyncio.run(source.play(a, b, seeds(count, stage), stage))))  # type: ignore[arg-type]
        for stage, count in (("race", 4), ("gate", 3), ("confirm", 5))
    }
    first, second = map(Contestant.of, (a, b))
    opponents = tuple(map(Contestant.of, source.opponents))
    return Entry(name, RPS.name, "paused", "gate", first, second, stages, "undecided", 0.05, opponents=opponents)


def test_what_a_comparison_keeps_of_its_opponents_comes_back() -> None:
    known = (Contestant("roshambo:rockbot"), Contestant("follower@base", "9f3c"))
    assert opponents_of(described(known)) == (("roshambo:rockbot", None), ("follower@base", "9f3c"))
    assert opponents_of(None) == ()


def test_a_comparison_through_opponents_comes_out_again(store: Store) -> None:
    ComparisonStore(store).record(entry(store, through(store, ROCKBOT, ROTATEBOT)))
    assert ComparisonStore(store).differences("c1") == []
    ComparisonStore(store).record(entry(store, through(store, ROCKBOT), PAPER, replace(PAPER, name="same"), "c2"))
    assert ComparisonStore(store).differences("c2") == []


@pytest.mark.parametrize(
    "damage",
    [
        "update seats set score = 1 - score where player = 'paper'",
        "update seats set player = 'roshambo:copybot' where player = 'roshambo:rockbot'",
        "update episodes set seed = seed + 1 where id in (select episode_id from seats where player = 'aimless')",
        f"update comparisons set config = '{json.dumps({'opponents': [['roshambo:copybot', None]]})}'",
        "update comparisons set config = null",
        "update comparisons set b = 'paper', b_prompt_id = 'prompt-paper'",
        "delete from seats where player = 'aimless'",
    ],
)
def test_damage_is_found(store: Store, damage: str) -> None:
    ComparisonStore(store).record(entry(store, through(store)))
    with store.transaction() as connection:
        connection.execute(damage)
    assert any("its episodes give" in difference for difference in ComparisonStore(store).differences("c1"))


def test_evidence_adds_up_with_what_went_through_the_same_opponents_only(store: Store) -> None:
    comparisons, kept = ComparisonStore(store), entry(store, through(store))
    comparisons.record(kept)
    sides = RPS.name, "paused", kept.a, kept.b
    found = comparisons.evidence(*sides, kept.opponents)
    assert set(found.results) == {*kept.stages["race"].results, *kept.stages["gate"].results}
    assert comparisons.evidence(*sides) == Sample()
    assert comparisons.evidence(*sides, (*kept.opponents, Contestant("bot:random"))) == Sample()
    counts = (kept.stages["race"] + kept.stages["gate"]).counts
    assert comparisons.tried(RPS.name, "paused", kept.b, kept.opponents) == {"prompt-paper": counts}
    assert comparisons.tried(RPS.name, "paused", kept.b) == {}


def test_games_against_another_model_under_the_opponents_name_are_not_carried(store: Store) -> None:
    comparisons, results = ComparisonStore(store), dict[str, tuple[PairResult, ...]]()
    opponents = {identity: Behind(ROCKBOT, identity) for identity in ("", "on a CPU", "on a GPU")}
    for identity, opponent in opponents.items():
        kept = entry(store, through(store, opponent, scope=identity), name=f"c {identity}")
        comparisons.record(kept)
        results[identity] = kept.stages["race"].results + kept.stages["gate"].results
    of = Contestant.of(PAPER), Contestant.of(AIMLESS), [Contestant.of(opponents["on a GPU"])]
    found = comparisons.evidence(RPS.name, "paused", *of)
    assert set(found.results) == {*results[""], *results["on a GPU"]}
    assert comparisons.tried(RPS.name, "paused", *of[1:]) == {"prompt-paper": found.counts}


def test_what_the_opponents_took_is_nobodys(store: Store) -> None:
    found = asyncio.run(through(store).play(PAPER, AIMLESS, seeds(4), "gate"))
    store.db.execute("update seats set refused = 3 where player = 'paper'")
    store.db.execute("update seats set refused = 500 where player = 'roshambo:rockbot'")
    a, b = side_totals(store, found, apart=(PAPER, AIMLESS))
    assert (a.refused, b.refused) == (12, 0)
    assert a.turns == b.turns == 4 * 5

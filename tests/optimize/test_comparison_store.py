"""Stored comparisons and the sides, over real episodes in a real store."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from behind import Behind

from episodes.clock import Clock
from episodes.games.duel import GAME
from episodes.pairs import PairResult
from episodes.player import Player
from episodes.players.bots import load_bot
from episodes.record import Purpose
from episodes.store.store import Store
from models.errors import BadInput
from optimize.arena import Arena, Sample
from optimize.comparison_store import ComparisonStore, Contestant, Entry
from optimize.confirm import Confirmation
from optimize.seeds import Seeds
from optimize.sides import Both, Sides, side_totals
from optimize.stats.eprocess import e_value
from optimize.stats.pairs import Counts

TURTLE, GRAPPLER = load_bot("turtle"), load_bot("grappler")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "test.db") as opened:
        yield opened


def played(store: Store, a: Player, b: Player, purpose: Purpose, pairs: int, *, scope: str = "test") -> Sample:
    arena = Arena(GAME, Clock("paused"), store, scope=scope)
    return Sample(tuple(asyncio.run(arena.play(a, b, Seeds("test", purpose).take(0, pairs), purpose))))


def entry(store: Store, a: Player = TURTLE, b: Player = GRAPPLER, *, scope: str = "test", **changes: Any) -> Entry:
    void = PairResult(99, "void", ("", ""), None, "RateLimited: later")
    stages = {
        "race": played(store, a, b, "race", 4, scope=scope),
        "gate": played(store, a, b, "gate", 3, scope=scope) + Sample((void,)),
        "confirm": played(store, a, b, "confirm", 5, scope=scope),
    }
    made = Entry("c1", "duel", "paused", "gate", Contestant.of(a), Contestant.of(b), stages, "undecided", 0.05)
    return replace(made, **changes)


def test_a_comparison_is_kept_with_its_pairs_and_comes_out_again(store: Store) -> None:
    kept = entry(store)
    ComparisonStore(store).record(kept)
    ComparisonStore(store).record(kept)
    row = next(iter(store.db.query("select * from comparisons")))
    deciding = (kept.stages["race"] + kept.stages["gate"]).counts
    assert Counts(*(row[f"n{k}"] for k in range(5))) == deciding
    assert deciding.total == 7
    assert row["e_value"] == e_value(deciding)
    assert row["gain"] == kept.stages["confirm"].counts.mean - 0.5
    assert (row["gain_low"], row["gain_high"]) == Confirmation(kept.stages["confirm"]).gain_interval
    assert row["gain_low"] <= row["gain"] <= row["gain_high"]
    assert (row["voided"], row["verdict"]) == (1, "undecided")
    assert store.db.execute("select count(*) from comparison_pairs").fetchone() == (13,)
    found = ComparisonStore(store).comparison("c1")
    assert (found.a, found.b, found.counts, found.e_value) == (kept.a.name, kept.b.name, deciding, row["e_value"])
    assert found.gain_interval == (row["gain"], row["gain_low"], row["gain_high"])
    assert ComparisonStore(store).comparisons() == [found]
    assert ComparisonStore(store).comparisons("another night") == []
    pairs = ComparisonStore(store).pairs("c1")
    assert {pair.stage: [one.pair_id for one in pairs if one.stage == pair.stage] for pair in pairs} == {
        stage: [one.pair_id for one in sample.results] for stage, sample in kept.stages.items()
    }
    assert [(pair.k, pair.fault) for pair in pairs if pair.pair_id == "void"] == [(None, "RateLimited: later")]
    assert ComparisonStore(store).differences("c1") == []


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("update comparison_pairs set k = (k + 1) % 5 where stage = 'race' and position = 0", "its episodes give"),
        ("update comparisons set n4 = n4 + 1", "n4: stored"),
        ("update comparisons set e_value = e_value * 1.01", "e_value: stored"),
        ("update comparisons set gain = 0.49", "gain: stored"),
        ("update seats set score = 1 - score where score != 0.5", "its episodes give"),
        ("update comparison_pairs set pair_id = (select max(pair_id) from comparison_pairs where stage = 'race') "
         "where stage = 'race'", "counts twice"),
    ],
)  # fmt: skip
def test_every_stored_number_is_checked(store: Store, damage: str, found: str) -> None:
    ComparisonStore(store).record(entry(store))
    store.db.execute(damage)
    assert any(found in difference for difference in ComparisonStore(store).differences("c1"))


def test_a_player_against_itself_is_checked_too(store: Store) -> None:
    ComparisonStore(store).record(entry(store, TURTLE, TURTLE))
    assert ComparisonStore(store).differences("c1") == []


def test_evidence_is_found_again_without_the_confirmation(store: Store) -> None:
    kept = entry(store)
    comparisons = ComparisonStore(store)
    comparisons.record(kept)
    carried = comparisons.evidence("duel", "paused", kept.a, kept.b)
    earlier = kept.stages["race"].results + kept.stages["gate"].results[:-1]
    assert set(carried.results) == set(earlier)
    again = replace(kept, id="c2", stages={"carried": carried, "confirm": kept.stages["confirm"]})
    comparisons.record(again)
    assert set(comparisons.evidence("duel", "paused", kept.a, kept.b).results) == set(earlier)
    assert comparisons.differences("c2") == []
    for other in (("tic", "paused", kept.a, kept.b), ("duel", "measured", kept.a, kept.b)):
        assert comparisons.evidence(*other) == Sample()
    assert comparisons.evidence("duel", "paused", kept.b, kept.a) == Sample()
    assert comparisons.evidence("duel", "paused", replace(kept.a, prompt_id="p"), kept.b) == Sample()


@pytest.mark.parametrize("side", [0, 1])
def test_games_of_other_models_under_the_same_names_are_not_carried(store: Store, side: int) -> None:
    comparisons, deciding = ComparisonStore(store), dict[str, Sample]()

    def sides(identity: str) -> list[Player]:
        found: list[Player] = [replace(TURTLE, prompt_id="x"), GRAPPLER]
        found[side] = Behind(found[side], identity)
        return found

    def carried(a: Contestant, b: Contestant) -> set[PairResult]:
        return set(comparisons.evidence("duel", "paused", a, b).results)

    for identity in ("", "on a CPU", "on a GPU"):  # the first as it is stored where nothing is known
        kept = entry(store, *sides(identity), scope=identity, id=f"c {identity}")
        comparisons.record(kept)
        deciding[identity] = kept.stages["race"] + Sample(kept.stages["gate"].results[:-1])
    a, b = map(Contestant.of, sides("on a GPU"))
    assert carried(a, b) == {*deciding[""].results, *deciding["on a GPU"].results}
    assert carried(*map(Contestant.of, sides("on another"))) == carried(*map(Contestant.of, sides("")))
    assert carried(*map(Contestant.of, sides(""))) == set(deciding[""].results)
    if side == 1:
        tried = comparisons.tried("duel", "paused", b)
        assert tried == {"x": (deciding[""] + deciding["on a GPU"]).counts}


def test_the_history_of_prompts_has_each_deciding_pair_once(store: Store) -> None:
    kept = entry(store)
    comparisons = ComparisonStore(store)
    comparisons.record(kept)
    assert comparisons.tried("duel", "paused", kept.b) == {}
    named = replace(kept, a=Contestant("rookie@x", "x"))
    comparisons.record(named)
    comparisons.record(replace(named, id="c2", stages={"carried": kept.stages["race"]}))
    assert comparisons.tried("duel", "paused", kept.b) == {"x": (kept.stages["race"] + kept.stages["gate"]).counts}
    assert comparisons.tried("duel", "measured", kept.b) == {}
    assert comparisons.tried("duel", "paused", kept.a) == {}


def test_unknown_things_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="unknown stages"):
        entry(store, stages={"play": Sample()})
    with pytest.raises(BadInput, match="no comparison none"):
        ComparisonStore(store).differences("none")


def test_sides_are_told_apart_in_both_halves(store: Store) -> None:
    """B thinks for 7 ms a decision, at 3 tokens and a cent, in whichever seat it sits; its refusals are its own."""
    sample = played(store, TURTLE, GRAPPLER, "race", 3)
    for column, value in (("latency_ms", 7.0), ("tokens_in", 2), ("tokens_out", 1), ("cost_usd", 0.01)):
        theirs = "exists (select 1 from seats s where s.episode_id = t.episode_id and s.seat = t.seat and s.player = ?)"
        store.db.execute(f"update turns as t set {column} = {value} where {theirs}", [GRAPPLER.name])
    store.db.execute(
        "update seats set tokens_in = 2 * turns, tokens_out = turns, cost_usd = 0.01 * turns, refused = 1 "
        "where player = ?",
        [GRAPPLER.name],
    )
    a, b = side_totals(store, (*sample.results, PairResult(1, "void", ("", ""), None, "fault")))
    assert (a.latency_ms, a.tokens, a.cost_usd, a.refused) == (0.0, 0, 0.0, 0)
    assert (b.latency_ms, b.tokens, b.refused) == (7.0, 3 * b.turns, 6)
    assert b.cost_usd == pytest.approx(0.01 * b.turns)
    turns = store.db.execute("select count(*) from turns").fetchone()[0]
    assert a.turns + b.turns == turns
    both = Sides.of(a, b)
    assert both.latency_ms == Both(0.0, 7.0)
    assert both.tokens == Both(a.tokens, b.tokens)
    assert side_totals(store, ())[0].latency_ms == 0.0

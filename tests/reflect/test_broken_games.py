"""Games of others that break while somebody thinks about them: it is known, and nothing else ends."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from breaking import Clumsy, breaking, fails
from small_games import Heap

from episodes.clock import Clock
from episodes.game import Game
from episodes.guest_player import GuestPlayer
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.players.bots import load_bot
from episodes.record import EpisodeRecord, SeatRecord
from episodes.store.store import Store
from reflect.evidence import turns_of
from reflect.rehearsal import Stage
from reflect.standin import Habits, StandIn
from reflect.whatif import study, try_what_if

BROKEN = breaking("returns")
"""It plays as the heap does, up to the end that it cannot tell."""
ME = StandIn("me", (), Habits({}))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "s.db") as opened:
        yield opened


def played() -> EpisodeRecord:
    """A whole game, of the time when the game worked."""
    return asyncio.run(play_episode(Match(Heap(), (ME, load_bot("random")), 1, Clock("paused"), night_id="n")))


def player_of(seat: SeatRecord) -> Player:
    return ME if seat.player == ME.name else load_bot("random")


def test_a_what_if_that_breaks_is_left_out_and_kept_as_a_fault(store: Store) -> None:
    record = played()
    store.save(record)
    assert asyncio.run(try_what_if(store, record, Heap(), 1, player_of)) is not None
    assert store.faults(record.id) == []
    assert asyncio.run(try_what_if(store, record, BROKEN, 1, player_of)) is None
    ((place, fault),) = store.faults(record.id)
    assert (fault.where, fault.kind, fault.turn, place.night_id) == ("game", "ZeroDivisionError", 1, "n")
    assert store.fault_counts("n") == (0, 0), "the game itself was played to its end"
    assert store.episode(record.id) == record
    turns = turns_of(BROKEN, [(record, 0)])
    assert asyncio.run(study(store, BROKEN, turns, player_of, count=2, seed=1)) == []


def stage(game: Game) -> Stage:
    return Stage(game, Clock("paused"), ME, (load_bot("random"),), seed=1)


def test_a_rehearsed_game_that_breaks_is_for_nobody() -> None:
    broken, whole = stage(BROKEN), stage(Heap())
    for one in (broken, whole):
        asyncio.run(one.play((), 0, 2))
    assert broken.score(()) == broken.score_of_others(()) == 0.5
    assert asyncio.run(broken.what_ifs((), 5, seed=1)) == []
    assert len(asyncio.run(whole.what_ifs((), 5, seed=1))) == 5
    broken.games = whole.games
    assert asyncio.run(broken.what_ifs((), 5, seed=1)) == [], "one that breaks on the way is left out"


def test_what_a_player_raises_in_a_what_if_is_kept_beside_its_own_faults(store: Store) -> None:
    record = played()
    store.save(record)
    clumsy = GuestPlayer(Clumsy(lambda seen, context: fails()), "clumsy", "clumsy", None)

    def one_breaks(seat: SeatRecord) -> Player:
        return ME if seat.player == ME.name else clumsy

    assert asyncio.run(try_what_if(store, record, Heap(), 1, one_breaks)) is not None
    assert asyncio.run(try_what_if(store, record, Heap(), 0, one_breaks)) is not None
    found = [fault for _, fault in store.faults(record.id)]
    assert {(fault.where, fault.kind, fault.player) for fault in found} == {("player", "ZeroDivisionError", "clumsy")}
    assert {fault.turn for fault in found} == {0, 1} and "in fails" in found[0].traceback
    assert store.episode(record.id) == record

"""Replay: a stored episode plays again to the same end, and a changed one is named at the first state that differs."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_games import Heap, Rope, RopeState, Told, drawn

from episodes.clock import Clock
from episodes.game import Capabilities, Game, Input
from episodes.games import load_game
from episodes.play import Match, play_episode
from episodes.player import Context
from episodes.record import EpisodeRecord
from episodes.replay import Difference, frames, replay, verify_episodes
from episodes.store.store import Store
from models.errors import BadInput


def played(game: Game, clock: str = "paused", seed: int = 3, latency: float = 0.0) -> EpisodeRecord:
    def took(context: Context) -> float:
        return latency * (context.seed % 1000) / 500

    players = tuple(Told(f"p{seat}", drawn, took) for seat in range(game.seats))
    return asyncio.run(play_episode(Match(game, players, seed, Clock.parse(clock))))


CLOCKS = st.sampled_from(["paused", "simulated:0,10", "simulated:90", "simulated:200,150", "measured"])


@settings(max_examples=60, deadline=None)
@given(CLOCKS, st.integers(0, 10**6), st.floats(0, 0.5), st.booleans())
def test_every_episode_replays(clock: str, seed: int, latency: float, clone: bool) -> None:
    for game in (Rope(Capabilities(clone)), Heap(Capabilities(clone))):
        record = played(game, clock, seed, latency)
        assert replay(record, game) == []
        last = list(frames(record, game))[-1]
        assert last.turn is None


@settings(max_examples=8, deadline=None)
@given(CLOCKS, st.integers(0, 10**6), st.floats(0, 0.4))
def test_every_duel_replays(clock: str, seed: int, latency: float) -> None:
    game = load_game("duel")
    assert replay(played(game, clock, seed, latency), game) == []


@pytest.mark.parametrize("name", ["openspiel:tic_tac_toe", "openspiel:connect_four"])
def test_board_games_replay(name: str) -> None:
    game = load_game(name)
    assert replay(played(game), game) == []


def change(record: EpisodeRecord, n: int, **changes: object) -> EpisodeRecord:
    turns = list(record.turns)
    turns[n] = replace(turns[n], **changes)  # type: ignore[arg-type]
    return replace(record, turns=tuple(turns))


ROPE = played(Rope(), "simulated:150,80", seed=1)


@pytest.mark.parametrize(
    ("changed", "turn", "what"),
    [
        (change(ROPE, 5, fingerprint="other"), 5, "fingerprint"),
        (change(ROPE, 5, observation="Tick 0, the rope is at 9."), 5, "observation"),
        (change(ROPE, 5, situation={"rope": "lost"}), 5, "situation"),
        (change(ROPE, 5, legal_moves=("push",)), 5, "legal moves"),
        (change(ROPE, 5, reward=0.99), 5, "reward"),
        (change(ROPE, 0, lands=ROPE.turns[0].lands + 1), 0, "tick of effect"),
        (change(ROPE, 2, move="yank"), 2, "move"),
        (replace(ROPE, final_fingerprint="other"), None, "fingerprint"),
        (replace(ROPE, ended_by="limit"), None, "ended"),
        (replace(ROPE, inputs=(Input(0, 0, "push", "late", 0), *ROPE.inputs[1:])), None, "inputs"),
        (replace(ROPE, seats=(replace(ROPE.seats[0], score=0.75), ROPE.seats[1])), None, "scores"),
        (replace(ROPE, ticks=ROPE.ticks + 1), None, "tick"),
    ],
)  # fmt: skip
def test_whatever_is_changed_is_found_where_it_is(changed: EpisodeRecord, turn: int | None, what: str) -> None:
    found = replay(changed, Rope())
    assert [(one.turn, one.what) for one in found] == [(turn, what)]
    assert found[0].episode_id == changed.id
    assert what in str(found[0])


def test_another_move_is_found_at_the_next_state() -> None:
    other = "wait" if ROPE.turns[0].move == "push" else "push"
    (first, *_) = replay(change(ROPE, 0, move=other), Rope())
    assert first.turn is not None
    assert 0 < first.turn <= 4


def test_without_fingerprints_what_the_seats_saw_tells() -> None:
    record = played(Heap(Capabilities()), seed=3)
    assert {turn.fingerprint for turn in record.turns} == {""}
    moves = [turn.move for turn in record.turns]
    other = "take-1" if moves[0] != "take-1" else "take-2"
    (first, *_) = replay(change(record, 0, move=other), Heap(Capabilities()))
    assert (first.turn, first.what) == (1, "observation")


def test_changed_rules_are_found() -> None:
    class Stronger(RopeState):
        def advance(self, ticks: int) -> int:
            before = self.rope
            passed = super().advance(ticks)
            self.rope += self.rope - before
            return passed

    class StrongerRope(Rope):
        def initial_state(self, seed: int) -> RopeState:
            return Stronger(seed % 3 - 1)

    found = replay(ROPE, StrongerRope())
    assert found[0].what == "fingerprint"
    with pytest.raises(BadInput, match="rules have changed"):
        list(frames(ROPE, StrongerRope()))


def test_the_wrong_game() -> None:
    with pytest.raises(BadInput, match="is of rope, not of heap"):
        replay(ROPE, Heap())


def test_frames_tell_the_game_decision_by_decision() -> None:
    found = list(frames(ROPE, Rope()))
    assert [frame.turn for frame in found] == [*ROPE.turns, None]
    assert [frame.tick for frame in found] == [*(turn.tick for turn in ROPE.turns), ROPE.ticks]
    assert found[-1].returns[0] == {1.0: 1.0, 0.0: -1.0, 0.5: 0.0}[ROPE.seats[0].score]
    assert found[-1].state.is_terminal()
    given = [fate for frame in found for fate in frame.fates]
    assert sorted(given, key=str) == sorted(ROPE.inputs, key=str)
    for frame in found:
        assert all(fate.seat == frame.turn.seat and fate.move == frame.turn.move for fate in frame.fates if frame.turn)


@pytest.fixture
def games() -> Callable[[str], Game]:
    known: dict[str, Game] = {"rope": Rope(), "heap": Heap()}
    return known.__getitem__


def test_verify_counts_and_names(tmp_path: Path, games: Callable[[str], Game]) -> None:
    records = [played(Heap(), seed=1), played(Rope(), "measured", latency=0.2), played(Heap(), seed=2)]
    with Store.open(tmp_path / "s.db") as store:
        for record in records:
            store.save(record)
        told: list[tuple[int, list[Difference]]] = []
        whole = verify_episodes(store, games=games, on_progress=lambda done, found: told.append((done, found)))
        assert (whole.episodes, whole.turns) == (3, sum(len(record.turns) for record in records))
        assert whole.differences == ()
        assert told == [(1, []), (2, []), (3, [])]
        store.db.execute("update turns set move = 'take-3' where episode_id = ? and n = 0", [records[2].id])
        broken = verify_episodes(store, games=games)
        assert {found.episode_id for found in broken.differences} == {records[2].id}
        assert verify_episodes(store, [records[0].id], games=games).episodes == 1

import asyncio
import dataclasses
from pathlib import Path

import pytest

from episodes.clock import Clock
from episodes.game import Capabilities, CloneableState
from episodes.games.duel import GAME
from episodes.play import Match, play_episode
from episodes.player import Player
from episodes.players.bots import load_bot
from episodes.record import EpisodeRecord, SeatRecord
from episodes.store.store import Store
from models.errors import BadInput
from reflect.branch import branch_at, play_on
from reflect.evidence import load_turns
from reflect.standin import Habits, StandIn
from reflect.whatif import Plan, choose_turns, study, what_if
from reflect.whatif_rows import load_what_ifs, save_what_ifs

SLOW = StandIn("slow", (), Habits(dict.fromkeys(GAME.moves, 1.0), latency=0.3), "p")
PLAYERS = (SLOW, load_bot("punisher"))


def game(clock: str, seed: int = 3) -> EpisodeRecord:
    return asyncio.run(play_episode(Match(GAME, PLAYERS, seed, Clock.parse(clock))))


def of(seat: SeatRecord) -> Player:
    return PLAYERS[seat.seat]


@pytest.mark.parametrize("clock", ["paused", "simulated:250,80", "measured"])
def test_the_state_is_rebuilt_at_every_turn(clock: str) -> None:
    record = game(clock)
    checked = 0
    for turn in record.turns:
        if turn.order < 0:
            continue
        branch = branch_at(record, GAME, turn.n)
        assert branch.seat == turn.seat
        if turn.lands == turn.tick:
            assert branch.state.fingerprint() == turn.fingerprint
            assert branch.legal == turn.legal_moves
            checked += 1
        thinking = {t.seat for t in record.turns if t.tick < turn.lands < t.lands and t.seat != turn.seat}
        assert thinking <= set(branch.thinking)
    assert checked or clock != "paused"


class Recorded:
    """Answers what is stored, so that playing on must end where the stored game did."""

    name = model = "recorded"
    prompt_id = None

    def __init__(self, record: EpisodeRecord, seat: int) -> None:
        self.turns = [turn for turn in record.turns if turn.seat == seat]

    async def act(self, observation, context):  # type: ignore[no-untyped-def]
        from episodes.player import Decision

        turn = self.turns[context.turn]
        assert observation.text == turn.observation
        return Decision(turn.move, turn.reply, turn.latency_ms / 1000)


@pytest.mark.parametrize("clock", ["paused", "measured"])
@pytest.mark.parametrize("n", [0, 7, 20])
def test_playing_on_with_the_recorded_decisions_gives_the_recorded_game(clock: str, n: int) -> None:
    record = game(clock)
    turn = record.turns[n]
    assert turn.move is not None
    branch = branch_at(record, GAME, n)
    players = (Recorded(record, 0), Recorded(record, 1))
    value = asyncio.run(
        play_on(branch, turn.move, GAME, players, Clock.parse(clock), seed=1, horizon=10_000, faults=[])
    )
    assert value == 2 * record.seats[turn.seat].score - 1


def test_a_branch_is_not_changed_by_playing_on() -> None:
    branch = branch_at(game("simulated:250"), GAME, 5)
    before = branch.state.fingerprint(), dict(branch.thinking)
    values = [
        asyncio.run(play_on(branch, move, GAME, PLAYERS, Clock.parse("simulated:250"), seed=4, horizon=200, faults=[]))
        for move in ("jab", "guard", "jab")
    ]
    assert (branch.state.fingerprint(), dict(branch.thinking)) == before
    assert values[0] == values[2]


def test_a_turn_that_never_took_effect_and_a_changed_game_are_refused() -> None:
    record = game("simulated:250")
    late = next((turn.n for turn in record.turns if turn.order < 0), None)
    assert late is not None
    with pytest.raises(BadInput, match="never took effect"):
        branch_at(record, GAME, late)
    paused = game("paused", 3)
    other = game("paused", 4)
    forged = dataclasses.replace(paused, seed=other.seed)
    with pytest.raises(BadInput, match="does not replay"):
        branch_at(forged, GAME, 6)


def test_what_if_finds_the_better_move_and_gives_all_the_same_luck() -> None:
    """A fighter with a full meter that touches a stunned opponent does better with super than with retreat."""
    gains = []
    for seed in range(12):
        record = game("paused", seed)
        for turn in record.turns:
            if turn.seat == 0 and turn.situation["opponent"] == "stunned" and "super" in turn.legal_moves:
                found = asyncio.run(what_if(record, GAME, turn.n, of, plan=Plan(continuations=3, seconds=1)))
                assert found is not None and turn.move not in found.alternatives
                assert set(found.alternatives) == set(turn.legal_moves) - {turn.move}
                again = asyncio.run(what_if(record, GAME, turn.n, of, plan=Plan(continuations=3, seconds=1)))
                assert again == found
                values: dict[str | None, float] = {m: e.difference for m, e in found.alternatives.items()}
                values[turn.move] = 0.0
                gains.append(values["super"] - values["retreat"])
    assert len(gains) >= 5 and sum(gains) / len(gains) > 0.02


def test_leverage_is_preferred_and_the_weights_undo_it() -> None:
    swings = [1.0 if n < 20 else 0.0 for n in range(200)]
    picks = [choose_turns(["e"] * 200, range(200), swings, 40, seed) for seed in range(200)]
    assert all(len({pick.turn for pick in chosen}) == 40 for chosen in picks)
    often = sum(pick.turn < 20 for chosen in picks for pick in chosen) / len(picks)
    assert often > 10
    weights = {pick.turn < 20: pick.weight for pick in picks[0]}
    assert weights[True] == pytest.approx(1 / 5.5) and weights[False] == pytest.approx(2)
    assert choose_turns([], [], [], 4, 1) == []
    assert choose_turns(["e"] * 3, range(3), [0.0] * 3, 9, 1)[2].turn == 2


def test_what_ifs_are_kept_and_come_back(tmp_path: Path) -> None:
    with Store.open(tmp_path / "c.db") as store:
        records = [game("paused", seed) for seed in (1, 2)]
        for record in records:
            store.save(record)
        turns = load_turns(store, GAME, player="slow")
        done: list[int] = []
        found = asyncio.run(study(store, GAME, turns, of, count=6, seed=5, on_done=done.append))
        assert len(found) == 6 and sorted(done) == [1, 2, 3, 4, 5, 6]
        save_what_ifs(store, GAME, found, "n1")
        save_what_ifs(store, GAME, found, "n1")
        again = load_what_ifs(store, GAME, [record.id for record in records])
        by_turn = {(w.episode, w.turn): w for w in again}
        assert len(again) == 6
        for one in found:
            other = by_turn[one.episode, one.turn]
            assert other.situation == one.situation and other.weight == one.weight
            for move, effect in one.alternatives.items():
                assert other.alternatives[move].difference == effect.difference
                assert other.alternatives[move].error == pytest.approx(effect.error)
        assert load_what_ifs(store, GAME, []) == []


def test_games_that_cannot_clone_have_no_what_ifs(tmp_path: Path) -> None:
    closed = dataclasses.replace(GAME, capabilities=Capabilities())
    with Store.open(tmp_path / "c.db") as store:
        record = game("paused")
        store.save(record)
        turns = load_turns(store, closed)
        assert asyncio.run(study(store, closed, turns, of, count=6, seed=5)) == []
    with pytest.raises(BadInput, match="cannot copy its states"):
        branch_at(record, closed, 0)
    assert isinstance(GAME.initial_state(1), CloneableState)

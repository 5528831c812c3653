"""Time controls: a seat whose time is up loses, the record says so, and it plays again from the record."""

import asyncio
from dataclasses import replace

import pytest
from small_games import Heap, Rope, TinyChat, Told, drawn

from episodes.clock import Clock
from episodes.play import Match, play_episode
from episodes.players.model import ModelPlayer
from episodes.record import EpisodeRecord
from episodes.replay import replay
from models.errors import BadInput


def play(clock: str, *latencies: float) -> EpisodeRecord:
    def seated(seat: int, took: float) -> Told:
        return Told(f"p{seat}", lambda seen, context: "take-1", lambda context: took)

    players = tuple(seated(seat, took) for seat, took in enumerate(latencies))
    return asyncio.run(play_episode(Match(Heap(), players, 3, Clock.parse(clock))))


def test_the_flag_falls_on_the_measured_clock() -> None:
    record = play("measured/2", 0.1, 0.9)  # 8 stones: the second seat's third move comes at 2.7 s
    assert record.ended_by == "flag"
    assert [seat.score for seat in record.seats] == [1.0, 0.0]
    assert [seat.result for seat in record.seats] == [1.0, -1.0]
    assert [turn.order for turn in record.turns] == [0, 1, 2, 3, 4, -1]
    assert replay(record, Heap()) == []


def test_the_increment_saves_the_flag() -> None:
    record = play("measured/2+0.6", 0.1, 0.9)
    assert record.ended_by == "result"
    assert [seat.score for seat in record.seats] == [0.0, 1.0]
    assert replay(record, Heap()) == []


def test_a_declared_latency_costs_time_too_and_a_factor_counts() -> None:
    assert play("simulated:500/2", 0, 0).ended_by == "result"
    assert play("simulated:500*2/2", 0, 0).ended_by == "flag"
    assert play("simulated:500*2/2", 9, 9).ended_by == "flag"


@pytest.mark.parametrize("change", [{"latency_ms": 100.0}, {"latency_ms": 5000.0}])
def test_a_changed_latency_is_found(change: dict[str, float]) -> None:
    record = play("measured/2", 0.1, 0.9)
    turns = list(record.turns)
    n = 5 if change["latency_ms"] < 1000 else 0
    turns[n] = replace(turns[n], **change)  # type: ignore[arg-type]
    assert [difference.what for difference in replay(replace(record, turns=tuple(turns)), Heap())] != []


def test_a_player_is_told_what_its_clock_says() -> None:
    chat = TinyChat(["take-1"])  # a quarter of a second each
    player = ModelPlayer("tiny@base", chat, "The rules.", "{text}")
    record = asyncio.run(play_episode(Match(Heap(), (player, Told("b", drawn)), 3, Clock.parse("measured/2+0.05"))))
    said = [turn.messages[1].content.splitlines()[-1] for turn in record.turns if turn.seat == 0]
    assert said[:3] == ["Your clock: 2.0 s left.", "Your clock: 1.8 s left.", "Your clock: 1.6 s left."]


def test_real_time_has_no_time_control() -> None:
    with pytest.raises(BadInput, match="rope is played in real time"):
        asyncio.run(play_episode(Match(Rope(), (Told("a", drawn),) * 2, 1, Clock.parse("measured/60"))))

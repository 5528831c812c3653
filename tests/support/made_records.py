"""Episodes to store: a small one made by hand, and any that hypothesis can think of."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from episodes.fault import GuestFault
from episodes.game import Input
from episodes.player import ReplyClass
from episodes.record import EpisodeRecord, SeatRecord, Split, TurnRecord
from models.chat import Message

TEXT = st.text(max_size=30)
REAL = st.floats(min_value=-1e12, max_value=1e12)
COUNT = st.integers(0, 2**40)


def turns(seats: int) -> st.SearchStrategy[tuple[TurnRecord, ...]]:
    one = st.builds(
        TurnRecord,
        n=st.just(0),
        seat=st.integers(0, seats - 1),
        tick=COUNT,
        lands=COUNT,
        order=st.integers(-1, 100),
        observation=TEXT,
        situation=st.dictionaries(TEXT, TEXT, max_size=4),
        legal_moves=st.lists(TEXT, max_size=4).map(tuple),
        messages=st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXT), max_size=3).map(
            tuple
        ),
        reply=TEXT,
        reply_class=st.sampled_from(ReplyClass),
        move=st.none() | TEXT,
        latency_ms=REAL,
        tokens_in=COUNT,
        tokens_out=COUNT,
        cost_usd=st.floats(0, 10),
        reward=st.floats(-1, 1),
        fingerprint=TEXT,
        ended_ms=st.none() | REAL,
        split=st.none() | st.builds(Split, TEXT, TEXT, COUNT, st.integers(-1, 100)),
        values=st.dictionaries(TEXT, st.floats(-1, 1), max_size=4),
        listed=st.booleans(),
        thought=TEXT,
    )
    return st.lists(one, max_size=6).map(lambda found: tuple(replace(turn, n=n) for n, turn in enumerate(found)))


def seats(count: int) -> st.SearchStrategy[tuple[SeatRecord, ...]]:
    scores = st.floats(0, 1) if count == 1 else st.sampled_from([0.0, 0.5, 1.0])
    one = st.builds(SeatRecord, st.just(0), TEXT, TEXT, st.none() | TEXT, scores, st.floats(-1, 1), st.none() | TEXT)
    return st.lists(one, min_size=count, max_size=count).map(
        lambda found: tuple(replace(seat, seat=n) for n, seat in enumerate(found))
    )


def faults(seats: int) -> st.SearchStrategy[tuple[GuestFault, ...]]:
    """At most one of each seat's player."""
    one = st.builds(
        GuestFault,
        st.just("player"),
        TEXT,
        TEXT,
        TEXT,
        st.integers(0, seats - 1),
        st.none() | TEXT,
        st.none() | COUNT,
        st.none() | COUNT,
        st.integers(1, 1000),
    )
    return st.lists(one, max_size=seats, unique_by=lambda fault: fault.seat).map(
        lambda found: tuple(sorted(found, key=lambda fault: fault.seat or 0))
    )


def records() -> st.SearchStrategy[EpisodeRecord]:
    inputs = st.builds(
        Input,
        st.integers(0, 1),
        COUNT,
        TEXT,
        st.sampled_from(["waiting", "played", "late", "superseded", "skipped"]),
        COUNT,
    )
    return st.integers(1, 3).flatmap(
        lambda count: st.builds(
            EpisodeRecord,
            id=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8),
            game=TEXT,
            seed=st.integers(-(2**63), 2**63 - 1),
            clock=TEXT,
            purpose=st.sampled_from(["play", "gate", "teach"]),
            pair_id=st.none() | TEXT,
            night_id=st.none() | TEXT,
            started=TEXT,
            seconds=REAL,
            ticks=COUNT,
            ended_by=st.sampled_from(["result", "forfeit", "flag", "limit"]),
            final_fingerprint=TEXT,
            seats=seats(count),
            turns=turns(count),
            inputs=st.lists(inputs, max_size=4).map(tuple),
            faults=faults(count),
        )
    )


def record(episode_id: str = "e1", **changes: Any) -> EpisodeRecord:
    """A small episode of two seats and four turns."""
    four = tuple(
        TurnRecord(
            n=n,
            seat=n % 2,
            tick=n,
            lands=n,
            order=n,
            observation=f"you see {n}",
            situation={"distance": "far"},
            legal_moves=("jab", "guard"),
            messages=(Message("system", "the rules"), Message("user", f"you see {n}")),
            reply="jab",
            reply_class=ReplyClass.MOVE,
            move="jab",
            latency_ms=10.0 * n,
            tokens_in=7,
            tokens_out=2,
            cost_usd=0.1,
            reward=0.25,
            fingerprint=f"f{n}",
        )
        for n in range(4)
    )
    seats = (SeatRecord(0, "bot:a", "bot:a", None, 1.0, 1.0), SeatRecord(1, "m@p", "m", "prompt1", 0.0, -1.0))
    base = EpisodeRecord(
        id=episode_id,
        game="duel",
        seed=7,
        clock="paused",
        purpose="play",
        pair_id="pair1",
        night_id=None,
        started=f"2026-01-01 {episode_id}",
        seconds=0.5,
        ticks=40,
        ended_by="result",
        final_fingerprint="ff",
        seats=seats,
        turns=four,
        inputs=(Input(0, 0, "jab", "played", 3),),
    )
    return replace(base, **changes)

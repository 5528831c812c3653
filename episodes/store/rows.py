"""An episode as rows and back, without loss. Knows nothing about the file they are in."""

import json
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from episodes.fault import FaultPlace, GuestFault
from episodes.game import Input
from episodes.player import ReplyClass
from episodes.record import EpisodeRecord, SeatRecord, Split, TurnRecord
from models.chat import Message

PutText = Callable[[str], str]
GetText = Callable[[str], str]
Row = Sequence[Any]

EPISODE_COLUMNS = (
    "id",
    "night_id",
    "game",
    "seed",
    "pair_id",
    "clock",
    "started",
    "seconds",
    "ticks",
    "ended_by",
    "purpose",
    "final_fingerprint",
)
SEAT_COLUMNS = (
    "episode_id",
    "seat",
    "player",
    "prompt_id",
    "model",
    "score",
    "turns",
    "illegal",
    "unreadable",
    "refused",
    "timeouts",
    "latency_p50_ms",
    "tokens_in",
    "tokens_out",
    "cost_usd",
    "result",
    "faults",
    "identity_id",
)
TURN_COLUMNS = (
    "episode_id",
    "n",
    "seat",
    "tick",
    "lands",
    '"order"',
    "observation_id",
    "legal_moves_id",
    "messages_id",
    "reply",
    "reply_class",
    "move",
    "legal",
    "latency_ms",
    "tokens_in",
    "tokens_out",
    "cost_usd",
    "situation",
    "reward",
    "fingerprint",
    "ended_ms",
    "split",
    "move_values",
    "listed",
    "thought_id",
)
FAULT_COLUMNS = (
    "id",
    "night_id",
    "episode_id",
    "pair_id",
    "game",
    "seat",
    "player",
    "turn",
    "tick",
    '"where"',
    "kind",
    "message",
    "traceback",
    "times",
    "created",
)
INPUT_COLUMNS = ("episode_id", "n", "seat", "decision", "move", "fate", "tick")

_UNREADABLE = {ReplyClass.UNPARSABLE, ReplyClass.EMPTY, ReplyClass.TRUNCATED}


def insert(table: str, columns: Sequence[str]) -> str:
    """The statement that inserts one row of ``columns``."""
    return f"insert into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"


INSERT_EPISODE = insert("episodes", EPISODE_COLUMNS)
INSERT_SEAT = insert("seats", SEAT_COLUMNS)
INSERT_TURN = insert("turns", TURN_COLUMNS)
INSERT_INPUT = insert("inputs", INPUT_COLUMNS)
# A void episode that is played again and breaks again has one row, of the last time.
REPLACE_FAULT = insert("faults", FAULT_COLUMNS).replace("insert", "insert or replace", 1)


def dump(value: object) -> str:
    """Compact JSON that keeps the order of keys."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def episode_row(record: EpisodeRecord) -> Row:
    return tuple(getattr(record, column) for column in EPISODE_COLUMNS)


def seat_row(record: EpisodeRecord, seat: SeatRecord, put: PutText) -> Row:
    """A seat with the totals of its turns. Decisions that came to nothing are counted by what was wrong with them:

    ``illegal`` moves that the game refused, ``unreadable`` replies without a move (unparsable, empty, truncated),
    ``refused``, ``timeouts`` and ``faults`` of the player's own code.
    """
    turns = [turn for turn in record.turns if turn.seat == seat.seat]
    classes = [turn.reply_class for turn in turns]
    return (
        record.id,
        seat.seat,
        seat.player,
        seat.prompt_id,
        seat.model,
        seat.score,
        len(turns),
        classes.count(ReplyClass.ILLEGAL),
        sum(kind in _UNREADABLE for kind in classes),
        classes.count(ReplyClass.REFUSED),
        classes.count(ReplyClass.TIMEOUT),
        statistics.median(turn.latency_ms for turn in turns) if turns else None,
        sum(turn.tokens_in for turn in turns),
        sum(turn.tokens_out for turn in turns),
        math.fsum(turn.cost_usd for turn in turns),
        seat.result,
        classes.count(ReplyClass.FAULT),
        None if seat.identity is None else put(seat.identity),
    )


def turn_row(episode_id: str, turn: TurnRecord, put: PutText) -> Row:
    """``messages_id`` names a text that is a JSON list of [role, text id]: a prompt sent each turn is kept once."""
    messages = [[message.role, put(message.content)] for message in turn.messages]
    return (
        episode_id,
        turn.n,
        turn.seat,
        turn.tick,
        turn.lands,
        turn.order,
        put(turn.observation),
        put(dump(turn.legal_moves)),
        put(dump(messages)) if messages else None,
        turn.reply,
        turn.reply_class.value,
        turn.move,
        int(turn.move is not None),
        turn.latency_ms,
        turn.tokens_in,
        turn.tokens_out,
        turn.cost_usd,
        dump(turn.situation),
        turn.reward,
        turn.fingerprint,
        turn.ended_ms,
        dump(asdict(turn.split)) if turn.split else None,
        dump(turn.values) if turn.values else None,
        int(turn.listed),
        put(turn.thought) if turn.thought else None,
    )


def input_rows(record: EpisodeRecord) -> Iterable[Row]:
    for n, given in enumerate(record.inputs):
        yield (record.id, n, given.seat, given.decision, given.move, given.fate, given.tick)


def fault_row(place: FaultPlace, fault: GuestFault, created: str, beside: str = "") -> Row:
    whose = "game" if fault.where == "game" else fault.seat
    return (
        f"{place.episode_id}-{whose}{beside and f'-{beside}'}",
        place.night_id,
        place.episode_id,
        place.pair_id,
        place.game,
        fault.seat,
        fault.player,
        fault.turn,
        fault.tick,
        fault.where,
        fault.kind,
        fault.message,
        fault.traceback,
        fault.times,
        created,
    )


def fault_place(row: Row) -> FaultPlace:
    """The first half of ``fault_row`` back."""
    _, night_id, episode_id, pair_id, game, *_ = row
    return FaultPlace(episode_id, game, pair_id, night_id)


def to_fault(row: Row) -> GuestFault:
    """The second half of ``fault_row`` back; ``row`` has the columns ``FAULT_COLUMNS``."""
    _, _, _, _, _, seat, player, turn, tick, where, kind, message, traceback, times, _ = row
    return GuestFault(where, kind, message, traceback, seat, player, turn, tick, times)


def to_turn(row: Row, text: GetText) -> TurnRecord:
    """The inverse of ``turn_row``; ``row`` has the columns ``TURN_COLUMNS``."""
    _, n, seat, tick, lands, order, observation_id, legal_id, messages_id, reply, reply_class, move, _, *rest = row
    latency_ms, tokens_in, tokens_out, cost_usd, situation, reward, fingerprint, ended_ms, split, *rest = rest
    values, listed, thought_id = rest
    messages = json.loads(text(messages_id)) if messages_id is not None else []
    return TurnRecord(
        n=n,
        seat=seat,
        tick=tick,
        lands=lands,
        order=order,
        observation=text(observation_id),
        situation=json.loads(situation),
        legal_moves=tuple(json.loads(text(legal_id))),
        messages=tuple(Message(role, text(content_id)) for role, content_id in messages),
        reply=reply,
        reply_class=ReplyClass(reply_class),
        move=move,
        latency_ms=latency_ms,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost_usd=cost_usd,
        reward=reward,
        fingerprint=fingerprint,
        ended_ms=ended_ms,
        split=Split(**json.loads(split)) if split is not None else None,
        values=json.loads(values) if values is not None else {},
        listed=bool(listed),
        thought=text(thought_id) if thought_id is not None else "",
    )


def to_episode(
    row: Row, seats: Iterable[Row], turns: Iterable[Row], inputs: Iterable[Row], text: GetText
) -> EpisodeRecord:
    """An episode from its rows, which have the columns named above and are in order."""
    values = dict(zip(EPISODE_COLUMNS, row, strict=True))
    return EpisodeRecord(
        **values,
        seats=tuple(
            SeatRecord(seat, player, model, prompt, score, result, None if identity is None else text(identity))
            for _, seat, player, prompt, model, score, *_, result, _, identity in seats
        ),
        turns=tuple(to_turn(turn, text) for turn in turns),
        inputs=tuple(Input(*values) for _, _, *values in inputs),
    )

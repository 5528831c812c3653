"""What is kept of an episode: plain values, complete enough to play it again.

Knows nothing about how it is stored.
"""

from dataclasses import dataclass, field
from typing import Literal

from episodes.game import Input, Move
from episodes.player import ReplyClass
from models.chat import Message

EndedBy = Literal["result", "forfeit", "limit"]
"""``result``: the rules ended it; ``forfeit``: a seat lost by giving no acceptable move; ``limit``: too many turns."""

Purpose = Literal["play", "race", "gate", "confirm", "teach", "check", "league", "guard", "control", "bench"]


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One decision of one seat.

    ``tick`` is when it was asked and ``lands`` when its move took effect (equal on the paused clock and, for turn-based
    games, both the turn's number). ``reward`` is the seat's return at ``tick``. ``fingerprint`` is the state's at
    ``tick``, empty where the game has none. ``order`` numbers ``apply`` calls: decisions that took effect together
    share it; it is -1 for a decision that came after the end.
    """

    n: int
    seat: int
    tick: int
    lands: int
    order: int
    observation: str
    situation: dict[str, str]
    legal_moves: tuple[Move, ...]
    messages: tuple[Message, ...]
    reply: str
    reply_class: ReplyClass
    move: Move | None
    latency_ms: float
    tokens_in: int
    tokens_out: int
    cost_usd: float
    reward: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class SeatRecord:
    """A seat's player and its result: ``score`` is 1 for a win, 1/2 for a draw, 0 for a loss."""

    seat: int
    player: str
    model: str
    prompt_id: str | None
    score: float


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    id: str
    game: str
    seed: int
    clock: str
    purpose: Purpose
    pair_id: str | None
    night_id: str | None
    started: str
    seconds: float
    ticks: int
    ended_by: EndedBy
    final_fingerprint: str
    seats: tuple[SeatRecord, ...]
    turns: tuple[TurnRecord, ...]
    inputs: tuple[Input, ...] = field(default=())

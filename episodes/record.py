"""What is kept of an episode: plain values, complete enough to play it again.

Knows nothing about how it is stored.
"""

from dataclasses import dataclass, field
from typing import Literal

from episodes.fault import GuestFault
from episodes.game import Input, Move, Observation
from episodes.player import ReplyClass
from models.chat import Message

EndedBy = Literal["result", "forfeit", "flag", "limit"]
"""``result``: the rules ended it; ``forfeit``: a seat lost by giving no acceptable move; ``flag``: a seat's time was
up; ``limit``: too many turns."""

Purpose = Literal[
    "play", "race", "gate", "confirm", "teach", "check", "league", "guard", "control", "bench", "colosseum", "latency"
]


@dataclass(frozen=True, slots=True)
class Split:
    """A plan of which the first move took effect while the reply was still arriving, and the rest at ``lands``."""

    first: Move
    rest: Move
    lands: int
    order: int


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One decision of one seat.

    ``tick`` is when it was asked and ``lands`` when its move took effect (equal on the paused clock and, for turn-based
    games, both the turn's number). ``reward`` is the seat's return at ``tick``. ``fingerprint`` is the state's at
    ``tick``, empty where the game has none. ``order`` numbers ``apply`` calls: decisions that took effect together
    share it; it is -1 for a decision that came after the end. ``latency_ms`` runs from the request to the first usable
    move, ``ended_ms`` to the end of the reply (``None``: they are the same). ``values``, ``thought`` and ``listed`` are
    those of the decision and of its observation.
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
    ended_ms: float | None = None
    split: Split | None = None
    values: dict[Move, float] = field(default_factory=dict)
    listed: bool = True
    thought: str = ""

    def seen(self) -> Observation:
        """The observation as the player had it."""
        return Observation(self.observation, self.situation, self.legal_moves, self.listed)


@dataclass(frozen=True, slots=True)
class SeatRecord:
    """A seat's player, its ``score`` (1 for a win, 1/2 for a draw, 0 for a loss) and its ``result``, the final return.

    In a game of one seat the score is graded. ``identity`` is what shaped the player's answers beside its names and its
    prompt (``episodes.player.IdentifiedPlayer``), ``None`` where that is nothing, or was not kept yet.
    """

    seat: int
    player: str
    model: str
    prompt_id: str | None
    score: float
    result: float
    identity: str | None = None


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
    faults: tuple[GuestFault, ...] = ()
    """Of players that are not ours, at most one a seat."""

    def landings(self) -> "list[Landing]":
        """Everything that took effect, in order: what the calls of ``apply`` were given."""
        parts: dict[int, list[tuple[TurnRecord, int, Move | None]]] = {}
        for turn in self.turns:
            split = turn.split
            if turn.order >= 0:
                parts.setdefault(turn.order, []).append((turn, turn.lands, split.first if split else turn.move))
            if split and split.order >= 0:
                parts.setdefault(split.order, []).append((turn, split.lands, split.rest))
        found = []
        for order in sorted(parts):
            together = sorted(parts[order], key=lambda part: part[0].seat)
            turns = tuple(turn for turn, _, _ in together)
            found.append(Landing(order, together[0][1], turns, {turn.seat: move for turn, _, move in together}))
        return found


@dataclass(frozen=True, slots=True)
class Landing:
    """Decisions, or rests of plans, that took effect together at ``tick``; ``moves`` are by seat, as ``turns`` are."""

    order: int
    tick: int
    turns: tuple[TurnRecord, ...]
    moves: dict[int, Move | None]

"""Stored turns as a student meets them: its question, and what is known of the worth of each legal move.

Two kinds of turns teach. The teacher's own, with the value that it gave every move where it left them, or else the move
that it played; they count by how their games truly ended (``weights``). And practised turns: a sketch of the student
decided them, and each legal move was then really played on from that very state (what-ifs). Reads the store; knows
nothing about what is made of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from distill.weights import outcome_weights
from episodes.game import Game, Move
from episodes.record import EpisodeRecord, TurnRecord
from episodes.store.store import Store
from episodes.turn_text import turn_text
from models.errors import BadInput
from prompts.base import Base, default_base
from reflect.whatif import WhatIf
from reflect.whatif_rows import load_what_ifs

Source = Literal["played", "values", "what-if"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One turn. ``values``: what each legal move was worth, in returns; for ``played`` the one move, worth 0.

    ``weight``: how much the turn counts against others of its kind; ``pair``: the same for both halves of a pair.
    """

    episode_id: str
    turn_n: int
    pair: str
    question: str
    situation: Mapping[str, str]
    values: Mapping[Move, float]
    weight: float
    source: Source


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How much a game's end says about its turns: see ``weights.outcome_weights``."""

    temperature: float = 2.0
    clip: float = 5.0


def read_taught(
    store: Store, episode_ids: Sequence[str], teacher: str, base: Base, outcomes: Outcomes
) -> tuple[list[Judged], int]:
    """The turns that ``teacher`` (a player's name) decided in these episodes, and how many gave no legal move.

    Raises ``BadInput`` where the teacher is in none of them.
    """
    records = [store.episode(episode_id) for episode_id in sorted(set(episode_ids))]
    seats = [(record, seat.seat) for record in records for seat in record.seats if seat.player == teacher]
    if not seats:
        raise BadInput(f"none of the {len(records)} episodes has the teacher {teacher}: play teacher games first")
    weights = outcome_weights(
        [2 * record.seats[seat].score - 1 for record, seat in seats],
        [(_opponents(record, seat), seat) for record, seat in seats],
        temperature=outcomes.temperature,
        clip=outcomes.clip,
    )
    found: list[Judged] = []
    refused = 0
    for (record, seat), weight in zip(seats, weights, strict=True):
        for turn in record.turns:
            if turn.seat != seat:
                continue
            if turn.move is None:
                refused += 1
                continue
            values = {move: value for move, value in turn.values.items() if move in turn.legal_moves}
            source: Source = "values" if len(values) > 1 else "played"
            if len(values) < 2:
                values = {turn.move: 0.0}
            found.append(Judged(*_place(record, turn, base), values, weight, source))
    return found, refused


def read_practised(store: Store, game: Game, episode_ids: Sequence[str], base: Base) -> list[Judged]:
    """The turns of these episodes that were replayed with every other move."""
    found, record = [], None
    for what_if in load_what_ifs(store, game, sorted(set(episode_ids))):
        if record is None or record.id != what_if.episode:
            record = store.episode(what_if.episode)
        place = _place(record, record.turns[what_if.turn], base)
        found.append(Judged(*place, _returns(what_if), 1.0, "what-if"))
    return found


def _returns(what_if: WhatIf) -> dict[Move, float]:
    """The return of each move, less that of the one played."""
    return {what_if.move_played: 0.0} | {move: effect.difference for move, effect in what_if.alternatives.items()}


def _place(record: EpisodeRecord, turn: TurnRecord, base: Base) -> tuple[str, int, str, str, Mapping[str, str]]:
    """The first five columns of a judged turn."""
    return record.id, turn.n, record.pair_id or record.id, turn_text(base.turn, turn.seen()), turn.situation


def _opponents(record: EpisodeRecord, seat: int) -> str:
    """Who sat in the other seats."""
    return " ".join(other.player for other in record.seats if other.seat != seat)


def student_base(game: Game) -> Base:
    """The text and turn that a student of ``game`` is trained and asked with: no guidance."""
    return default_base(game, "student:")

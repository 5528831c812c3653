"""What is known of one stored decision, and what a model says of it, as ``cornerman explain`` tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cornerman.result import FLAT
from cornerman.workplace import Workplace
from models.errors import BadInput
from reflect.evidence import Cell
from reflect.explain import Facts, facts


@dataclass(frozen=True, slots=True)
class ExplainResult:
    """What ``cornerman explain --json`` prints. ``rule`` is the sentence of the player's guidance that decided, if one
    did; ``by`` is the model whose words ``explanation`` is, ``None`` where none was asked."""

    episode: str
    turn: int
    player: str
    move: str | None
    rule: str | None
    evidence: tuple["Evidence", ...]
    by: str | None
    explanation: str | None

    @classmethod
    def of(cls, known: Facts, model: str, words: str | None) -> "ExplainResult":
        return cls(
            episode=known.record.id,
            turn=known.turn.n,
            player=known.record.seats[known.turn.seat].player,
            move=known.turn.move,
            rule=known.rule,
            evidence=tuple(Evidence(cell, dict(cell.situation)) for cell in known.cells),
            by=None if words is None else model,
            explanation=words,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """How a move did in a situation; its situation by feature."""

    cell: Cell = field(metadata=FLAT)
    situation: Mapping[str, str]


def facts_of(place: Workplace, episode: str, turn: int) -> Facts:
    """What is known of a turn; raises ``BadInput`` for one that the episode does not have."""
    record = place.store.episode(episode)
    if not 0 <= turn < len(record.turns):
        raise BadInput(
            f"episode {record.id} has no turn {turn}: its turns are numbered from 0 to {len(record.turns) - 1}"
        )
    prompt_id = record.seats[record.turns[turn].seat].prompt_id
    library = place.players.library
    prompt = library.get(prompt_id, place.game) if prompt_id and library.holds(prompt_id) else None
    return facts(place.store, place.game, record, turn, prompt)

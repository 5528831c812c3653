"""What a model's moves are worth on turns that it did not learn from.

A held-out turn says little about which move was best, for one continuation is mostly luck; but the mean over many turns
of what the chosen moves truly gained is without bias. Knows nothing about training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from distill.judged import Judged
from episodes.game import Move
from models.chat import ChatModel, ChatRequest, Message
from models.together import together
from prompts.base import Base


async def worth(chat: ChatModel, turns: Sequence[Judged], base: Base) -> float | None:
    """The mean gain of the model's likeliest move over the mean of its turn's moves, in returns (a game is -1 to 1).

    Turns whose moves have no values say nothing; ``None`` if all are such.
    """
    valued = [turn for turn in turns if len(turn.values) > 1]

    async def answer(question: str, moves: tuple[Move, ...]) -> Move:
        messages = (Message("system", base.text), Message("user", question))
        return (await chat.complete(ChatRequest(messages, moves, max_tokens=16, temperature=0.0, seed=0))).text

    asked = list(dict.fromkeys((turn.question, tuple(turn.values)) for turn in valued))
    answers = await together(answer(question, moves) for question, moves in asked)
    chosen = dict(zip(asked, answers, strict=True))
    gains = [turn.values[chosen[turn.question, tuple(turn.values)]] - fmean(turn.values.values()) for turn in valued]
    return fmean(gains) if gains else None


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question of held-out turns with what each legal move of theirs gained over the mean of the turn's moves, one
    number a turn."""

    system: str
    user: str
    gains: Mapping[Move, tuple[float, ...]]


def weigh(turns: Sequence[Judged], base: Base) -> tuple[Weighed, ...]:
    """The questions of ``turns`` with values, apart where other moves are legal; none where no turn has values."""
    found: dict[tuple[str, tuple[Move, ...]], list[Mapping[Move, float]]] = {}
    for turn in turns:
        if len(turn.values) > 1:
            moves = tuple(sorted(turn.values))
            found.setdefault((turn.question, moves), []).append(turn.values)
    return tuple(
        Weighed(
            base.text,
            question,
            {move: tuple(values[move] - fmean(values.values()) for values in known) for move in moves},
        )
        for (question, moves), known in found.items()
    )
